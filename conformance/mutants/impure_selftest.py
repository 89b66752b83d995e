"""Does every question about layouts, shapes, purity and completeness find what it is for, and nothing else?"""

import warnings

import pytest

from conformance.checks import CHECKS
from conformance.mutants import impure
from conformance.purity import leaving_settings
from conformance.row import Item, Row
from conformance.subject import Subject
from reference import CONTRACTS

#: Dtype and reduction in which each is asked, and its contract, where they are not the usual ones.
FORMS = {
    "MutatesWeight": ("binary_cross_entropy", "float32", "mean"),
    "SumsIn16Bits": ("mse_loss", "float16", "mean"),
    "MutatesUpstream": ("mse_loss", "float32", "none"),
    "IgnoresStridesOfUpstream": ("mse_loss", "float32", "none"),
}
QUESTIONS = [
    (check, question)
    for check in ("layout", "shape", "purity", "completeness")
    for question in CHECKS[check].questions(CONTRACTS["mse_loss"])
]


def asked(
    factory, check: str, question: str, contract="mse_loss", dtype="float32", reduction="mean"
) -> dict[str, list]:
    """What a subject does wrong, by quantity."""
    subject = Subject(factory, name=f"conformance.mutants.impure:{factory.__name__}")
    row = Row(Item(subject, contract, check, dtype, reduction, "cpu", "eager", 0, "smoke", question))
    for case in row.cases():
        row.feed(case)
    return {str(k): t.failures + t.problems for k, t in row.tallies.items() if t.failures or t.problems}


@pytest.mark.parametrize("name", impure.FOUND_BY)
def test_what_is_wrong_is_found_by_its_question(name):
    check, question = impure.FOUND_BY[name]
    assert asked(getattr(impure, name), check, question, *FORMS.get(name, ()))


@pytest.mark.parametrize(("check", "question"), QUESTIONS)
def test_what_is_right_passes(check, question):
    assert not asked(impure.Squares, check, question)


def test_every_kind_of_question_finds_something():
    assert {check for check, _ in impure.FOUND_BY.values()} == {check for check, _ in QUESTIONS}


def test_a_pickled_module_with_other_options_fails():
    assert asked(impure.CopyForgets, "purity", "pickle")


def test_a_subject_that_does_not_pickle_gets_a_note():
    subject = Subject(impure.DoesNotPickle)
    row = Row(Item(subject, "mse_loss", "purity", "float32", "mean", "cpu", "eager", 0, "smoke", "pickle"))
    for case in row.cases():
        row.feed(case)
    assert row.tally(None).verdict() == "note"
    assert next(iter(row.tally(None).notes)).startswith("does not pickle")


def test_filters_of_warnings_count_when_the_next_call_sets_them_again_and_not_when_an_import_did():
    def ask(times: list[int]) -> list[str]:
        if times and times.pop():
            warnings.simplefilter("ignore")
        return []

    before = list(warnings.filters)
    for calls, said in (([0, 1], []), ([1, 1], ["changes filters of warnings"])):
        assert leaving_settings(lambda left=calls: ask(left)) == ([], said)
        assert warnings.filters == before
