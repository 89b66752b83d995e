"""What changes nothing is no mutant: every step of the proofs that a machine can take, and equal answers to cases."""

from __future__ import annotations

import ast
import tomllib
from copy import deepcopy
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch

from conformance import streams
from conformance.mutants import mechanical, plain
from conformance.mutants.plain import distance, likelihood, logistic
from conformance.mutants.zoo import ZOO
from conformance.session import Session
from conformance.subject import Subject
from reference import CONTRACTS, Contract

LISTED = {e["name"]: e for e in tomllib.loads(Path(__file__).with_name("equivalent.toml").read_text())["equivalent"]}
#: Every number of float16, in float32.
EVERY = torch.arange(2**16, dtype=torch.int32).to(torch.int16).view(torch.float16).float()


def contract_of(loss: str) -> Contract:
    return next(c for c in CONTRACTS.values() if c.torch == loss)


def definition(loss: str, name: str, mutant: str | None = None) -> ast.FunctionDef:
    """A function or method of a plain loss, or of a mutant of it."""
    tree = mechanical.source(mechanical.find(mutant)) if mutant else mechanical.flattened(loss)
    owner, _, function = name.rpartition(".")
    if owner:
        tree = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == owner)
    return next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == function)


def space(mutant: str) -> dict:
    """Everything that the module of a mutant defines."""
    found = {"__name__": __name__}
    exec(compile(mechanical.source(mechanical.find(mutant)), mutant, "exec"), found)
    return found


class Deciding(ast.NodeTransformer):
    """Puts what names were assigned in their place, and takes the branch of a ``where`` on a decided condition."""

    def __init__(self, known: dict[str, ast.expr], condition: str, truth: bool):
        self.known, self.condition, self.truth = known, condition, truth

    def visit_Name(self, node):
        return node if node.id == self.condition else deepcopy(self.known.get(node.id, node))

    def visit_Call(self, node):
        node = self.generic_visit(node)
        is_where = getattr(node.func, "attr", None) == "where"
        if is_where and getattr(node.args[0], "id", None) == self.condition:
            return node.args[1 if self.truth else 2]
        return node


def decided(function: ast.FunctionDef, condition: str, truth: bool) -> str:
    """What a function returns, in words of its arguments, where a condition is decided."""
    known: dict[str, ast.expr] = {}
    for statement in deepcopy(function).body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            known[statement.targets[0].id] = Deciding(known, condition, truth).visit(statement.value)
        elif isinstance(statement, ast.Return):
            return ast.unparse(Deciding(known, condition, truth).visit(statement.value))
    raise AssertionError("it returns nothing")


def same_bits(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.dtype == b.dtype and a.numpy().tobytes() == b.numpy().tobytes()


@pytest.mark.parametrize("name", LISTED)
def test_a_change_that_changes_nothing_is_the_one_that_is_proved_and_no_mutant(name):
    assert mechanical.find(name).change == LISTED[name]["change"]
    assert name not in ZOO


def test_the_signs_are_told_apart_alike():
    (domain,) = (a.domain for k, a in contract_of("CosineEmbeddingLoss").arguments.items() if k == "target")
    assert set(domain.values) == {-1.0, 1.0}
    assert all((sign > 0) == (sign >= 0) for sign in domain.values)


def test_the_terms_of_ctc_have_one_dimension():
    x, label = torch.zeros(4, 3, 5).log_softmax(-1), torch.ones(3, 2, dtype=torch.long)
    terms = plain.CTCLoss().terms(x, label, torch.full((3,), 4), torch.full((3,), 2))
    assert terms.ndim == 1


def test_the_scale_of_a_unit_vector_never_requires_a_gradient():
    function = definition("CosineSimilarity", "magnitude")
    detached = {id(n.value) for n in ast.walk(function) if isinstance(n, ast.Attribute) and n.attr == "detach"}
    used = [n for n in ast.walk(function) if isinstance(n, ast.Name) and n.id == "x"]
    assert used
    assert all(id(n) in detached for n in used)
    assert not distance.magnitude(torch.ones(3, requires_grad=True)).requires_grad


def test_the_divergence_is_the_same_with_and_without_mass():
    name = "KLDivLoss_skip_mask_2"
    before, after = definition("KLDivLoss", "Divergence.forward"), definition("", "Divergence.forward", name)
    for truth in (True, False):
        assert decided(before, "none", truth) == decided(after, "none", truth)
    assert issubclass(likelihood.Divergence, torch.autograd.Function)


def test_nothing_is_differentiated_by_the_target_of_a_ranking():
    contract = contract_of("MarginRankingLoss")
    case = next(streams.cases(0, contract.name, "gradient", "float64", "none", lambda blocks: blocks > 0))
    assert case.differentiable == ("input1", "input2")


def test_differences_are_each_others_negatives():
    few = torch.arange(256, dtype=torch.uint8).view(torch.float8_e5m2).float()
    few = torch.cat([few, few * 1e30, few * 1e-40, torch.tensor([16777217.0, 0.1, 1e-45, 3e38])])
    a, b = (torch.tensor(p) for p in zip(*product(few.tolist(), repeat=2), strict=True))
    assert np.array_equal((a - b).abs(), (b - a).abs(), equal_nan=True)


def test_the_logistic_function_is_the_same_at_zero():
    before, after = logistic.Logistic, space("SoftMarginLoss_change_comparison_4")["Logistic"]
    assert same_bits(torch.exp(-torch.tensor([0.0, -0.0]).abs()), torch.ones(2))
    assert same_bits(before.apply(EVERY), after.apply(EVERY))


def test_the_weight_of_the_yes_needs_no_gradient(monkeypatch):
    needed = []
    backward = logistic.CrossEntropyOfLogOdds.backward

    def seen(ctx, upstream):
        needed.append(ctx.needs_input_grad)
        return backward(ctx, upstream)

    monkeypatch.setattr(logistic.CrossEntropyOfLogOdds, "backward", staticmethod(seen))
    x, yes, weight = (torch.rand(2, 3, requires_grad=True) for _ in range(3))
    plain.MultiLabelSoftMarginLoss(weight=weight)(x, yes).backward()
    assert needed == [(True, True, False)]


def test_one_times_a_number_is_that_number():
    assert same_bits(torch.ones_like(EVERY) * EVERY, EVERY)
    before = definition("MultiLabelSoftMarginLoss", "MultiLabelSoftMarginLoss.forward")
    assert "torch.ones_like(x)" in ast.unparse(before)


def answers(factory, case) -> list[np.ndarray]:
    session = Session(Subject(factory=factory, name="changed"), case, "cpu")
    return [*session.values().values(), *(g.array for g in session.gradients(case.differentiable).values())]


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("name", LISTED)
def test_value_and_gradients_are_the_same_numbers(name, dtype):
    contract = contract_of(name.partition("_")[0])
    dtype = dtype if dtype in contract.dtypes else "float64"
    for check in ("gradient", "special_values"):
        reduction = next(r for r in ("mean", "none") if r in contract.reductions)
        for case in streams.cases(0, contract.name, check, dtype, reduction, lambda n: n > 0):
            pairs = zip(
                answers(getattr(plain, contract.torch), case), answers(mechanical.build(name), case), strict=True
            )
            assert all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)
