"""A subject that takes what torch refuses fails, one that refuses otherwise gets a note, a crash costs one call."""

import os

import pytest
import torch

from conformance.checks.rejection import documented
from conformance.invalid import catalogue
from conformance.outcome import finish
from conformance.row import Item, Row
from conformance.subject import Subject, torch_subject
from reference import CONTRACTS


class TakesAnyReduction(torch.nn.HuberLoss):
    """An unknown reduction is the mean."""

    def __init__(self, reduction="mean", delta=1.0):
        super().__init__(reduction if reduction in ("none", "mean", "sum") else "mean", delta)


class TakesAnyClass(torch.nn.NLLLoss):
    """A class out of range is the last."""

    def forward(self, input, target):
        last = input.shape[1 if input.ndim > 1 else 0] - 1
        return super().forward(input, torch.where(target == self.ignore_index, target, target.clamp(0, last)))


class TakesAnyWeight(torch.nn.NLLLoss):
    """A weight of another length is repeated or cut."""

    def forward(self, input, target):
        classes = input.shape[1 if input.ndim > 1 else 0]
        if self.weight is not None:
            self.weight = self.weight.reshape(-1).repeat(classes)[:classes]
        return super().forward(input, target)


class RaisesAnotherType(torch.nn.HuberLoss):
    """Looks a reduction up."""

    def __init__(self, reduction="mean", delta=1.0):
        super().__init__({"none": "none", "mean": "mean", "sum": "sum"}[reduction], delta)


class DiesOfClasses(torch.nn.NLLLoss):
    """A class out of range ends the process."""

    def forward(self, input, target):
        classes = input.shape[1 if input.ndim > 1 else 0]
        if ((target < 0) | (target >= classes)).logical_and(target != self.ignore_index).any():
            os.abort()
        return super().forward(input, target)


class TakesIntegers(torch.nn.HuberLoss):
    """Computes in the dtype under test whatever comes."""

    def forward(self, input, target):
        return super().forward(input.to(target.dtype), target)


class Strict(torch.nn.HuberLoss):
    """Torch's own, under another name."""


def asked(subject: Subject, contract: str, question: str) -> dict:
    """The row of one question."""
    reduction = "mean" if "mean" in CONTRACTS[contract].reductions else "none"
    row = Row(Item(subject, contract, "rejection", "float32", reduction, "cpu", "eager", 0, "gate", question))
    for case in row.cases():
        row.feed(case)
    return finish(row)[0]


@pytest.mark.parametrize(
    ("factory", "contract", "question", "message"),
    [
        (TakesAnyReduction, "huber_loss", "reduction", "accepts the unknown reduction 'avg'; torch raises ValueError"),
        (TakesAnyClass, "nll_loss", "target-values", " in target; torch raises IndexError: Target"),
        (TakesAnyWeight, "nll_loss", "weight-shape", "accepts weight one longer than the other arguments"),
        (DiesOfClasses, "nll_loss", "target-values", "dies of SIGABRT on the number of classes as a class in target"),
    ],
)
def test_a_subject_that_takes_an_invalid_call_or_dies_of_it_fails(factory, contract, question, message):
    row = asked(Subject(factory, name="planted"), contract, question)
    assert row["verdict"] == "fail"
    assert message in row["message"]


def test_another_type_of_exception_is_a_note():
    row = asked(Subject(RaisesAnotherType, name="planted"), "huber_loss", "reduction")
    assert row["verdict"] == "note"
    assert "raises KeyError" in row["message"]


def test_more_dtypes_than_torch_takes_are_a_note():
    row = asked(Subject(TakesIntegers, name="planted"), "huber_loss", "input-dtype")
    assert row["verdict"] == "note"
    assert "accepts integers as input" in row["message"]


@pytest.mark.parametrize("question", list(catalogue("huber_loss")))
def test_whoever_refuses_what_torch_refuses_passes(question):
    row = asked(Subject(Strict, name="honest"), "huber_loss", question)
    assert row["verdict"] in ("pass", "skip")


def test_an_adapter_may_declare_what_is_outside_its_interface():
    subject = Subject(TakesAnyReduction, name="adapted", outside=("reduction-*",))
    row = asked(subject, "huber_loss", "reduction")
    assert row["verdict"] == "skip"
    assert "outside the subject's interface" in row["message"]


def test_torch_survives_labels_out_of_range_only_in_a_child_process():
    row = asked(torch_subject(CONTRACTS["ctc_loss"]), "ctc_loss", "targets-values")
    assert row["verdict"] == "known"
    assert "CTCLoss-targets-class-huge" in row["deviation"]


def test_torch_refuses_what_it_documents_as_invalid():
    row = asked(torch_subject(CONTRACTS["huber_loss"]), "huber_loss", "delta")
    assert row["verdict"] == "pass"
    assert row["cases"] > 0


def test_a_warning_in_place_of_a_refusal_is_a_note():
    row = asked(torch_subject(CONTRACTS["mse_loss"]), "mse_loss", "target-shape")
    assert row["verdict"] == "note"
    assert row["message"].startswith("warns of")


def test_a_sentence_counts_only_while_the_documentation_has_it(monkeypatch):
    invalid = next(i for i in catalogue("huber_loss")["delta"] if i.name == "delta-too-small")
    assert documented(CONTRACTS["huber_loss"], invalid) == "The value must be positive"
    monkeypatch.setattr(torch.nn.HuberLoss, "__doc__", "A loss.")
    assert documented(CONTRACTS["huber_loss"], invalid) is None
