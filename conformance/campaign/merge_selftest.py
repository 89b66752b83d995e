"""The rows of several seeds become one: the worst verdict, sums of counts, the first witness by seed."""

import pytest

from conformance.campaign.merge import largest, merged, one
from conformance.results import BLANK

KEY = {"subject": "s", "loss": "L1Loss", "check": "value", "quantity": "value", "dtype": "float32",
       "reduction": "none", "device": "cpu", "mode": "eager"}  # fmt: skip


def row(verdict, **more):
    return BLANK | KEY | {"verdict": verdict, "exhibit": None} | more


def test_the_worst_verdict_wins_with_its_first_witness_and_counts_are_added():
    rows = [
        (0, row("pass", cases=5, worst_ratio=0.5, grade="B", seconds=1.0)),
        (1, row("fail", cases=2, worst_ratio=3.0, grade="F", message="three", witness={"a": 1}, deviation=["y"])),
        (2, row("fail", cases=1, worst_ratio="inf", grade="C", message="inf", witness={"a": 2}, deviation=["x"])),
    ]
    found = one(rows, seeds=3)
    assert (found["verdict"], found["cases"], found["worst_ratio"], found["grade"]) == ("fail", 8, "inf", "F")
    assert (found["witness"], found["deviation"], found["seconds"]) == ({"a": 1}, ["x", "y"], 1.0)
    assert found["message"] == "seed 1 (one of 2 that fail): three"


def test_a_single_row_stays_as_it_is():
    alone = row("fail", message="m", worst_ratio=2.5, cases=3, seconds=0.25)
    assert one([(7, alone)], seeds=1) == alone


@pytest.mark.parametrize(
    ("measures", "expected"),
    [([None, None], None), ([1.0, None, 2.0], 2.0), ([1.0, "inf"], "inf"), (["inf", "nan", 1.0], "nan"), ([], None)],
)
def test_the_largest_measure_is_that_of_numbers_as_results_write_them(measures, expected):
    assert largest(measures) == expected


def test_rows_of_replays_stand_by_themselves():
    tasks = [{"kind": "rows", "seed": 0}, {"kind": "rows", "seed": 1}, {"kind": "replays", "seed": 0}]
    replayed = row("known", deviation=["d"])
    found = merged(tasks, [{"rows": [row("pass", cases=1)]}, {"rows": [row("pass", cases=2)]}, {"rows": [replayed]}])
    assert [(r["verdict"], r["cases"]) for r in found] == [("pass", 3), ("known", 0)]
