"""The command itself, on subjects that were made slower, wrong or absent on purpose."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parent.parent.parent
LOSSES = """
import torch
class Same(torch.nn.MSELoss):
    pass
class Copies(torch.nn.MSELoss):
    def forward(self, input, target):
        return super().forward(input.clone(), target)
class Wrong(torch.nn.MSELoss):
    def forward(self, input, target):
        return super().forward(input, target) * 1.5
class Dies(torch.nn.L1Loss):
    def forward(self, input, target):
        import os
        os.abort()
class Untouched(torch.nn.HuberLoss):
    pass
"""
ONE = ("--against", "torch", "--size", "S", "--direction", "forward")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "planted.py").write_text(LOSSES)
    return tmp_path


def command(*arguments):
    return [sys.executable, "-m", "perf.gate", *arguments]


def environment(**more):
    return dict(os.environ) | {"PYTHONPATH": str(ROOT)} | more


def gate(folder, subject, *arguments, **more):
    """The exit status, the results, and what was printed."""
    given = command("--subject", f"MSELoss=planted:{subject}", *(arguments or (*ONE, "--tier", "0")))
    done = subprocess.run(given, cwd=folder, env=environment(**more), capture_output=True, text=True, check=False)
    return done.returncode, results(folder), done.stdout + done.stderr


def results(folder):
    file = folder / "reports/out/perf-gate.json"
    return json.loads(file.read_text()) if file.is_file() else None


def test_a_planted_copy_is_found_by_counters(folder):
    status, found, _ = gate(folder, "Copies")
    assert (status, found["footer"]["outcome"], found["cells"][0]["outcome"]) == (1, "regression", "regression")
    assert found["cells"][0]["operators"]["aten.clone.default"] == {"base": 0, "head": 1}
    assert ElementTree.parse(folder / "reports/out/perf-gate.xml").find("testcase/failure") is not None


def test_the_same_passes(folder):
    status, found, said = gate(folder, "Same")
    assert (status, found["footer"]["outcome"], found["footer"]["complete"]) == (0, "pass", True)
    assert "PASS: 1 pass" in said


def test_a_head_without_a_right_answer_is_not_run_and_fails_while_others_are_measured(folder):
    others = ("L1Loss=planted:Dies", "SmoothL1Loss=planted:Absent", "HuberLoss=planted:Untouched")
    status, found, _ = gate(folder, "Wrong", *(x for o in others for x in ("--subject", o)), *ONE, "--tier", "0")
    told = {c["loss"]: (c["outcome"], "".join(c["reasons"])) for c in found["cells"]}
    assert status == 1
    assert told["HuberLoss"] == ("pass", "")
    for loss, why in (("MSELoss", "the answer is wrong"), ("L1Loss", "SIGABRT"), ("SmoothL1Loss", "does not import")):
        assert told[loss][0] == "not run"
        assert why in told[loss][1]


def test_a_base_that_does_not_import_is_no_pass_and_one_that_is_wrong_is_told(folder):
    bases = ("--base-subject", "MSELoss=planted:Wrong", "--base-subject", "HuberLoss=planted:Absent")
    status, found, _ = gate(folder, "Same", "--subject", "HuberLoss=planted:Untouched", *bases, *ONE[2:], "--tier", "0")
    assert (status, found["footer"]["outcome"]) == (0, "inconclusive")
    assert [c["outcome"] for c in found["cells"]] == ["pass", "not run"]
    assert "note: the answer of base is wrong" in found["cells"][0]["reasons"][0]


@pytest.mark.parametrize(("more", "status"), [((), 0), (("--require-conclusive",), 1)])
def test_without_valgrind_tier_1_is_not_run_and_nothing_is_green(folder, more, status):
    found_status, found, said = gate(folder, "Same", *ONE, "--tier", "0", "--tier", "1", *more, PATH="")
    assert (found_status, found["footer"]["outcome"]) == (status, "inconclusive")
    assert "tier 1: NOT RUN: valgrind is not installed" in said


def test_an_accepted_copy_passes_and_a_stale_entry_fails(folder):
    entry = '[[accepted]]\ncell = "*"\nwhat = "{}"\nreason = "planted"\nincrease = "300 %"\nexpires = 2999-01-01\n'
    counters = ("operators", "bytes", "allocations", "allocated_bytes", "peak_bytes")
    (folder / "a.toml").write_text("".join(map(entry.format, counters)))
    accepted = (*ONE, "--tier", "0", "--accepted", "a.toml")
    assert gate(folder, "Copies", *accepted)[:1] == (0,)
    status, found, _ = gate(folder, "Same", *accepted)
    assert (status, len(found["stale"])) == (1, len(counters))


def test_a_bad_option_is_one_line_and_status_4(folder):
    done = subprocess.run(command("--against", "x"), cwd=folder, env=environment(), capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n"), results(folder)) == (4, 1, None)


@contextmanager
def heeding_interrupts():
    """What runs in the background ignores interrupts, and so would what it starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_interrupted_run_writes_what_it_has(folder):
    given = command("--subject", "MSELoss=planted:Same", *ONE, "--tier", "0", "--tier", "2")
    with heeding_interrupts():
        running = subprocess.Popen(given, cwd=folder, env=environment(), stderr=subprocess.PIPE, text=True)
    for line in running.stderr:
        if "tier 2" in line:
            running.send_signal(signal.SIGINT)
            break
    said = running.stderr.read()
    assert running.wait() == 2
    found = results(folder)
    assert (found["footer"]["complete"], found["footer"]["exit_status"]) == (False, 2)
    assert found["cells"][0]["counters"]["operators"] == {"base": 1, "head": 1}
    assert "interrupted" in said


def test_a_killed_run_leaves_a_file_that_is_marked_incomplete(folder):
    given = command("--subject", "MSELoss=planted:Same", *ONE)
    running = subprocess.Popen(given, cwd=folder, env=environment(), stderr=subprocess.DEVNULL)
    while results(folder) is None:
        time.sleep(0.05)
    running.kill()
    running.wait()
    assert not results(folder)["footer"]["complete"]
