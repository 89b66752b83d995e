"""The examples keep the promises of their contracts, and a bug planted in each is found."""

import importlib
from dataclasses import replace

import numpy as np
import pytest

from conformance import outcome, streams
from conformance.case import Contradiction
from conformance.mutants.judging import faults, rows, selection
from conformance.row import Row
from reference import CONTRACTS

EXAMPLES = {
    "focal_loss": "conformance.examples.focal:FocalLoss",
    "weighted_mse": "conformance.examples.weighted_mse:weighted_mse_loss",
    "combined_loss": "conformance.examples.combined:CombinedLoss",
    "contrastive_loss": "conformance.examples.contrastive:ContrastiveLoss",
}
PLANTED = {
    "FocalDetached": "focal_loss",
    "FocalSwapped": "focal_loss",
    "FocalPower": "focal_loss",
    "weighted_mse_without_slope": "weighted_mse",
    "CombinedSteep": "combined_loss",
    "ContrastiveSquared": "contrastive_loss",
}
CHECKS = ("value", "gradient", "special_values", "convention", "reduction", "purity", "forward_mode")


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    """The contracts of the examples, for one test only: other tests are about those of the suite."""
    known = dict(CONTRACTS)
    modules = [importlib.import_module(source.partition(":")[0]) for source in EXAMPLES.values()]
    own = {k: getattr(m, k) for k, m in zip(EXAMPLES, modules, strict=True)}
    CONTRACTS.clear()
    CONTRACTS.update(known)
    for name, contract in own.items():
        monkeypatch.setitem(CONTRACTS, name, contract)
    yield
    monkeypatch.undo()
    for name in own:
        CONTRACTS.pop(name, None)


def asked(loss: str, source: str, checks: tuple[str, ...], seed: int = 0) -> list[Row]:
    return list(rows(selection(loss, source, checks, "smoke", seed)))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("loss", EXAMPLES)
def test_an_example_keeps_its_promises(loss):
    found = asked(loss, EXAMPLES[loss], CHECKS)
    assert [(row.item.key, fault) for row in found for fault in faults(row)] == []
    verified = {row.item.check for row in found for tally in row.tallies.values() if tally.cases}
    assert verified >= {"value", "gradient", "forward_mode", "purity"}


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("bug", "loss"), PLANTED.items())
def test_a_planted_bug_is_found(bug, loss):
    found = asked(loss, f"conformance.examples.planted:{bug}", ("value", "gradient", "completeness"))
    assert any(faults(row) for row in found)


def test_a_row_says_where_its_gradient_is_from():
    said = {
        loss: outcome.finish(next(r for r in asked(loss, EXAMPLES[loss], ("gradient",)) if r.item.dtype == "float32"))
        for loss in EXAMPLES
    }
    assert {loss: rows[0]["message"] for loss, rows in said.items()} == {
        "focal_loss": "expected: the gradient of the mirror",
        "weighted_mse": None,
        "combined_loss": "expected: certified differences of the formula",
        "contrastive_loss": "expected: certified differences of the formula",
    }


def test_a_mirror_of_another_formula_is_found(monkeypatch):
    right = CONTRACTS["focal_loss"]
    wrong = replace(right, mirrored=lambda *args, **given: 1.01 * right.mirrored(*args, **given))
    monkeypatch.setitem(CONTRACTS, "focal_loss", wrong)
    case = next(streams.cases(1, "focal_loss", "gradient", "float32", "none", lambda n: n >= 1))
    with pytest.raises(Contradiction, match="one of both is wrong"):
        case.expected_gradients  # noqa: B018 - asking is what raises
    found = asked("focal_loss", EXAMPLES["focal_loss"], ("gradient",), seed=7)  # of which nothing is remembered
    told = [fault for row in found for fault in faults(row)]
    assert any("the mirror says" in fault for fault in told)


def test_both_slopes_are_right_at_a_kink_and_no_others():
    case = next(streams.cases(0, "combined_loss", "gradient", "float32", "none", lambda n: n >= 1))
    arguments = dict.fromkeys(("input", "target"), np.ones_like(case.arguments["input"]))
    expected = replace(case, arguments=arguments, parameters={"share": 0.25}).expected("grad_input")
    assert np.all(expected.value == 0)
    slope = 0.75 * abs(case.cotangents["value"])
    assert np.all(slope <= expected.spread)
    assert np.all(expected.spread <= slope * (1 + 2.0**-26))  # the radius of a ball has 30 bits
