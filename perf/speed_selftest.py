"""The benchmarks write what is promised of each result, and a bad option is one line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def run(*arguments, folder=ROOT):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "perf/test_speed.py", "perf/test_memory.py"]
    alone = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}  # workers do not measure times
    return subprocess.run([*command, *arguments], cwd=folder, env=alone, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    file = tmp_path_factory.mktemp("perf") / "perf.json"
    done = run("--loss", "L1Loss", "--implementation", "eager", "--benchmark-json", str(file))
    assert done.returncode == 0, done.stdout
    return json.loads(file.read_text())


def test_every_result_says_what_was_measured_and_how_well(results):
    speed = [b["extra_info"] for b in results["benchmarks"] if "percent_of_triad" in b["extra_info"]]
    assert {(x["direction"], x["size"]) for x in speed} == {
        (d, s) for d in ("forward", "forward+backward") for s in "SM"
    }
    for info in speed:
        assert info["verdict"] == "pass"
        assert info["bytes"] >= info["compulsory_bytes"] > 0
        assert info["operators"]
        assert info["triad"] > 0
        assert info["threads"] == 1


def test_memory_has_results_of_its_own(results):
    (memory,) = [b["extra_info"] for b in results["benchmarks"] if "resident_bytes" in b["extra_info"]]
    assert memory["peak_over_input"] > 0
    assert memory["saved_tensors"] == 1  # the difference, for its sign


def test_the_file_says_the_machine_the_fits_and_what_was_not_run(results):
    own = results["plumbline"]
    assert own["schema"] == 1
    assert own["fingerprint"] == results["machine_info"]["fingerprint"]
    assert {f["direction"] for f in own["fits"]} == {"forward", "forward+backward"}
    assert any(each["cell"].startswith("L1Loss-eager-forward-L") for each in own["not_run"])


@pytest.mark.parametrize("arguments", [("--size", "XL"), ("--implementation", "numba"), ("--loss", "NoLoss")])
def test_a_bad_option_is_one_line_before_any_work(arguments):
    done = run(*arguments)
    assert done.returncode == 4
    assert arguments[1] in done.stderr
