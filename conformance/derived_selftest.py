"""Gradients that nobody derived are those of the pullbacks written by hand: of mirrors, of certified differences."""

from dataclasses import replace

import numpy as np
import pytest

from conformance import streams
from conformance.case import Case, gradients, lift_rounded
from conformance.references_selftest import mirror_of
from reference import CONTRACTS
from reference.arithmetic.rounded import Model, Rounded

LOSSES = (
    "huber_loss", "smooth_l1_loss", "kl_div", "hinge_embedding_loss", "cosine_embedding_loss",
    "pairwise_distance", "triplet_margin_loss", "multi_margin_loss", "l1_loss_complex", "nll_loss",
)  # fmt: skip
WIDEST = 9


def cases(name: str, dtype: str | None = None) -> list[Case]:
    """A few small cases without reduction."""
    contract = CONTRACTS[name]
    dtype = dtype or contract.dtypes[0]
    found = streams.cases(0, name, "derived", dtype, "none", lambda n: n >= 2)
    return [c for c in found if max([1, *(n for d in c.contract.arguments.values() for n in _core(c, d))]) <= WIDEST]


def _core(case: Case, argument) -> list[int]:
    return [n for kind in argument.kinds for name in kind.core for n in case.sizes[name]]


def reach(expected: Rounded) -> np.ndarray:
    return expected.error + (0.0 if expected.spread is None else expected.spread)


def agree(case: Case, own: dict, found: dict) -> int:
    """Elements that were compared; those that are infinite in one way or the other say nothing."""
    compared = 0
    for quantity, right in own.items():
        other = found[quantity]
        known = np.isfinite(right.value) & np.isfinite(reach(right)) & np.isfinite(reach(other))
        with np.errstate(all="ignore"):
            off = known & (abs(right.value - other.value) > reach(right) + reach(other))
        assert not off.any(), f"{quantity} of {case.contract_name}, {case.parameters}: {off.sum()} of {off.size}"
        compared += int(known.sum())
    return compared


@pytest.mark.parametrize("name", LOSSES)
def test_differences_give_the_gradient_that_was_derived_by_hand(name, monkeypatch):
    compared = 0
    for case in cases(name):
        own = case.expected_gradients
        with monkeypatch.context() as patched:
            patched.setitem(CONTRACTS, name, replace(CONTRACTS[name], pullback=None))
            compared += agree(case, own, replace(case).expected_gradients)
    assert compared > 100


@pytest.mark.parametrize("name", ["huber_loss", "kl_div", "hinge_embedding_loss"])
def test_a_mirror_gives_the_gradient_that_was_derived_by_hand(name, monkeypatch):
    compared = 0
    for case in cases(name):
        own, mirror = case.expected_gradients, mirror_of(case.contract)
        with monkeypatch.context() as patched:
            patched.setitem(CONTRACTS, name, replace(CONTRACTS[name], pullback=None, mirrored=mirror))
            fresh = replace(case)
            assert fresh.origin("grad_input") == "the gradient of the mirror"
            compared += agree(case, own, fresh.expected_gradients)
    assert compared > 100


def test_in_float64_the_enclosure_is_that_of_differences(monkeypatch):
    for case in cases("huber_loss", "float64"):
        right = case.true_gradients
        with monkeypatch.context() as patched:
            patched.setitem(CONTRACTS, "huber_loss", replace(CONTRACTS["huber_loss"], pullback=None))
            found = replace(case).true_gradients
        for quantity, truth in right.items():
            low, high = truth.bounds()
            least, most = found[quantity].bounds()
            assert np.all((least <= high) & (most >= low)), quantity


def test_a_contract_without_pullback_may_name_the_arguments_that_have_a_gradient(monkeypatch):
    bare = replace(CONTRACTS["huber_loss"], pullback=None, differentiable=("input",))
    monkeypatch.setitem(CONTRACTS, "huber_loss", bare)
    case = replace(cases("huber_loss")[0])
    assert case.differentiable == ("input",)
    model = Model(case.format.working, kinks=True)
    assert set(gradients(case, lift_rounded(model))) == {"grad_input"}
    monkeypatch.setitem(CONTRACTS, "huber_loss", replace(bare, differentiable=()))
    assert not CONTRACTS["huber_loss"].has_gradient
    assert replace(case).differentiable == ()
