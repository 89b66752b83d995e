"""An adopter's expected deviations excuse what they say, nothing worse, and must still show."""

import pytest

from conformance.expected import excuse, read, stale

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
    return read(str(file), ("HuberLoss", "L1Loss"))


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
    assert stale([row(verdict="pass")], entries(tmp_path))


def test_an_entry_outside_the_run_is_not_judged(tmp_path):
    assert not stale([row(dtype="float32", verdict="pass")], entries(tmp_path))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("deviation = 3", "nothing else"),
        ("[[deviation]]\nid = 'a'\nloss = 'HuberLoss'\nratio = 1.0", "lacks reason"),
        (ENTRY + "colour = 'red'", "unknown colour"),
        (ENTRY.replace("HuberLoss", "NoLoss"), "unknown loss"),
        (ENTRY + ENTRY, "same id"),
        ("not toml at all", "is not TOML"),
    ],
)
def test_a_wrong_file_is_one_clear_line(text, says, tmp_path):
    with pytest.raises(pytest.UsageError, match=says):
        entries(tmp_path, text)
