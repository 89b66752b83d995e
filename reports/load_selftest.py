"""Is what is no results file refused in one line, and a killed run read as far as it got?"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from reports import load
from reports.__main__ import main
from reports.synthetic import failing, row, synthetic

ROOT = Path(__file__).parent.parent


def saved(folder, document):
    """The path of a results file with this content (text as it is, anything else as JSON)."""
    path = folder / "conformance.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return path


def spoilt(**changes):
    """A results file with other top-level values."""
    return synthetic([row()]) | changes


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "not a results file"),
        ("{}", "not a results file"),
        (spoilt(schema=2), "schema 2"),
        (spoilt(schema="1"), "schema '1'"),
        (spoilt(header=None), "header"),
        (spoilt(rows={}), "rows"),
        (spoilt(footer=[]), "footer"),
        (spoilt(rows=[1]), "rows[0]"),
        (spoilt(rows=[row(), row(verdict="\n")]), "rows[1].verdict"),
        (spoilt(rows=[row(loss=None)]), "rows[0].loss"),
        (spoilt(rows=[row(witness={"arguments": []})]), "rows[0].witness.arguments"),
        (spoilt(header={"deviations": [{}]}), "header.deviations[0].id"),
        (spoilt(header={"contracts": [3]}), "header.contracts[0]"),
    ],
)
def test_what_is_no_results_file_ends_with_4_and_one_line(tmp_path, capsys, document, reason):
    assert main(["--results", str(saved(tmp_path, document))]) == 4
    told = capsys.readouterr()
    assert reason in told.err
    assert told.err.count("\n") == 1
    assert told.out == ""
    assert not (tmp_path / "index.html").exists()


def test_a_missing_folder_or_binary_file_ends_with_4(tmp_path, capsys):
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    for name, reason in (("no\nne.json", "no such file"), (".", "directory"), ("binary.json", "not UTF-8")):
        assert main(["--results", str(tmp_path / name)]) == 4
        told = capsys.readouterr().err
        assert reason in told
        assert told.count("\n") == 1


def test_a_page_that_cannot_be_written_ends_with_4(tmp_path, capsys):
    results = saved(tmp_path, synthetic([row()]))
    assert main(["--results", str(results), "--html", str(results / "index.html")]) == 4
    assert main(["--results", str(results), "--html", str(tmp_path)]) == 4
    assert capsys.readouterr().err.count("\n") == 2


def test_an_option_without_its_value_ends_with_4(capsys):
    assert main(["--results"]) == 4
    assert "--results" in capsys.readouterr().err


def test_options_of_others_are_ignored(tmp_path):
    results = saved(tmp_path, synthetic([row()]))
    others = [
        "-n",
        "2",
        "-k",
        "a or b",
        "--subject",
        "HuberLoss=mine:Huber",
        "--result",
        "x",
        "-p",
        "no:x",
        "-q",
    ]
    page = tmp_path / "deep" / "page.html"
    assert main([*others, f"--results={results}", f"--html={page}", "tests", "--result=x", "-x"]) == 0
    assert page.read_text().startswith("<!doctype html>")


def test_a_failing_run_is_still_a_report(tmp_path, capsys):
    assert main(["--results", str(saved(tmp_path, synthetic([failing()])))]) == 0
    assert "torch.nn breaks its promises" in capsys.readouterr().out


def test_a_killed_run_leaves_its_rows(tmp_path):
    path = saved(tmp_path, synthetic([]))
    whole = json.dumps(failing())
    load.partial_path(path).write_text(f"{json.dumps(row())}\n\n{whole}\n{whole[:50]}")
    results = load.load(path)
    assert [each["verdict"] for each in results.rows] == ["pass", "fail"]
    assert not results.complete
    assert any("1 unreadable line" in each for each in results.warnings)


def test_the_side_file_of_a_finished_run_is_not_read(tmp_path):
    path = saved(tmp_path, synthetic([row()]))
    load.partial_path(path).write_text(json.dumps(failing()))
    results = load.load(path)
    assert len(results.rows) == 1
    assert results.complete


def test_a_footer_that_counts_otherwise_is_told(tmp_path):
    run = synthetic([row()])
    assert load.load(saved(tmp_path, run)).warnings == ()
    run["footer"]["counts"]["pass"] = 2
    assert "pass" in load.load(saved(tmp_path, run)).warnings[0]


def test_bare_nan_and_lone_surrogates_are_survived(tmp_path):
    text = json.dumps(synthetic([row(worst_ratio=float("nan"), message="\ud800")]))
    assert "NaN" in text
    assert main(["--results", str(saved(tmp_path, text))]) == 0
    assert "<small>NaN</small>" in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_the_command_runs_without_torch_or_what_it_reports_on(tmp_path):
    results = saved(tmp_path, synthetic([row()]))
    program = (
        "import sys, runpy; sys.argv[0] = 'reports'\n"
        "try: runpy.run_module('reports', run_name='__main__')\n"
        "except SystemExit as end: print('status', end.code)\n"
        "print('loaded', {'torch', 'numpy', 'reference', 'conformance', 'perf'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", program, "--results", str(results)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-2:] == ["status 0", "loaded set()"]
