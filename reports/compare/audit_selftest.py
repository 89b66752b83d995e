"""Are two audits told by what they hold, and compared number by number?"""

import json

import pytest

from reports.__main__ import main
from reports.compare.comparison import compare
from reports.compare.source import load
from reports.compare.synthetic import audit, audit_row
from reports.synthetic import row, synthetic


@pytest.fixture
def compared(tmp_path):
    def make(old, new):
        sides = [each if isinstance(each, dict) else audit(each) for each in (old, new)]
        for name, side in zip(("old", "new"), sides, strict=True):
            (tmp_path / f"{name}.json").write_text(json.dumps(side))
        return compare(load(tmp_path / "old.json"), load(tmp_path / "new.json"))

    return make


def proved(**changes):
    return audit_row(kind="proved", **changes)


@pytest.mark.parametrize(
    ("old", "new", "rules"),
    [
        (audit_row(), audit_row(grade="C"), ["grade"]),
        (audit_row(grade="C"), audit_row(grade="C", worst_ratio=2.5), ["threshold"]),
        (audit_row(), audit_row(grade=None), ["unverified"]),
        (proved(), proved(worst_ulp=1.75), ["proved"]),
        (proved(), proved(worst_ratio=0.75), ["proved"]),
        (proved(), proved(worst_ulp="inf"), ["proved"]),
    ],
)
def test_what_is_worse_is_a_regression_and_the_reverse_none(compared, old, new, rules):
    made = compared([old], [new])
    assert [each.worse for each in made.of("worse")] == [rules]
    assert made.exit_status == 1
    assert compared([new], [old]).exit_status == 0


def test_a_larger_searched_error_within_a_grade_is_drift(compared):
    made = compared([audit_row()], [audit_row(worst_ulp=9.0, worst_ratio=0.9)])
    assert (made.counts["drift"], made.exit_status) == (1, 0)


def test_proved_and_searched_numbers_are_different_rows(compared):
    rows = [audit_row(), proved(worst_ulp=9.0)]
    made = compared(rows, rows[::-1])
    assert (made.counts["same"], made.kind) == (2, "unchanged")


def test_b_after_a_counts_for_a_search_only_with_the_same_effort_and_for_a_proof_always(compared):
    def status(kind):
        ends = [audit([audit_row(kind=kind, grade=grade)], effort=effort) for grade, effort in (("A", 1), ("B", 2))]
        return compared(*ends).exit_status

    assert (status("searched"), status("proved")) == (0, 1)


def test_a_new_deviation_and_a_missing_row_are_regressions(compared):
    made = compared([audit_row(known=["a"])], [audit_row(known=["a", "b"])])
    assert ([each.id for each in made.appeared], made.exit_status) == (["b"], 1)
    assert compared([audit_row(), proved()], [audit_row()]).exit_status == 1


def test_an_incomplete_audit_is_never_green(compared):
    assert compared([audit_row()], audit([audit_row()], complete=False)).kind == "inconclusive"


def test_the_page_of_two_audits_has_the_numbers(tmp_path, capsys):
    for name, ulp in (("old", 1.25), ("new", 3.75)):
        (tmp_path / f"{name}.json").write_text(json.dumps(audit([proved(worst_ulp=ulp)])))
    assert main(["compare", str(tmp_path / "old.json"), str(tmp_path / "new.json")]) == 1
    page = (tmp_path / "compare.html").read_text()
    assert "comparison of two audits" in page
    assert "1.25" in page
    assert "3.75" in page
    assert "larger error, proved" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (audit([audit_row()]) | {"schema": 2}, "schema 2"),
        (audit([audit_row(kind="guessed")]), "'guessed' is none of"),
        (audit([audit_row(loss=None)]), "rows[0].loss"),
        (audit([audit_row(), 3]), "rows[1]: not an object"),
        (audit([]) | {"footer": None}, "footer: not an object"),
        (synthetic([row()]), "is a file of an audit"),
    ],
)
def test_bad_audits_are_one_line(tmp_path, capsys, document, told):
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps(audit([audit_row()])))
    bad.write_text(json.dumps(document))
    assert main(["compare", str(good), str(bad)]) == 4
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
