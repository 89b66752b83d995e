"""loss_checks makes ordinary tests of a project that knows nothing of the suite."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch

from conformance import Subject, loss_checks

ROOT = Path(__file__).parent.parent
TESTS = """
import torch
from conformance import Subject, loss_checks

class MyHuber(torch.nn.HuberLoss):
    pass

class Steep(torch.nn.L1Loss):
    def forward(self, input, target):
        return 1.001 * super().forward(input, target)

@loss_checks(
    [Subject(MyHuber, like="HuberLoss"), Subject(Steep, like="L1Loss")],
    checks=["value", "gradient", "convention"], dtypes=["float32"], reductions=["sum"], expected_deviations=EXPECTED,
)
def test_losses(subject, check):
    check(subject)
"""


def ran(folder: Path, *options: str, expected: str = "{}") -> subprocess.CompletedProcess:
    """pytest on those tests, in a project of their own."""
    (folder / "test_mine.py").write_text(TESTS.replace("EXPECTED", expected))
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *options]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "JAX_PLATFORMS": "cpu"}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[subprocess.CompletedProcess, Path]:
    folder = tmp_path_factory.mktemp("project")
    expected = '{("Steep", "value"): "ticket 7", ("HuberLoss", "gradient"): "mended since"}'
    return ran(folder, "-n", "2", "--junitxml", "out.xml", expected=expected), folder


def test_every_check_of_every_subject_is_an_item(whole):
    done, folder = whole
    names = {case.get("name") for case in ElementTree.parse(folder / "out.xml").iter("testcase")}
    assert names == {
        f"test_losses[{test}]"
        for test in ("MyHuber-value", "MyHuber-gradient", "Steep-value", "Steep-gradient", "Steep-convention")
    }, done.stdout


def test_a_wrong_loss_fails_with_the_report(whole):
    done, _ = whole
    assert done.returncode == 1
    assert "test_mine:Steep as L1Loss" in done.stdout
    assert "from test_mine import Steep" in done.stdout


def test_an_expected_failure_is_one_and_one_that_passes_fails(whole):
    done, _ = whole
    assert "1 xfailed" in done.stdout
    assert "[XPASS(strict)] mended since" in done.stdout


def test_items_are_chosen_by_name(tmp_path):
    done = ran(tmp_path, "-n", "0", "-k", "MyHuber and value")
    assert "1 passed, 4 deselected" in done.stdout, done.stdout


@pytest.mark.parametrize("key", ["valu", ("HuberLoss", "valu"), ("L1Loss", "value")])
def test_an_expectation_about_nothing_is_one_clear_line(key):
    subjects = [Subject(torch.nn.HuberLoss)]
    with pytest.raises(ValueError, match="is about none of the subjects and checks"):
        loss_checks(subjects, expected_deviations={key: "why"})
