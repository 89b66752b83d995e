"""What a subject does not support is not asked of it, and its rows say so."""

from typing import ClassVar

import pytest
import torch

from conformance.declared_selftest import rows
from conformance.outcome import finish
from conformance.subject import Subject
from conformance.supports import VALUES_ONLY, Supports


class Watched(torch.nn.CrossEntropyLoss):
    """Notes what it is asked."""

    seen: ClassVar[set] = set()

    def __init__(self, weight=None, **rest):
        super().__init__(weight=weight, **rest)
        self.seen.add(("weight", weight is not None))
        self.seen.add(("label_smoothing", self.label_smoothing))
        self.seen.add(("reduction", self.reduction))

    def forward(self, input, target):
        self.seen.add(("dimensions", input.ndim))
        self.seen.add(("dtype", str(input.dtype)))
        self.seen.add(("probabilities", target.is_floating_point()))
        return super().forward(input, target)


def told(supports: Supports, **rest) -> tuple[set, list[dict]]:
    """What the subject was asked, and its rows."""
    Watched.seen = set()
    found = rows(Subject(Watched, like="CrossEntropyLoss", supports=supports), **rest)
    return Watched.seen, [row for each in found for row in finish(each)]


@pytest.mark.parametrize(
    ("supports", "key", "values"),
    [
        (Supports(without=("weight",)), "weight", {False}),
        (Supports(dimensions=(2,)), "dimensions", {2}),
        (Supports(kinds={"target": (0,)}), "probabilities", {False}),
        (Supports(options={"label_smoothing": (0.0,)}), "label_smoothing", {0.0}),
        (Supports(options={"label_smoothing": lambda x: x > 0.2}), "label_smoothing", {0.25, 0.3, 0.5, 1.0}),
        (Supports(when=lambda case: case.calls == 1, why="one call"), "weight", {True, False}),
        (Supports(also=Supports(without=("weight",))), "weight", {False}),
    ],
)
def test_nothing_outside_is_asked(supports, key, values):
    seen, found = told(supports, checks=("value", "reduction", "gradient"))
    assert {v for k, v in seen if k == key} <= values
    assert any(row["cases"] for row in found)
    assert not [row for row in found if row["verdict"] == "fail"]


@pytest.mark.parametrize("supports", [Supports(dtypes=("float64",)), Supports(reductions=("sum",))])
def test_a_row_outside_is_a_skip_that_says_why(supports):
    seen, found = told(supports, checks=("value",), reductions=("mean",))
    assert not seen
    assert [row["verdict"] for row in found] == ["skip"]
    assert found[0]["message"].startswith("outside what the subject supports: ")


def test_cases_left_out_of_a_row_have_a_row_of_their_own():
    _, found = told(Supports(without=("weight",)), checks=("value",), reductions=("none",))
    assert [(row["quantity"], row["verdict"]) for row in found] in (
        [("value", "pass"), (None, "skip")],
        [(None, "skip"), ("value", "pass")],
    )


def test_a_check_of_reductions_needs_the_terms():
    _, found = told(Supports(reductions=("mean",)), checks=("reduction",), reductions=("mean",))
    assert {row["verdict"] for row in found} == {"skip"}


def test_gradients_that_it_lacks_are_skipped():
    subject = Subject(torch.nn.MSELoss, name="half", supports=Supports(gradients=("input",)))
    found = [row for each in rows(subject, checks=("gradient",)) for row in finish(each)]
    assert {(row["quantity"], row["verdict"]) for row in found} == {("grad_input", "pass"), ("grad_target", "skip")}


def test_a_subject_with_values_only_is_not_asked_for_derivatives():
    subject = Subject(torch.nn.MSELoss, name="values", supports=Supports(gradients=False))
    found = [row for each in rows(subject, checks=("gradient",)) for row in finish(each)]
    assert {row["message"] for row in found} == {VALUES_ONLY}


@pytest.mark.parametrize(
    "supports",
    [
        Supports(dtypes=("int8",)),
        Supports(without=("weihgt",)),
        Supports(options={"delta": ()}),
        Supports(reductions=("all",)),
    ],
)
def test_a_name_that_the_contract_lacks_is_one_clear_line(supports):
    with pytest.raises(ValueError, match=r"supports: '\w+' is none of the \w+ of CrossEntropyLoss"):
        Subject(Watched, like="CrossEntropyLoss", supports=supports)
