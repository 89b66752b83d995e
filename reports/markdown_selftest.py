"""Does the summary in markdown say what the results file says, and nothing when there is none?"""

import json

import pytest

from reports.__main__ import main
from reports.load import partial_path
from reports.markdown import FAILURES
from reports.synthetic import HOSTILE, deviation, failing, full, row, synthetic


@pytest.fixture
def summary(tmp_path):
    """Writes a results file, makes the summary with the command, and reads it."""

    def make(document):
        path, summary = tmp_path / "conformance.json", tmp_path / "made" / "gate.md"
        path.write_text(json.dumps(document), encoding="utf-8")
        assert main(["--results", str(path), "--markdown", str(summary)]) == 0
        return summary.read_text(encoding="utf-8")

    return make


def test_a_kept_promise_has_a_line_for_each_loss_and_no_failures(summary):
    text = summary(synthetic([row(), row(reduction="sum", grade="A"), row(loss="L1Loss")]))
    assert text.startswith("## Plumbline: torch.nn keeps its promises\n\n2 losses, 1,234,567 rows verified, 0 failures")
    assert "| torch.nn | HuberLoss | pass | 2,000 | B | 0.500 | 0 | 0 | 0 | 2 | 0 |" in text
    assert "| torch.nn | L1Loss | pass | 1,000 | B | 0.500 | 0 | 0 | 0 | 1 | 0 |" in text
    assert "Failures" not in text
    assert "budget gate, seed 7, torch 9.9.9, python 9.9.9, A CPU" in text


def test_a_failure_is_named_with_its_message_and_script(summary):
    text = summary(synthetic([row(), failing(dtype="float16", reproducer="reproducers/1.py")]))
    assert "## Plumbline: torch.nn breaks its promises" in text
    assert "| **fail** | 2,000 | F | ∞ | 1 | 0 | 0 | 1 | 0 |" in text
    told = "value value, float16 · reduction none · cpu · torch.nn: off by a lot (reproducers/1.py)"
    assert f"- **HuberLoss** {told}" in text


def test_failures_beyond_the_first_are_counted(summary):
    text = summary(synthetic([failing(question=str(n)) for n in range(FAILURES + 3)]))
    assert text.count("off by a lot") == FAILURES
    assert "- and 3 more" in text


def test_an_incomplete_run_has_no_verdict_and_says_why(summary):
    text = summary(synthetic([row()], complete=False, exit_status=None, reasons=["interrupted"]))
    assert text.startswith("## Plumbline: Incomplete run, no verdict\n")
    assert "\n- interrupted\n" in text


def test_a_run_that_was_killed_is_read_as_far_as_it_got(summary, tmp_path):
    partial_path(tmp_path / "conformance.json").write_text(json.dumps(row()) + "\n")
    text = summary(synthetic([], complete=False))
    assert text.startswith("## Plumbline: Incomplete run, no verdict\n")
    assert "- 1 rows come from the side file of a run that did not finish." in text


def test_known_deviations_are_those_that_were_met(summary):
    text = summary(full())
    assert "Known deviations: 2" in text
    assert "| huber-overflow | accuracy | 1 | summary of huber-overflow |" in text
    assert "unmet" not in text


def test_nothing_in_the_results_is_markup(summary):
    hostile = f"a | b\n\n# c `d` {HOSTILE}"
    rows = [failing(subject=hostile, loss="L1Loss", deviation=["x|y"]) | {"message": hostile}]
    text = summary(synthetic(rows, [deviation("x|y", summary=hostile)], reasons=[hostile]))
    assert "<img" not in text
    assert "<script" not in text
    assert "\n# c" not in text
    assert {line.replace("\\|", "").count("|") for line in text.splitlines() if line.startswith("|")} == {5, 12}


def test_a_summary_can_be_added_to_a_file(tmp_path):
    path, steps = tmp_path / "conformance.json", tmp_path / "steps.md"
    path.write_text(json.dumps(synthetic([row()])))
    steps.write_text("before\n")
    for _ in range(2):
        assert main(["--results", str(path), "--append", str(steps)]) == 0
    assert steps.read_text().startswith("before\n## Plumbline")
    assert steps.read_text().count("keeps its promises") == 2


def test_no_file_to_add_to_is_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "conformance.json").write_text(json.dumps(synthetic([row()])))
    assert main(["--results", "conformance.json", "--append", ""]) == 0
    assert {each.name for each in tmp_path.iterdir()} == {"conformance.json", "index.html"}


def test_a_run_without_results_says_so(tmp_path, capsys):
    summary = tmp_path / "gate.md"
    assert main(["--results", str(tmp_path / "none.json"), "--markdown", str(summary)]) == 4
    assert summary.read_text().startswith("## Plumbline: no results\n")
    assert "no such file" in summary.read_text()
    assert capsys.readouterr().err.count("\n") == 1


def test_what_an_earlier_run_left_can_be_removed(tmp_path):
    path, summary, kept = tmp_path / "conformance.json", tmp_path / "gate.md", tmp_path / "corpus"
    other = tmp_path / "gate.xml"
    given = ["--results", str(path), "--markdown", str(summary)]
    path.write_text(json.dumps(synthetic([row()])))
    partial_path(path).write_text("")
    kept.mkdir()
    other.write_text("")
    assert main(given) == 0
    assert main([*given, "--discard"]) == 0
    assert set(tmp_path.iterdir()) == {kept, other}
    assert main([*given, "--discard", str(other)]) == 0
    assert list(tmp_path.iterdir()) == [kept]
