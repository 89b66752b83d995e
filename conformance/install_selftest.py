"""The repository installs with pip, and its checks then run from an empty folder."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def installed(tmp_path) -> Path:
    """The python of an environment that holds the package, and borrows its dependencies from this one."""
    home = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    python = home / "bin" / "python"
    site = next((home / "lib").glob("python*/site-packages"))
    (site / "borrowed.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    command = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", ROOT]
    subprocess.run(command, check=True, capture_output=True)
    return python


def test_an_installed_suite_runs_from_an_empty_folder(installed, tmp_path):
    folder = tmp_path / "empty"
    folder.mkdir()
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    options = ["--loss", "HuberLoss", "--budget", "smoke"]
    command = [installed, "-m", "pytest", "--pyargs", "conformance", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (folder / "reports" / "out" / "conformance.json").exists()


def test_an_installed_suite_leaves_other_projects_alone(installed, tmp_path):
    (tmp_path / "test_other.py").write_text("def test_other(request):\n    assert 1 + 1 == 2\n")
    (tmp_path / "conftest.py").write_text("def pytest_addoption(parser):\n    parser.addoption('--device')\n")
    command = [installed, "-m", "pytest", "test_other.py", "--device", "x", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
