"""Is bad input one line, and whatever a file contains text on the page, in a page that needs nothing else?"""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from reports.__main__ import main
from reports.history.synthetic import NAMES, run, two_years
from reports.history.synthetic import save as save_history
from reports.perf.synthetic import benchmarks, cell, failing_gate, gate, proof, save
from reports.synthetic import HOSTILE, row, synthetic

ROOT = Path(__file__).parent.parent.parent
FIXED = {
    "outcome", "implementation", "direction", "size", "kind", "tier", "date", "median", "log_ratios",
}  # fmt: skip


def poisoned(thing, free=False):
    """The same structure with something hostile at the end of every string that is free text, and of free keys."""
    if isinstance(thing, dict):
        return {
            key + HOSTILE if free else key: value if key in FIXED else poisoned(value, key in ("counters", "operators"))
            for key, value in thing.items()
        }
    if isinstance(thing, list):
        return [poisoned(each) for each in thing]
    return thing + HOSTILE if isinstance(thing, str) else thing


def hostile_history():
    names = [f"Loss{n}{HOSTILE}-jax-forward-M" for n in range(3)]
    lines = [run(n, {name: {"ratio": 1.0 + n % 2, "bytes": 10 + n // 9} for name in names}) for n in range(30)]
    return [poisoned(line) | {"cells": line["cells"]} for line in lines]


def test_hostile_strings_stay_text(made):
    page = made(poisoned(benchmarks()), poisoned(failing_gate()), hostile_history(), poisoned(proof()))
    assert "alert(1)" in page.text
    assert not page.all("script")
    assert not [each for each in page.all("img") if each]
    assert len(page.all("style")) == 1
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]


def test_the_page_needs_no_network(made):
    page = made(benchmarks(), failing_gate(), two_years(nights=30, number=9, moved=10), proof())
    assert not page.all("link")
    assert "http" not in page.text
    assert not [each for _, each in page.elements if {"src", "srcset", "action"} & set(each)]
    assert not re.search(r"@import|url\((?!#)", page.text)
    images = [each["href"] for each in page.all("image")]
    assert images
    assert all(each.startswith("data:image/png;base64,") for each in images)


def test_a_page_of_all_cells_is_small(made):
    many = [cell(loss, way, size) for loss in NAMES for way in ("forward", "forward+backward") for size in "SM"]
    history = two_years([(50, n, 1.5) for n in range(40)], nights=120, number=120, moved=60)
    page = made(benchmarks(losses=NAMES, sizes=("S", "M", "L")), gate(many), history, proof())
    assert len(page.text.encode()) < 2_000_000


def stripped(**changes):
    return {key: value for key, value in (benchmarks() | changes).items() if value is not None}


BAD = {
    "perf": [
        ("{", "not JSON"),
        ("[]", "not a benchmark file"),
        (json.dumps(synthetic([row()])), "not a benchmark file"),
        (json.dumps(gate()), "not a benchmark file"),
        (json.dumps(stripped(plumbline=None)), "the key plumbline is missing"),
        (json.dumps(benchmarks(schema=2)), "schema 2, but this reader knows schema 1"),
        (json.dumps(benchmarks([{"name": "x"}])), "benchmarks[0].extra_info"),
        (json.dumps(benchmarks(fits=[{}])), "plumbline.fits[0].loss"),
    ],
    "gate": [
        ("nonsense", "not JSON"),
        (json.dumps(benchmarks()), "not a file of the performance gate"),
        (json.dumps(synthetic([row()])), "not a file of the performance gate"),
        (json.dumps(gate() | {"schema": 7}), "schema 7, but this reader knows schema 1"),
        (json.dumps(gate([cell(outcome="fine")])), "cells[0].outcome"),
        (json.dumps(gate([cell(time=[])])), "cells[0].time"),
        (json.dumps(gate([cell(counters={"bytes": 3})])), "counters.bytes: not an object"),
        ("[" * 100_000, "not JSON"),
    ],
}


@pytest.mark.parametrize(("name", "text", "told"), [(name, *each) for name, own in BAD.items() for each in own])
def test_bad_input_is_one_line(tmp_path, capsys, monkeypatch, name, text, told):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.json").write_text(text)
    summary = tmp_path / "summary.md"
    assert main(["perf", f"--{name}", "bad.json", "--markdown", str(summary)]) == 4
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert told in error
    assert summary.read_text().startswith("## Plumbline, speed: no report")
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize("option", ["--perf", "--gate", "--history", "--proof"])
def test_a_named_file_that_is_missing_is_one_line(tmp_path, capsys, monkeypatch, option):
    monkeypatch.chdir(tmp_path)
    save(benchmarks(), tmp_path / "reports" / "out" / "perf.json")
    assert main(["perf", option, "gone"]) == 4
    assert capsys.readouterr().err == "reports: gone: no such file\n"


def test_nothing_at_all_is_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["perf"]) == 4
    assert capsys.readouterr().err.startswith("reports: nothing to report: none of reports/out/perf.json")


def test_a_folder_for_trials_that_has_none_is_absent(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save("", tmp_path / "perf" / "proof" / "data" / ".gitkeep")
    assert main(["perf"]) == 4
    assert "nothing to report" in capsys.readouterr().err


def test_default_files_are_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save(benchmarks(), tmp_path / "reports" / "out" / "perf.json")
    save(gate(), tmp_path / "reports" / "out" / "perf-gate.json")
    save_history(two_years(nights=12, number=3), tmp_path / "reports" / "history.jsonl")
    save(proof(), tmp_path / "perf" / "proof" / "data" / "a.jsonl")
    assert main(["perf"]) == 0
    page = (tmp_path / "reports" / "out" / "perf.html").read_text()
    assert "<dt>Not here</dt>" not in page
    assert 'id="history"' in page


def test_a_broken_trial_is_a_warning_and_the_others_count(made):
    page = made(proof=[*proof(), {"schema": 2}, {"schema": 1, "kind": 3}])
    assert page.text.count('<p class="warning">trials.jsonl line') == 2
    assert "tier 2<td" in page.part('<section id="injected">')


def test_the_command_runs_without_torch_or_what_it_reports_on(tmp_path):
    save(benchmarks(), tmp_path / "perf.json")
    program = (
        "import sys, runpy; sys.argv[0] = 'reports'\n"
        "try: runpy.run_module('reports', run_name='__main__')\n"
        "except SystemExit as end: print('status', end.code)\n"
        "print('loaded', {'torch', 'jax', 'reference', 'conformance', 'perf', 'matplotlib.pyplot'} & set(sys.modules))"
    )
    given = ["perf", "--perf", str(tmp_path / "perf.json"), "--html", str(tmp_path / "perf.html")]
    done = subprocess.run([sys.executable, "-c", program, *given], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-2:] == ["status 0", "loaded set()"]
