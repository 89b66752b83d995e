"""Are numbers, tensors, names and links written for a reader?"""

import re

import pytest

from reports import words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.78125, "0.781"),
        (1, "1.00"),
        (812.4, "812"),
        (123456.0, "1.23e5"),
        (1e-9, "1.00e-9"),
        (0, "0"),
        ("inf", "∞"),
        ("-inf", "-∞"),
        ("nan", "NaN"),
        (None, ""),
        ("what", "what"),
    ],
)
def test_numbers_are_short(value, text):
    assert words.number(value) == text


def test_a_witness_reads_back_the_same():
    for number in (0.1, -1e-310, 5e-324, 1.7976931348623157e308, -0.0):
        assert words.readable(number.hex()) == repr(number)
    assert words.readable([(1.5).hex(), "nan"]) == "(1.5, nan)"
    assert words.readable("12") == "12"


def test_a_tensor_has_a_line_for_each_run_of_its_last_axis():
    tensor = {"shape": [2, 3], "data": [1, 2, 3, 4, 5, 60]}
    assert words.lines(tensor) == " 1   2   3\n 4   5  60"
    assert words.lines({"shape": [100], "data": [0] * 100}).endswith("and 36 more")
    assert words.lines({"shape": [0], "data": []}) == "(empty)"


def test_anchors_are_the_same_in_every_run_and_differ_for_different_names():
    assert words.anchor("cell", "torch.nn", "HuberLoss") == "cell:torch.nn:HuberLoss"
    assert words.anchor("cell", "a b") != words.anchor("cell", "a-b") != words.anchor("cell", "a/b")
    assert words.anchor("cell", "a b") != words.anchor("cell", "a\tb")
    assert re.fullmatch(r"[\w.:/=-]+", words.anchor("cell", 'a "b" <c>'))
