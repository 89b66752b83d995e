"""Does the summary of the report on speed say what the page says, in markdown?"""

import pytest

from reports.__main__ import main
from reports.history.synthetic import save as save_history
from reports.history.synthetic import two_years
from reports.perf.synthetic import benchmarks, cell, failing_gate, gate, save
from reports.synthetic import HOSTILE


@pytest.fixture
def summary(tmp_path, monkeypatch):
    """Makes the summary of a run with the command, and reads it."""
    monkeypatch.chdir(tmp_path)

    def make(gated=None, measured=None, history=None):
        given = ["perf", "--html", "perf.html", "--markdown", "made/perf.md"]
        given += ["--gate", str(save(gated, tmp_path / "gate.json"))] if gated else []
        given += ["--perf", str(save(measured, tmp_path / "perf.json"))] if measured else []
        given += ["--history", str(save_history(history, tmp_path / "h.jsonl"))] if history else []
        assert main(given) == 0
        return (tmp_path / "made" / "perf.md").read_text()

    return make


def test_no_regression_is_few_lines(summary):
    text = summary(gate())
    assert text.startswith("## Plumbline, speed: No regression\n\n2 cells gated, 2 pass.")
    assert "0 counters differ, 8 are equal." in text
    assert "Identical code against itself: +0.05 %, p 0.500, not flagged." in text
    assert "Not in this report: benchmarks" in text


def test_a_regression_has_its_interval_threshold_and_reasons(summary):
    text = summary(failing_gate())
    assert "| HuberLoss | **regression** | +8.50 % | +8.20 % to +8.80 % | +3.00 % | +1.20 % | time: \\+8.5 %" in text
    assert "- tier 1: not run, valgrind is not installed" in text
    assert "| HuberLoss | operator aten.clone | 0 | 1 | " in text


def test_changes_of_the_history_are_listed(summary):
    text = summary(measured=benchmarks(), history=two_years([], [(20, 1, 2.0)], nights=40, number=3))
    assert "History: 40 runs, 1 changes" in text
    assert "| 2024-01-21 | HuberLoss-compile-forward-M-float32-cpu | bytes moved | 8,192 | 16,384 | +100 % |" in text


def test_nothing_in_the_files_is_markup(summary):
    hostile = f"a | b\n\n# c `d` {HOSTILE}"
    odd = cell(hostile, outcome="regression", reasons=[hostile], counters={hostile: {"base": 1, "head": 2}})
    text = summary(gate([odd, cell()], reasons=[hostile]))
    assert "<img" not in text
    assert "<script" not in text
    assert "\n# c" not in text
    lines = [line.replace("\\|", "").count("|") for line in text.splitlines() if line.startswith("|")]
    assert set(lines) == {8, 6}


def test_a_summary_can_be_added_to_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = ["perf", "--gate", str(save(gate(), tmp_path / "gate.json")), "--html", "p.html", "--append"]
    (tmp_path / "steps.md").write_text("before\n")
    assert main([*given, "steps.md"]) == main([*given, ""]) == 0
    assert (tmp_path / "steps.md").read_text().startswith("before\n## Plumbline, speed")
