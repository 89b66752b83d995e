"""Which rows a sample takes: a part of those of a larger budget, every reduction before any comes twice."""

from collections import Counter

import pytest

from conformance.checks import CHECKS
from conformance.items import forms
from conformance.mutants.judging import selection
from reference import CONTRACTS

SAMPLED = [name for name, check in CHECKS.items() if check.sample]


def sample(check: str, question: str | None, budget: str, seed: int) -> list[tuple[str, str]]:
    contract = CONTRACTS["kl_div" if CHECKS[check].applies(CONTRACTS["kl_div"]) else "l1_loss"]
    return forms(selection(contract.loss, None, (check,), budget, seed), contract, check, question)


@pytest.mark.parametrize("check", SAMPLED)
def test_no_reduction_comes_twice_before_every_one_has_come(check):
    for seed in range(20):
        counts = Counter(reduction for _, reduction in sample(check, None, "gate", seed))
        assert max(counts.values()) - (min(counts.values()) if len(counts) >= 3 else 0) <= 1


@pytest.mark.parametrize("check", SAMPLED)
def test_a_larger_budget_takes_what_a_smaller_one_does(check):
    for seed in range(20):
        smoke, gate, nightly = (set(sample(check, None, budget, seed)) for budget in ("smoke", "gate", "nightly"))
        assert len(smoke) == 1
        assert smoke <= gate <= nightly
