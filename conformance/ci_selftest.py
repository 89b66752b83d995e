"""The gate of another project's CI: its exit status is the run's, and every report of it is written or gone."""

import configparser
import json
import re
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
RECIPE = (ROOT / "conformance" / "examples" / "github_actions.yml").read_text()
LOSSES = """
import torch

class Right(torch.nn.MSELoss):
    pass

class Wrong(torch.nn.MSELoss):
    def forward(self, input, target):
        return 2 * super().forward(input, target)
"""
FEW = ["--check", "value", "--dtype", "float32", "--reduction", "sum", "--budget", "smoke", "-n", "0"]


def environment() -> configparser.SectionProxy:
    told = configparser.ConfigParser(interpolation=None)
    told.read(ROOT / "tox.ini")
    return told["testenv:gate"]


def gate(folder: Path, steps: Path | str, *options: str) -> int:
    """Runs the commands of the environment as tox does: the first status that is not 0, and the last ones anyway."""
    found = {}
    for part in ("commands_pre", "commands", "commands_post"):
        line = environment()[part].replace("{tox_root}", str(ROOT))
        line = line.replace("{env:GITHUB_STEP_SUMMARY:}", str(steps)).replace("{posargs}", shlex.join(options))
        command = [sys.executable, *shlex.split(line)[1:]]
        found[part] = subprocess.run(command, cwd=folder, env={"PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"})
    return next((done.returncode for done in found.values() if done.returncode), 0)


@pytest.fixture
def project(tmp_path):
    (tmp_path / "losses.py").write_text(LOSSES)
    (tmp_path / "steps.md").write_text("before\n")
    return tmp_path


@pytest.mark.timeout(300)
def test_the_gate_ends_as_its_run_does_and_leaves_every_report(project):
    steps, out = project / "steps.md", project / "reports" / "out"
    assert gate(project, steps, "--subject", "MSELoss=losses:Right", *FEW) == 0
    assert {"conformance.json", "index.html", "gate.md", "gate.xml"} <= {p.name for p in out.iterdir()}
    assert steps.read_text() == "before\n" + (out / "gate.md").read_text()
    assert "losses:Right keeps its promises" in (out / "gate.md").read_text().replace("\\", "")
    assert gate(project, steps, "--subject", "MSELoss=losses:Wrong", *FEW) == 1
    assert "losses:Wrong breaks its promises" in steps.read_text().replace("\\", "")
    assert json.loads((out / "conformance.json").read_text())["footer"]["exit_status"] == 1
    assert next(ET.parse(out / "gate.xml").iter("testsuite")).get("failures") == "1"


@pytest.mark.timeout(300)
def test_a_run_that_does_not_start_leaves_no_report_of_an_earlier_one(project):
    out = project / "reports" / "out"
    out.mkdir(parents=True)
    for name in ("conformance.json", "index.html", "gate.md", "gate.xml"):
        (out / name).write_text("of an earlier run")
    assert gate(project, project / "steps.md", "--subject", "MSELoss=losses:Right", "--budget", "some") == 4
    assert [p.name for p in out.iterdir()] == ["gate.md"]
    assert "no results" in (out / "gate.md").read_text()


def test_no_failure_is_ignored():
    parts = [
        line.strip() for key in environment() if key.startswith("commands") for line in environment()[key].split("\n")
    ]
    assert [line for line in parts if line.startswith(("-", "!"))] == []
    assert not {"ignore_errors", "ignore_outcome"} & set(environment())


def test_the_recipe_runs_this_environment_and_keeps_what_it_writes():
    assert " -e gate " in RECIPE
    assert "testenv:gate.deps+=" in RECIPE
    kept = re.search(r"path: (\S+)", RECIPE)[1]
    assert all(kept in environment()[part] for part in ("commands", "commands_post"))
