"""A declared deviation moves what is expected: what it declares is known, anything else still fails."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from conformance.corpus import Corpus
from conformance.declarations import declarations, judge
from conformance.declared import Declared, clamped, mean_of_all, other_defaults, scaled
from conformance.items import items
from conformance.options import Selected, Selection
from conformance.outcome import finish
from conformance.row import Row
from conformance.subject import Subject

CHECKS = ("value", "gradient", "reduction")


def selection(subject: Subject, checks=CHECKS, dtype="float32", reductions=("none", "mean")) -> Selection:
    return Selection(
        (Selected(subject.loss, None, subject),), checks, (dtype,), reductions, ("cpu",), ("eager",), "smoke", 0
    )


def rows(subject: Subject, **rest) -> list[Row]:
    """The rows of a smoke run in one dtype, fed; also for the self-tests of adapters."""
    chosen = selection(subject, **rest)
    found = [Row(item, Corpus()) for check in chosen.checks for item in items(chosen, check)]
    for row in found:
        for case in row.cases():
            row.feed(case)
    return found


def verdicts(subject: Subject, **rest) -> set[str]:
    return {tally.verdict() for row in rows(subject, **rest) for tally in row.tallies.values()}


class CountsTerms(torch.nn.NLLLoss):
    """The mean divides by the number of terms; ``factor`` is 1 where that is all."""

    factor = 1.0

    def forward(self, input, target):
        terms = F.nll_loss(input, target, self.weight, ignore_index=self.ignore_index, reduction="none")
        return self.factor * (terms if self.reduction == "none" else getattr(terms, self.reduction)())


class Half(torch.nn.L1Loss):
    factor = 0.5

    def forward(self, input, target):
        return self.factor * super().forward(input, target)


class OffTheEnds(torch.nn.BCELoss):
    low = 0.1

    def forward(self, input, target):
        return super().forward(input.clamp(self.low, 0.9), target)


class OtherEps(torch.nn.PoissonNLLLoss):
    def __init__(self, eps=1e-3, **rest):
        super().__init__(eps=eps, **rest)


def slightly_wrong(cls, **change):
    return type(cls.__name__, (cls,), change)


HALF = Declared("half", "half of it", formula=lambda contract, **given: 0.5 * contract.formula(**given))
KEEPS = {
    "another divisor": (CountsTerms, "NLLLoss", mean_of_all("by-number", "divides by their number")),
    "a factor": (Half, "L1Loss", scaled("half", "half of it", 0.5)),
    "a formula without a pullback": (Half, "L1Loss", HALF),
    "a clamp": (OffTheEnds, "BCELoss", clamped("clamp", "off the ends", 0.1, 0.9)),
    "another default": (OtherEps, "PoissonNLLLoss", other_defaults("eps", "an eps of its own", eps=1e-3)),
}
BREAKS = {
    "another divisor": slightly_wrong(CountsTerms, factor=1.001),
    "a factor": slightly_wrong(Half, factor=0.5005),
    "a formula without a pullback": slightly_wrong(Half, factor=0.5005),
    "a clamp": slightly_wrong(OffTheEnds, low=0.11),
    "another default": torch.nn.PoissonNLLLoss,
}


@pytest.mark.parametrize("way", KEEPS)
def test_what_a_deviation_declares_is_known(way):
    factory, like, declared = KEEPS[way]
    found = rows(Subject(factory, like=like, deviations=(declared,)))
    tallies = [t for row in found for t in row.tallies.values()]
    assert {t.verdict() for t in tallies} <= {"known", "pass", "skip"}
    assert {"value", "gradient"} <= {
        r.item.check for r in found if any(declared.id in t.excused for t in r.tallies.values())
    }


@pytest.mark.parametrize("way", KEEPS)
def test_without_the_declaration_it_fails(way):
    factory, like, _ = KEEPS[way]
    assert "fail" in verdicts(Subject(factory, like=like))


@pytest.mark.parametrize("way", BREAKS)
def test_another_answer_than_the_declared_one_fails(way):
    _, like, declared = KEEPS[way]
    assert "fail" in verdicts(Subject(BREAKS[way], name="wrong", like=like, deviations=(declared,)))


def test_a_row_says_which_deviation_moved_it_and_why():
    factory, like, declared = KEEPS["a factor"]
    (row,) = rows(Subject(factory, like=like, deviations=(declared,)), checks=("value",), reductions=("none",))
    (told,) = finish(row)
    assert (told["verdict"], told["deviation"]) == ("known", ["half"])
    assert told["message"] == "declared: half of it"


def test_a_deviation_that_was_mended_is_told():
    subject = Subject(torch.nn.L1Loss, name="mended", deviations=(KEEPS["a factor"][2],))
    (row,) = rows(subject, checks=("value",), reductions=("none",))
    assert "the contract's own: declared deviation half does not show" in finish(row)[0]["message"]


def test_eager_torch_is_no_excuse_where_the_oracle_moved():
    """Eager torch misses a moved oracle by far, and so would excuse anything."""
    subject = Subject(slightly_wrong(Half, factor=0.75), name="wrong", like="L1Loss", deviations=(HALF,))
    assert all(not t.excused.get("no-worse-than-eager-torch") for r in rows(subject) for t in r.tallies.values())


def judged(declared: Declared, **rest) -> list[dict]:
    chosen = selection(Subject(torch.nn.L1Loss, name="any", deviations=(declared,)), **rest)
    return [row for found in declarations(chosen) for row in judge(found)]


def test_a_deviation_that_changes_something_has_a_witness():
    (row,) = judged(HALF)
    assert (row["verdict"], row["deviation"]) == ("known", ["half"])
    assert float(row["witness"]["expected"]) != 0


def test_a_deviation_that_changes_nothing_fails():
    (row,) = judged(Declared("nothing", "no reason", formula=lambda contract, **given: contract.formula(**given)))
    assert row["verdict"] == "fail"
    assert row["message"] == "declared deviation nothing changes nothing that is asked: delete it"


def test_a_deviation_outside_the_filters_is_not_judged():
    assert not judged(Declared("half", "of doubles", formula=HALF.formula, dtypes=("float64",)))


def test_a_deviation_holds_where_it_is_declared_only():
    declared = Declared("half", "of values", formula=HALF.formula, quantities=("value",))
    found = rows(Subject(Half, like="L1Loss", deviations=(declared,)), checks=("value", "gradient"))
    told = {r.item.check: {t.verdict() for t in r.tallies.values()} for r in found}
    assert told == {"value": {"known"}, "gradient": {"fail"}}


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Declared("", "why", formula=HALF.formula), "an id and a reason"),
        (lambda: Declared("id", "why"), "replaces nothing"),
        (lambda: Subject(Half, like="L1Loss", deviations=(other_defaults("x", "y", delta=2.0),)), "'delta' is none of"),
        (
            lambda: Subject(Half, like="L1Loss", deviations=(Declared("x", "y", reduce={"batchmean": None}),)),
            "batchmean",
        ),
    ],
)
def test_a_declaration_that_cannot_be_is_one_clear_line(make, says):
    with pytest.raises(ValueError, match=says):
        make()


def test_several_deviations_follow_each_other():
    both = (scaled("half", "half of it", 0.5), scaled("third", "and a third of that", 1 / 3))
    subject = Subject(slightly_wrong(Half, factor=0.5 * np.float64(1 / 3)), name="both", like="L1Loss", deviations=both)
    found = rows(subject, checks=("value",), dtype="float64", reductions=("none",))
    assert set(found[0].tallies["value"].excused) == {"half", "third"}
