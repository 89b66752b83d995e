"""An adopter's expected deviations excuse what they say, nothing worse, and must still show."""

from datetime import date, timedelta

import pytest

from conformance.expected import excuse, read, stale
from conformance.options import DEVICES, DTYPES, KNOWN, REDUCTIONS, Selected, Selection

ENTRY = """
[[deviation]]
id = "ours"
loss = "HuberLoss"
reason = "sums in 16 bits"
dtype = ["float16", "bfloat16"]
ratio = 40.0
"""


def row(**changes) -> dict:
    plain = {
        "subject": "m:H", "loss": "HuberLoss", "check": "value", "quantity": "value", "dtype": "float16",
        "reduction": "mean", "device": "cpu", "mode": "eager", "verdict": "fail", "worst_ratio": 10.0,
        "witness": {}, "deviation": [],
    }  # fmt: skip
    return plain | changes


def entries(tmp_path, text: str = ENTRY):
    file = tmp_path / "ours.toml"
    file.write_text(text)
    return read(str(file), ("HuberLoss", "L1Loss"), KNOWN)


def selection(expected, **filters) -> Selection:
    chosen = {"subjects": (Selected("HuberLoss", "m:H"),), "checks": ("value",), "dtypes": DTYPES, "modes": ("eager",)}
    rest = {"reductions": REDUCTIONS, "devices": DEVICES, "budget": "smoke", "seed": 0}
    return Selection(**chosen | rest | filters, expected=expected)


def test_an_expected_failure_is_known(tmp_path):
    rows = [row()]
    excuse(rows, entries(tmp_path))
    assert rows[0]["verdict"] == "known"
    assert rows[0]["deviation"] == ["ours"]


@pytest.mark.parametrize(
    "changes",
    [{"worst_ratio": 41.0}, {"worst_ratio": "inf"}, {"dtype": "float32"}, {"loss": "L1Loss"}, {"witness": None}],
)
def test_another_or_a_worse_failure_still_fails(changes, tmp_path):
    rows = [row(**changes)]
    excuse(rows, entries(tmp_path))
    assert rows[0]["verdict"] == "fail"


def test_an_entry_that_no_longer_shows_is_stale(tmp_path):
    found = stale([row(verdict="pass")], selection(entries(tmp_path)))
    assert found == ["expected deviation ours no longer shows: delete it"]


def test_an_entry_that_shows_is_not_stale(tmp_path):
    rows = [row(), row(verdict="pass", reduction="sum")]
    excuse(rows, entries(tmp_path))
    assert not stale(rows, selection(entries(tmp_path)))


@pytest.mark.parametrize(
    "filters", [{"dtypes": ("float32",)}, {"subjects": (Selected("L1Loss", "m:L"),)}], ids=["dtype", "loss"]
)
def test_an_entry_outside_the_filters_is_not_judged(filters, tmp_path):
    rows = [row(dtype="float32", verdict="pass")]
    assert not stale(rows, selection(entries(tmp_path), **filters))


@pytest.mark.parametrize("typo", ["subject = 'm:Hubert'", "quantity = 'values'", "check = 'convention'"])
def test_an_entry_that_matches_nothing_is_stale(typo, tmp_path):
    chosen = selection(entries(tmp_path, ENTRY + typo), checks=("value", "convention"))
    assert stale([row(verdict="pass")], chosen) == [
        "expected deviation ours matches none of the rows of this run: correct it, or delete it"
    ]


def test_an_entry_whose_rows_a_sample_left_out_is_not_judged(tmp_path):
    chosen = selection(entries(tmp_path, ENTRY + "check = 'value'"))
    rows = [row(dtype="float32", verdict="pass"), row(check="gradient", verdict="pass")]
    assert not stale(rows, chosen)


def test_an_expired_entry_excuses_nothing_and_is_stale(tmp_path):
    yesterday = date.today() - timedelta(days=1)
    expired = entries(tmp_path, ENTRY + f"expires = {yesterday}")
    rows = [row()]
    excuse(rows, expired)
    assert rows[0]["verdict"] == "fail"
    assert "expired" in stale(rows, selection(expired))[0]


def test_an_entry_counts_on_its_last_day(tmp_path):
    rows = [row()]
    excuse(rows, entries(tmp_path, ENTRY + f"expires = {date.today()}"))
    assert rows[0]["verdict"] == "known"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("deviation = 3", "nothing else"),
        ("[[deviation]]\nid = 'a'\nloss = 'HuberLoss'\nratio = 1.0", "lacks reason"),
        (ENTRY + "colour = 'red'", "unknown colour"),
        (ENTRY.replace("HuberLoss", "NoLoss"), "unknown loss"),
        (ENTRY + ENTRY, "same id"),
        (ENTRY + "expires = 'soon'", "no date"),
        (ENTRY + "check = 'valu'", "unknown check 'valu'"),
        (ENTRY + "reduction = 3", "unknown reduction 3"),
        (ENTRY.replace("40.0", "true"), "ratio is no number"),
        (ENTRY.replace("sums in 16 bits", " "), "says something"),
        ("not toml at all", "is not TOML"),
    ],
)
def test_a_wrong_file_is_one_clear_line(text, says, tmp_path):
    with pytest.raises(pytest.UsageError, match=says):
        entries(tmp_path, text)
