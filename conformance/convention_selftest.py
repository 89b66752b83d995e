"""Conventions: what torch chooses at ties stands in the contract, and binds nobody else."""

import pytest
import torch

from conformance import streams
from conformance.row import Item, Row
from conformance.subject import Subject, torch_subject
from reference import CONTRACTS


def row_of(subject, contract: str) -> Row:
    row = Row(Item(subject, contract, "convention", "float64", "none", "cpu", "eager", 0, "gate"))
    for case in row.cases():
        row.feed(case)
    return row


@pytest.mark.parametrize("contract", [c.name for c in CONTRACTS.values() if not c.dtypes[0].startswith("complex")])
def test_a_contract_states_a_convention_where_it_has_ties(contract):
    """Looked for in the exact ties of many cases; none is exact among the roundings of a cosine."""
    tied = list(streams.cases(0, contract, "convention", "float64", "none", lambda done: done >= 8))
    stated = bool(CONTRACTS[contract].convention)
    assert stated or not tied
    assert tied or not stated or contract == "cosine_embedding_loss"


class HalfAtTheMargin(torch.nn.HingeEmbeddingLoss):
    """At the margin the mean of both slopes, as torch.maximum has it."""

    def forward(self, input, target):
        dissimilar = torch.maximum(self.margin - input, torch.zeros_like(input))
        return torch.where(target > 0, input, dissimilar)


def test_another_subgradient_is_a_note():
    tally = row_of(Subject(HalfAtTheMargin, name="own"), "hinge_embedding_loss").tallies["grad_input"]
    assert tally.verdict() == "note"
    assert tally.cases


class NothingAtTheMargin(torch.nn.HingeEmbeddingLoss):
    """At the margin the slope of a square root of nought: NaN."""

    def forward(self, input, target):
        gap = (self.margin - input).clamp(min=0)
        return torch.where(target > 0, input, gap.square().sqrt())


def test_a_subgradient_that_is_no_number_fails():
    tally = row_of(Subject(NothingAtTheMargin, name="own"), "hinge_embedding_loss").tallies["grad_input"]
    assert tally.verdict() == "fail"


def test_torch_follows_its_own_convention():
    subject = torch_subject(CONTRACTS["hinge_embedding_loss"])
    assert row_of(subject, "hinge_embedding_loss").tallies["grad_input"].verdict() == "pass"
