"""Is every kind of regression found alone, its reverse an improvement, and everything else neither?"""

import json

import pytest

from conformance import verdict
from reports.compare.comparison import Options, compare
from reports.compare.judgement import THRESHOLD
from reports.compare.source import load
from reports.synthetic import row, synthetic, witness


def saved(path, document):
    path.write_text(json.dumps(document))
    return load(path)


@pytest.fixture
def compared(tmp_path):
    """Compares rows, or whole documents, with one passing row more on either side."""

    def make(old, new, **options):
        sides = [each if isinstance(each, dict) else synthetic([row(loss="L1Loss"), *each]) for each in (old, new)]
        return compare(*(saved(tmp_path / f"{n}.json", side) for n, side in enumerate(sides)), Options(**options))

    return make


def replay(verdict, id="a"):
    return row(verdict=verdict, deviation=[id], cases=0, grade=None, worst_ratio=None, witness=witness())


CASES = {
    "verdict": (row(), row(verdict="known", deviation=["a"])),
    "unverified": (row(grade=None), row(grade=None, verdict="skip", cases=0)),
    "grade": (row(), row(grade="C")),
    "ungraded": (row(), row(grade=None)),
    "threshold": (row(grade="C", worst_ratio=1.9), row(grade="C", worst_ratio=2.1)),
}
SINGLE = [*CASES.items(), ("verdict", (row(grade=None), row(grade=None, verdict="fail")))]


@pytest.mark.parametrize(("rule", "ends"), SINGLE)
def test_a_regression_of_each_kind_is_found_alone(compared, rule, ends):
    before = [ends[0], row(loss="MSELoss", verdict="known", deviation=["a"])]
    made = compared(before, [ends[1], before[1]])
    (worse,) = made.of("worse")
    assert worse.worse == [rule]
    assert (made.kind, made.exit_status) == ("regression", 1)


@pytest.mark.parametrize(("rule", "ends"), SINGLE)
def test_the_reverse_is_an_improvement(compared, rule, ends):
    made = compared([ends[1]], [ends[0]])
    (better,) = made.of("better")
    assert better.better == [rule]
    assert (made.kind, made.exit_status) == ("improvement", 0)


def test_identical_files_say_that_nothing_changed(compared):
    rows = [each for _, ends in SINGLE for each in ends] + [replay("known"), replay("known", "b")]
    made = compared(rows, rows)
    assert (made.kind, made.exit_status) == ("unchanged", 0)
    assert made.counts["same"] == len(rows) + 1


@pytest.mark.parametrize(("allow", "status", "kind"), [(False, 1, "worse"), (True, 0, "only old")])
def test_a_row_that_is_gone_is_a_regression_unless_that_is_allowed(compared, allow, status, kind):
    made = compared([row()], [], allow_missing=allow)
    assert (made.exit_status, made.counts[kind]) == (status, 1)


def test_a_row_that_verified_nothing_may_go(compared):
    assert compared([row(verdict="skip", cases=0, grade=None)], []).exit_status == 0


@pytest.mark.parametrize(("verdict", "status"), [("fail", 1), ("known", 0), ("pass", 0)])
def test_a_row_that_is_new_is_a_regression_only_where_it_fails(compared, verdict, status):
    made = compared([], [row(verdict=verdict, deviation=["a"] * (verdict == "known"))])
    assert made.exit_status == status


def test_a_failure_that_is_skipped_now_is_no_improvement(compared):
    made = compared([row(verdict="fail", grade="F")], [row(verdict="skip", grade=None, cases=0)])
    assert made.of("worse")[0].worse == ["unverified"]


def test_a_new_deviation_is_a_regression_where_a_row_was_known_before(compared):
    made = compared([row(verdict="known", deviation=["a"])], [row(verdict="known", deviation=["a", "b"])])
    assert [(each.id, each.counts) for each in made.appeared] == [("b", True)]
    assert (made.counts["worse"], made.exit_status) == (0, 1)


def test_a_vanished_deviation_is_an_improvement(compared):
    made = compared([row(verdict="known", deviation=["a", "b"])], [row(verdict="known", deviation=["a"])])
    assert [(each.id, each.counts) for each in made.vanished] == [("b", True)]
    assert (made.kind, made.exit_status) == ("improvement", 0)


def test_a_deviation_that_was_recorded_for_a_failure_is_no_regression(compared):
    made = compared([row(verdict="fail", grade="F")], [row(verdict="known", grade="F", deviation=["a"])])
    assert [each.counts for each in made.appeared] == [False]
    assert (made.kind, made.exit_status) == ("improvement", 0)


def test_a_deviation_that_moves_to_another_row_is_not_new(compared):
    first, second = (
        row(loss="A", verdict="known", deviation=["a"]),
        row(loss="B", verdict="known", deviation=["a", "b"]),
    )
    moved = [first | {"deviation": ["a", "b"]}, second]
    assert compared([first, second], moved).appeared == []


@pytest.mark.parametrize("verdict", ["note", None])
def test_a_witness_that_no_longer_shows_its_deviation_is_an_improvement(compared, verdict):
    made = compared([replay("known"), row()], [replay(verdict), row()] if verdict else [row()])
    assert made.exit_status == 0
    assert [each.id for each in made.vanished] == ["a"]


def test_a_stale_witness_that_fails_its_run_is_a_regression(compared):
    assert compared([replay("known")], [replay("fail")]).exit_status == 1


@pytest.mark.parametrize(("old", "new"), [(0.5, 1.9), (1.9, 0.5), (1.0, 1.0000001)])
def test_another_ratio_within_a_grade_is_drift(compared, old, new):
    made = compared([row(worst_ratio=old)], [row(worst_ratio=new)])
    assert made.of("drift")[0].drift == ["ratio"]
    assert (made.kind, made.exit_status) == ("unchanged", 0)


@pytest.mark.parametrize(
    ("header", "status"), [({"seed": 8}, 0), ({"budget": "smoke"}, 0), ({"suite_version": "9"}, 0), ({}, 1)]
)
def test_b_after_a_is_a_regression_only_among_the_same_cases(compared, header, status):
    old, new = (synthetic([row(grade=grade)]) for grade in "AB")
    new["header"] |= header
    assert compared(old, new).exit_status == status


def test_f_after_a_is_a_regression_whatever_was_asked(compared):
    old, new = (synthetic([row(grade=grade)]) for grade in "AF")
    new["header"]["seed"] = 8
    assert compared(old, new).exit_status == 1


@pytest.mark.parametrize("side", [0, 1])
def test_an_incomplete_run_is_never_green(compared, side):
    sides = [synthetic([row()]), synthetic([row()])]
    sides[side]["footer"]["complete"] = False
    made = compared(*sides)
    assert (made.kind, made.exit_status) == ("inconclusive", 1)


def test_what_a_truncated_run_lacks_is_a_regression(compared):
    made = compared([row()], synthetic([row(loss="L1Loss")], complete=False))
    assert made.kind == "regression"
    assert made.exit_status == 1


def test_a_run_that_no_longer_passes_is_a_regression_though_no_row_is(compared):
    old, new = synthetic([row()]), synthetic([row()], exit_status=1, reasons=["a stale entry"])
    made = compared(old, new)
    assert made.exit_status == 1
    assert "a stale entry" in made.run
    assert compared(new, old).exit_status == 0


@pytest.mark.parametrize("order", [1, -1])
def test_rows_of_the_same_name_are_told_apart_by_their_witnesses(compared, order):
    rows = [replay("known"), replay("known", "b"), row()]
    assert compared(rows, rows[::order]).counts["same"] == 4


def test_nan_is_a_larger_ratio_than_any(compared):
    made = compared([row(grade="C", worst_ratio=1.0)], [row(grade="C", worst_ratio="nan")])
    assert made.of("worse")[0].worse == ["threshold"]


def test_the_threshold_is_that_of_the_gate():
    assert THRESHOLD == verdict.THRESHOLD
