"""A campaign says the same whatever runs it, what a conformance run says of its rows, and survives its subjects."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.campaign.__main__ import main
from conformance.results import SCHEMA

ROOT = Path(__file__).parent.parent.parent
FEW = ["--loss", "L1Loss", "--check", "value", "--dtype", "float32", "--budget", "smoke"]
HOSTILE = """
import os, torch
class Crashing(torch.nn.L1Loss):
    def forward(self, input, target):
        if self.reduction == "sum":
            os.kill(os.getpid(), 11)
        print("not an answer")
        return super().forward(input, target)
class Crashed(torch.nn.L1Loss):
    def forward(self, input, target):
        os._exit(0)
class Wrong(torch.nn.L1Loss):
    def forward(self, input, target):
        return super().forward(input, target) * 1.001
"""


def document(file: Path) -> dict:
    found = json.loads(file.read_text())
    assert found["schema"] == SCHEMA
    return found


def timeless(file: Path) -> str:
    """All of a results file but times and dates, byte for byte."""
    times = ('"seconds":', '"started":', '"finished":')
    return "".join(x for x in file.read_text().splitlines(keepends=True) if not x.strip().startswith(times))


@pytest.fixture
def hostile(tmp_path, monkeypatch):
    (tmp_path / "hostile.py").write_text(HOSTILE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return tmp_path / "results.json"


def test_any_number_of_workers_gives_the_same_file(tmp_path):
    told = {}
    for workers in (1, 2, 4):
        file = tmp_path / f"{workers}.json"
        assert main(["--seeds", "0:4", *FEW, "--workers", str(workers), "--results", str(file)]) == 0
        told[workers] = timeless(file)
    assert told[1] == told[2] == told[4]
    assert "-m" in json.loads((tmp_path / "4.json").read_text())["header"]["command"]
    assert not list(tmp_path.glob("*.jsonl"))


def test_one_seed_says_what_a_conformance_run_says(tmp_path):
    ours, theirs = tmp_path / "ours" / "r.json", tmp_path / "theirs" / "r.json"
    few = [*FEW, "--check", "rejection"]
    assert main(["--seeds", "3", *few, "--workers", "0", "--results", str(ours)]) == 0
    run = [sys.executable, "-m", "pytest", "conformance", "-q", "-n", "0", "--seed", "3", *few, "--results", theirs]
    assert subprocess.run(run, cwd=ROOT, capture_output=True, check=False).returncode == 0
    rows = [[row | {"seconds": None} for row in document(file)["rows"]] for file in (ours, theirs)]
    assert len(rows[0]) == len(rows[1])
    assert all(row in rows[1] for row in rows[0])


def test_seeds_add_cases(tmp_path):
    cases = []
    for seeds in ("0:1", "0:2"):
        main(["--seeds", seeds, *FEW, "--reduction", "none", "--workers", "0", "--results", str(tmp_path / "r.json")])
        cases.append(document(tmp_path / "r.json")["footer"]["rows_verified"])
    assert cases[1] > 1.5 * cases[0] > 0


def test_a_subject_that_crashes_fails_where_it_does_and_the_others_are_judged(hostile):
    subjects = [f"--subject=L1Loss=hostile.py:{name}" for name in ("Crashing", "Wrong", "Nowhere")]
    assert main(["--seeds", "0:2", *FEW, *subjects, "--workers", "0", "--results", str(hostile)]) == 1
    rows = document(hostile)["rows"]
    said = {(r["subject"].partition(":")[2], r["reduction"]): (r["verdict"], r["message"] or "") for r in rows}
    assert said["Crashing", "sum"] == ("fail", "seed 0 (one of 2 that fail): crashed its worker process")
    assert said["Crashing", "none"][0] == said["Crashing", "mean"][0] == "pass"
    assert all(said["Wrong", r][0] == "fail" for r in ("none", "mean", "sum"))
    assert "does not import" in said["Nowhere", "mean"][1]
    scripts = [hostile.parent / r["reproducer"] for r in rows if r["reproducer"]]
    assert len(scripts) == 3
    assert all(script.is_file() for script in scripts)


def test_a_subject_that_crashed_three_times_in_a_shard_is_asked_no_more_of_it(hostile):
    few = [*FEW[:-4], "--check", "layout", "--dtype", "float32", "--budget", "smoke", "--reduction", "none"]
    given = ["--seeds", "0", *few, "--subject", "L1Loss=hostile.py:Crashed", "--workers", "0"]
    assert main([*given, "--results", str(hostile)]) == 1
    messages = [r["message"] for r in document(hostile)["rows"] if r["check"] == "layout"]
    assert messages[:3] == ["crashed its worker process"] * 3
    assert set(messages[3:]) == {"not run: crashed three times"}


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (["--seeds", "5:2"], "--seeds 5:2: write A:B"),
        (["--seeds", "few"], "--seeds few: write A:B"),
        ([], "--seeds"),
        (["--seeds", "0:2", "--loss", "NoLoss"], "unknown loss 'NoLoss'"),
        (["--seeds", "0:2", "--workers", "2", "--scheduler", "tcp://a:1"], "--scheduler: not allowed with argument"),
        (["--seeds", "0:2", "--workers", "two"], "--workers two: write a whole number"),
        (["--seeds", "0:2", "--seed", "1"], "unrecognized arguments: --seed 1"),
        (["--seeds", "0:2", "--subject", "no_such_module"], "no_such_module does not import"),
        (["--seeds", "0", *FEW, "--scheduler", "nowhere"], "--scheduler nowhere: no Dask scheduler answers there"),
    ],
)
def test_bad_input_is_one_line_and_exit_status_4(given, line, tmp_path, capsys):
    assert main([*given, "--results", str(tmp_path / "r.json")]) == 4
    said = [x for x in capsys.readouterr().err.splitlines() if "shards" not in x]
    assert len(said) == 1
    assert line in said[0]
