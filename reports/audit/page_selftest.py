"""Does the page of an audit show every number with its kind, and is bad input told in one line?"""

import csv
import json

import pytest

from reports.__main__ import BAD_INPUT, main

ROW = {
    "subject": "torch.nn.HuberLoss", "loss": "HuberLoss", "contract": "huber_loss", "quantity": "value",
    "dtype": "bfloat16", "mode": "eager", "device": "cpu", "kind": "searched", "worst_ulp": 1.25, "worst_ratio": 0.75,
    "worst": {"expected": "0x1p+0", "observed": "0x1.02p+0", "index": [0, 0],
              "arguments": {"input": {"shape": [1, 1], "data": ["0x1.8p+1"]}}, "parameters": {"delta": 1.0},
              "cotangent": None, "reduction": "none", "bound": "0.01", "error_ulp": 1.25, "ratio": 0.75},
    "worst_for_ratio": None, "with_known": None, "grade": "B", "grade_with_known": "B", "promise": "B",
    "reason": None, "evaluations": 1000, "failing": 0, "failures": [], "sharpness": 1.5, "known": [],
    "typical_ulp": 2.0, "note": None,
}  # fmt: skip
PROOF = {
    "elements": 300, "correctly_rounded": 200, "histogram": {"0.5": 200, "1": 0, "2": 100, "inf": 0}, "regions": [],
    "pairs": 300, "settings": ["delta=1.0"], "machine": {}, "seconds": 1.0,
}  # fmt: skip
PROVED = ROW | {
    "quantity": "grad_input", "kind": "proved", "worst_ulp": 1.5, "proof": PROOF, "note": "proved over 300 pairs",
    "worst": {"input": "0x1.8p+1", "target": "0x0p+0", "setting": "delta=1.0", "observed": "3.0"},
}  # fmt: skip


@pytest.fixture
def made(tmp_path):
    """Writes an audit of some rows, makes page and table, and reads both."""

    def make(*rows, complete=True):
        file = tmp_path / "audit.json"
        header = {"suite_version": "0.1.0", "environment": {"torch": "2.13.0"}, "command": ["x"], "seed": 0}
        footer = {"complete": complete, "finished": None, "told": None}
        file.write_text(json.dumps({"schema": 1, "header": header, "rows": list(rows), "footer": footer}))
        assert main(["audit", "--results", str(file)]) == 0
        table = (tmp_path / "audit.csv").read_text(encoding="utf-8")
        return (tmp_path / "audit.html").read_text(encoding="utf-8"), list(csv.DictReader(table.splitlines()))

    return make


def test_a_number_is_shown_with_its_kind(made):
    page, _ = made(ROW, PROVED)
    assert "proved, 1.50 ULP" in page
    assert "searched, 1.25 ULP" in page
    assert "proved over 300 pairs" in page


def test_inputs_stand_in_hexadecimal_on_the_page_and_in_the_table(made):
    page, table = made(ROW)
    assert "0x1.8p+1" in page
    assert "0x1.8p+1" in table[0]["arguments"]


def test_the_table_has_a_line_for_each_number(made):
    _, table = made(ROW, PROVED)
    assert [(line["kind"], line["worst_ulp"], line["mode"]) for line in table] == [
        ("searched", "1.25", "eager"),
        ("proved", "1.5", "eager"),
    ]


def test_a_broken_promise_is_the_headline(made):
    assert "No promise is broken" in made(ROW)[0]
    assert "1 of 1 numbers break a promise" in made(ROW | {"failing": 3, "grade": "F"})[0]


def test_an_audit_that_ended_early_says_so(made):
    assert "Incomplete" in made(ROW, complete=False)[0]


def test_what_comes_from_outside_is_text(made):
    page, table = made(ROW | {"note": "<script>alert(1)</script>", "subject": "=1+1"})
    assert "<script>alert(1)" not in page
    assert table[0]["subject"] == "'=1+1"


@pytest.mark.parametrize("content", ["", "{}", '{"schema": 9, "rows": []}', '{"schema": 1, "rows": [3]}'])
def test_what_is_no_audit_is_told_in_one_line(tmp_path, capsys, content):
    file = tmp_path / "audit.json"
    file.write_text(content)
    assert main(["audit", "--results", str(file)]) == BAD_INPUT
    assert len(capsys.readouterr().err.splitlines()) == 1
