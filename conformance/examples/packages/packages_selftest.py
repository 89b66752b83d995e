"""The lists of adapted losses agree, plain torch keeps their own contracts, and a package what it can where one is."""

import ast
import importlib
import re
from pathlib import Path

import pytest

from conformance.mutants.judging import faults, rows, selection
from reference import CONTRACTS

HERE = Path(__file__).parent
SUBJECTS = [line.removeprefix("--subject=").split("=") for line in (HERE / "subjects.txt").read_text().split()]
PINS = dict(line.split("==") for line in (HERE / "requirements.txt").read_text().split())
ROBUST = {"log_cosh_loss": "LogCoshLoss", "charbonnier_loss": "CharbonnierLoss", "cauchy_loss": "CauchyLoss"}
#: For each package a loss that keeps its promises in float32, by the name of its adapter.
KEPT = {
    "kornia": ("cauchy_loss", "cauchy"),
    "monai": ("focal_loss", "focal"),
    "optax": ("MSELoss", "squared_error"),
    "segmentation_models_pytorch": ("BCEWithLogitsLoss", "binary"),
    "timm": ("BCEWithLogitsLoss", "binary"),
}


@pytest.fixture
def registered():
    """Contracts that are registered for one test only: other tests are about those of the suite."""
    known = dict(CONTRACTS)
    yield CONTRACTS
    CONTRACTS.clear()
    CONTRACTS.update(known)


def with_contracts_of(registered, *modules: str) -> None:
    for name in modules:
        own = vars(importlib.import_module(f"conformance.examples.{name}"))
        registered.update({k: own[k] for k in (*ROBUST, "focal_loss") if k in own})


def asked(loss: str, source: str, checks=("value", "gradient")) -> list:
    where = f"conformance.examples.packages.{source}"
    return [row for row in rows(selection(loss, where, checks, "smoke", 0)) if row.item.dtype == "float32"]


def test_every_adapter_is_listed_once():
    listed = {(source.rpartition(".")[2], name) for source, _, name in (s[1].partition(":") for s in SUBJECTS)}
    assert len(listed) == len(SUBJECTS)
    found = set()
    for module in KEPT:
        body = ast.parse((HERE / f"{module}.py").read_text()).body
        names = [t.id for node in body if isinstance(node, ast.Assign) for t in node.targets]
        found |= {(module, name) for name in names if name.islower()}
    assert found == listed


def test_the_summary_names_every_loss_and_version():
    told = (HERE / "SUMMARY.md").read_text()
    missing = [s[1].rpartition(".")[2] for s in SUBJECTS if f"`{s[1].rpartition('.')[2]}`" not in told]
    assert missing == []
    assert [f"{k} {v}" for k, v in PINS.items() if f"{k} {v}" not in told] == []


def test_the_packages_are_no_dependency_of_the_suite():
    root = HERE.parent.parent.parent
    told = (root / "pyproject.toml").read_text() + (root / "tox.ini").read_text()
    assert [name for name in PINS if re.search(rf"\b{name}\b", told)] == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize("loss", ROBUST)
def test_plain_torch_keeps_a_contract_of_its_own(registered, loss):
    with_contracts_of(registered, "packages.robust")
    found = asked(loss, f"robust:{ROBUST[loss]}", ("value", "gradient", "special_values", "forward_mode"))
    assert [(row.item.key, fault) for row in found for fault in faults(row)] == []
    assert {row.item.check for row in found if any(t.cases for t in row.tallies.values())} >= {"value", "gradient"}


@pytest.mark.timeout(300)
def test_the_form_that_cancels_is_found(registered, monkeypatch):
    import math

    with_contracts_of(registered, "packages.robust")
    from conformance.examples.packages.robust import LogCoshLoss

    monkeypatch.setattr(LogCoshLoss, "terms", lambda _, error: error.logaddexp(-error) - math.log(2))
    assert any(faults(row) for row in asked("log_cosh_loss", "robust:LogCoshLoss"))


@pytest.mark.timeout(300)
def test_a_wrong_sum_is_found_where_the_contract_has_no_pullback(registered, monkeypatch):
    with_contracts_of(registered, "focal")
    from conformance.examples.focal import FocalLoss

    right = FocalLoss.forward
    wrong = {"sum": 0.5, "mean": 1.0, "none": 1.0}
    monkeypatch.setattr(FocalLoss, "forward", lambda self, *x: wrong[self.reduction] * right(self, *x))
    chosen = selection("focal_loss", "conformance.examples.focal:FocalLoss", ("reduction",), "smoke", 0)
    assert {row.item.reduction for row in rows(chosen) if faults(row)} == {"sum"}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("package", KEPT)
def test_a_package_is_judged_where_it_is_installed(registered, package):
    pytest.importorskip(package, reason="it is no dependency of the suite")
    with_contracts_of(registered, "focal", "packages.robust")
    loss, name = KEPT[package]
    found = asked(loss, f"{package}:{name}", ("value",))
    assert [(row.item.key, fault) for row in found for fault in faults(row)] == []
    assert any(tally.cases for row in found for tally in row.tallies.values())
