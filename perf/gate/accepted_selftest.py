"""The reviewed file: what it may say, and the one line that tells what is wrong with it."""

import pytest

from perf.gate.accepted import read
from perf.gate.errors import Bad

GOOD = """
[[accepted]]
cell = "MSELoss-*"
what = "bytes"
reason = "a copy that the caller needs"
increase = "12.5 %"
expires = 2031-01-31

[[threshold]]
cell = "CTCLoss-*"
percent = 6
reason = "allocates"
"""


def written(tmp_path, text):
    file = tmp_path / "accepted.toml"
    file.write_text(text)
    return str(file)


def test_entries_and_thresholds_are_read(tmp_path):
    found = read(written(tmp_path, GOOD))
    assert (found.accepted[0].limit, found.accepted[0].in_percent) == (12.5, True)
    assert found.threshold("CTCLoss-x").percent == 6


def test_other_cells_have_the_usual_threshold(tmp_path):
    assert read(written(tmp_path, GOOD)).threshold("MSELoss-x").percent == 3.0


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('what = "bytes"', 'what = "byte"', "unknown what 'byte'"),
        ('reason = "a copy that the caller needs"', "", "missing key reason"),
        ('reason = "a copy that the caller needs"', 'reason = " "', "an empty reason"),
        ("expires = 2031-01-31", 'expires = "soon"', "expires cannot be 'soon'"),
        ('increase = "12.5 %"', 'increase = "much"', "increase 'much'"),
        ('increase = "12.5 %"', "increase = -3", "increase -3"),
        ('increase = "12.5 %"', "increase = true", "increase cannot be True"),
        ("[[threshold]]", "[threshold]", "write [[threshold]]"),
        ("[[threshold]]", "[[thresholds]]", "unknown table thresholds"),
        ("percent = 6", "percent = 6\nlimit = 2", "unknown key limit"),
        ("[[accepted]]", "[[accepted", "TOMLDecodeError"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path, old, new, said):
    with pytest.raises(Bad) as problem:
        read(written(tmp_path, GOOD.replace(old, new)))
    assert said in str(problem.value)
    assert "\n" not in str(problem.value)
