"""Bad input costs one clear line: exit status 4 before any work, or a fail row that leaves the rest unharmed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest

ROOT = Path(__file__).parent.parent
SCHEMA = json.loads((ROOT / "conformance" / "results.schema.json").read_text())
HOSTILE = "conformance.mutants.hostile"


def run(*args: str, cwd: Path, results: str = "out/r.json", workers: int = 0) -> subprocess.CompletedProcess:
    """A small run of the checks, as a user would start one, from a folder of their own."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-c",
        ROOT / "tox.ini",
        "--rootdir",
        ROOT,
        ROOT / "conformance",
    ]
    options = ["--budget", "smoke", f"--results={results}", "-n", workers, *args]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [str(a) for a in (*command, *options)], cwd=cwd, capture_output=True, text=True, env=environment
    )


def read(folder: Path, results: str = "out/r.json") -> dict:
    document = json.loads((folder / results).read_text())
    jsonschema.validate(document, SCHEMA)
    return document


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--loss", "NoLoss"], "unknown loss 'NoLoss'"),
        (["--dtype", "float8"], "unknown dtype 'float8'"),
        (["--device", "tpu"], "unknown device 'tpu'"),
        (["--mode", "sideways"], "unknown mode 'sideways'"),
        (["--check", "beauty"], "unknown check 'beauty'"),
        (["--reduction", "median"], "unknown reduction 'median'"),
        (["--budget", "endless"], "unknown budget 'endless'"),
        (["--subject", "HuberLoss=nonsense"], "write LOSS=MODULE:ATTR"),
        (["--subject", "NoLoss=math:sin"], "unknown loss 'NoLoss'"),
        (["--subject", "no_such_module"], "does not import"),
        (["--deviations", "missing.toml"], "missing.toml"),
        (["--seed", "x"], "invalid int value"),
        (["--results", "/dev/null/r.json"], "cannot be written"),
    ],
)
def test_a_bad_option_ends_with_status_4_and_one_line(options, line, tmp_path):
    done = run(*options, cwd=tmp_path)
    assert done.returncode == 4
    assert line in done.stdout + done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(os.path.exists("/dev/nvidiactl"), reason="there is a GPU here")
def test_cuda_without_a_gpu_is_a_clear_error(tmp_path):
    done = run("--device", "cuda", cwd=tmp_path)
    assert done.returncode == 4
    assert "no CUDA device" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("subject", "check", "line"),
    [
        ("no_such_module:Loss", "value", "does not import: ModuleNotFoundError"),
        (f"{HOSTILE}:Missing", "value", "does not import: AttributeError"),
        (f"{HOSTILE}:Raises", "value", "raises RuntimeError: no licence found"),
        (f"{HOSTILE}:WrongType", "value", "value is float, not a tensor"),
        (f"{HOSTILE}:WrongShape", "value", "the contract says"),
        (f"{HOSTILE}:WrongDtype", "result_type", "value has dtype float64, the contract says float32"),
        (f"{HOSTILE}:ReturnsNaN", "value", "got nan"),
        (f"{HOSTILE}:MutatesInput", "value", "changes its argument input in place"),
    ],
)
def test_a_bad_subject_fails_its_rows_and_says_why(subject, check, line, tmp_path):
    options = ["--subject", f"MSELoss={subject}", "--check", check, "--dtype", "float32"]
    done = run(*options, "--subject", "L1Loss=torch.nn:L1Loss", cwd=tmp_path)
    rows = read(tmp_path)["rows"]
    own = [r for r in rows if r["loss"] == "MSELoss"]
    assert done.returncode == 1
    assert own
    assert all(r["verdict"] == "fail" for r in own)
    assert any(line in r["message"] for r in own), [r["message"] for r in own]
    assert all(r["verdict"] != "fail" for r in rows if r["loss"] == "L1Loss")


@pytest.mark.parametrize("subject", ["Dies", "Exits"])
def test_a_subject_that_takes_its_process_down_costs_its_own_rows(subject, tmp_path):
    options = ["--subject", f"MSELoss={HOSTILE}:{subject}", "--check", "value", "--check", "gradient"]
    done = run(*options, "--subject", "L1Loss=torch.nn:L1Loss", cwd=tmp_path, workers=2)
    document = read(tmp_path)
    own = [r for r in document["rows"] if r["loss"] == "MSELoss"]
    assert done.returncode == 1
    assert document["footer"]["complete"]
    assert {r["message"] for r in own} == {"crashed its worker process", "not run: crashed three times"}
    assert all(r["verdict"] != "fail" for r in document["rows"] if r["loss"] == "L1Loss")


def start(folder: Path) -> subprocess.Popen:
    """A run in the background, once its first row is on disk; it hears interruptions, unlike a worker of pytest."""
    command = [sys.executable, "-m", "pytest", ROOT / "conformance", "-c", ROOT / "tox.ini", "-n0"]
    process = subprocess.Popen(
        [str(a) for a in (*command, "--results", "r.json", "--loss", "HuberLoss")],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    side = folder / "r.json.partial.jsonl"
    while not (side.exists() and side.stat().st_size):
        time.sleep(0.1)
    return process


def test_an_interrupted_run_says_that_it_is_incomplete(tmp_path):
    process = start(tmp_path)
    process.send_signal(signal.SIGINT)
    assert process.wait() == 2
    document = read(tmp_path, "r.json")
    assert not document["footer"]["complete"]
    assert document["rows"]


def test_a_killed_run_leaves_its_rows_and_says_that_it_is_incomplete(tmp_path):
    process = start(tmp_path)
    process.kill()
    process.wait()
    assert not read(tmp_path, "r.json")["footer"]["complete"]
    side = tmp_path / "r.json.partial.jsonl"
    assert json.loads(side.read_text().splitlines()[0])["loss"] == "HuberLoss"


def test_nothing_verified_is_a_failure(tmp_path):
    done = run("--loss", "CTCLoss", "--dtype", "float16", cwd=tmp_path)
    assert done.returncode == 1
    assert "nothing was run" in done.stdout


def test_a_subject_in_a_file_is_found_from_the_callers_folder(tmp_path):
    (tmp_path / "mine.py").write_text("import torch\n\nclass Mine(torch.nn.L1Loss):\n    pass\n")
    options = ["--loss", "L1Loss", "--check", "value", "--dtype", "float32"]
    assert run("--subject", "L1Loss=mine.py:Mine", *options, cwd=tmp_path).returncode == 0
    assert run("--subject", "L1Loss=mine:Mine", *options, cwd=tmp_path).returncode == 0
