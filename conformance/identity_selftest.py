"""Every identity holds of the oracle and of torch.nn, and some wrong loss breaks it."""

import re
from functools import cache

import pytest

from conformance import streams
from conformance.case import Case
from conformance.checks.identity import Asking, moderate
from conformance.identities import IDENTITIES, names
from conformance.identities.identity import identity
from conformance.mutants.lawless import lawless
from conformance.row import Item, Row
from conformance.sampling import fill
from conformance.subject import Subject, torch_subject
from reference import CONTRACTS, Contract

every_identity = pytest.mark.parametrize("name", IDENTITIES)
#: The mutant that breaks an identity, and of which contract; "offset" breaks all others of their first contract.
BROKEN_BY = {
    "rows-permuted": ("tilted", "mse_loss"),
    "row-alone": ("tilted", "huber_loss"),
    "batch-of-one": ("by_rank", "cross_entropy"),
    "dimensions-merged": ("by_rank", "l1_loss"),
    "equal-cotangents": ("steep_sum", "mse_loss"),
    "mean-gradient": ("steep_sum", "mse_loss"),
    "cotangent-scaled": ("bent_gradient", "kl_div"),
    "features-permuted": ("tilted", "pairwise_distance"),
    "classes-permuted": ("tilted", "cross_entropy"),
    "shortlist-permuted": ("target_counts", "adaptive_log_softmax_with_loss"),
    "one-hot": ("probabilities_count_more", "cross_entropy"),
    "ignored-content": ("peeking", "nll_loss"),
    "ignored-deleted": ("peeking", "cross_entropy"),
    "smoothing-linear": ("squared_smoothing", "cross_entropy"),
    "logits-shifted": ("tilted", "multi_margin_loss"),
    "gradient-sums-to-zero": ("tilted", "cross_entropy"),
    "labels-padded": ("target_counts", "multilabel_margin_loss"),
    "padding-content": ("peeking", "ctc_loss"),
    "padding-added": ("peeking", "ctc_loss"),
    "weights-of-ones": ("weights_count_more", "nll_loss"),
    "weights-scaled": ("squared_weights", "cross_entropy"),
    "arguments-swapped": ("tilted", "mse_loss"),
    "sides-swapped": ("tilted", "margin_ranking_loss"),
    "all-negated": ("peeking", "cosine_similarity"),
    "all-shifted": ("tilted", "l1_loss"),
    "gradients-cancel": ("tilted", "smooth_l1_loss"),
    "yes-and-no-swapped": ("tilted", "binary_cross_entropy"),
}


class Oracle(Asking):
    """The oracle's own answers, without any rounding of their own."""

    def values(self, case: Case):
        return {k: x.value for k, x in case.expected_values.items()}

    def gradients(self, case: Case, wanted):
        return {q: case.through(q, case.expected_gradients[q].value) for q in (f"grad_{k}" for k in wanted)}


def first_contract(name: str) -> Contract:
    return next(c for c in CONTRACTS.values() if IDENTITIES[name].concerns(c))


@cache
def cases(contract: str, reduction: str) -> list[Case]:
    """Cases in the widest dtype of a contract."""
    asked = CONTRACTS[contract]
    dtype = "complex128" if "complex128" in asked.dtypes else "float64"
    recipes = streams.draw(moderate(asked, reduction), 1, 1)
    return [fill(asked, recipe, dtype, reduction) for recipe in recipes]


def put(name: str, subject: Subject, contract: Contract, reduction: str) -> Row:
    """The row of an identity, once its cases are fed."""
    dtype = contract.dtypes[0]
    row = Row(Item(subject, contract.name, "identity", dtype, reduction, "cpu", "eager", 0, "smoke", name))
    for case in row.cases():
        row.feed(case)
    return row


def test_there_are_at_least_fifty_identities():
    assert len(IDENTITIES) >= 50


@every_identity
def test_a_name_is_words_joined_by_hyphens_and_its_law_is_stated(name):
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", name)
    assert IDENTITIES[name].summary.endswith((".", ":"))


def test_a_name_is_taken_once():
    with pytest.raises(ValueError, match="registered twice"):
        identity("row-alone", lambda contract: False)(lambda case, ask: [])


@pytest.mark.parametrize("contract", CONTRACTS)
def test_the_oracle_obeys_every_identity_within_half_of_what_is_allowed(contract):
    assert len(names(CONTRACTS[contract])) >= 7
    for reduction in CONTRACTS[contract].reductions:
        for name in names(CONTRACTS[contract]):
            for case in cases(contract, reduction):
                for claim in IDENTITIES[name].law(case, Oracle(None)):
                    assert not (claim.gap > claim.allowed / 2).any(), f"{name} of {claim.quantity}, {reduction}"


@every_identity
def test_torch_obeys_an_identity(name):
    contract = first_contract(name)
    tally = put(name, torch_subject(contract), contract, next(iter(contract.reductions))).tally(None)
    assert not tally.problems
    assert tally.cases > 0
    assert not tally.vacuous


@every_identity
def test_a_wrong_loss_breaks_an_identity(name):
    mutant, of = BROKEN_BY.get(name, ("offset", first_contract(name).name))
    contract = CONTRACTS[of]
    rows = (put(name, lawless(mutant, contract), contract, reduction) for reduction in contract.reductions)
    assert any(problem.startswith(f"{name}: ") for row in rows for problem in row.tally(None).problems)
