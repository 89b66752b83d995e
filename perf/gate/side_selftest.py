"""Two sides with modules of the same name in one process, and a side at a revision."""

import subprocess
import sys
from argparse import Namespace

import pytest

from perf.gate.base import base_of, check_source
from perf.gate.errors import Bad
from perf.gate.side import NotLoaded, Side, load
from reference import CONTRACTS

MODULE = """
import torch
from {package}.helper import NAME
class Mine(torch.nn.MSELoss):
    name = NAME
"""
MSE = CONTRACTS["mse_loss"]


def write(folder, package, name):
    own = folder / package
    own.mkdir(parents=True, exist_ok=True)
    (own / "__init__.py").write_text("")
    (own / "helper.py").write_text(f"NAME = {name!r}\n")
    (own / "losses.py").write_text(MODULE.format(package=package))


def git(folder, *arguments):
    command = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path, monkeypatch, request):
    """A repository whose package is named ``first`` in the first revision, and ``second`` in the working tree."""
    package = f"planted_{abs(hash(request.node.name))}"
    root = tmp_path / "repository"
    write(root / "src", package, "first")
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "first")
    write(root / "src", package, "second")
    monkeypatch.syspath_prepend(str(root / "src"))
    yield root, package
    for name in [n for n in sys.modules if n.startswith(package)]:
        del sys.modules[name]


def options(**more):
    return Namespace(**dict.fromkeys(("against", "base_subject", "base_path", "base_rev")) | more)


def names(sides):
    return [load(side, MSE).factory.name for side in sides]


@pytest.mark.parametrize("order", [1, -1])
def test_both_sides_are_what_they_are_in_either_order(repository, tmp_path, order):
    _, package = repository
    write(tmp_path / "other", package, "other")
    source = f"{package}.losses:Mine"
    sides = [Side(source), Side(source, str(tmp_path / "other"))]
    assert names(sides[::order]) == ["second", "other"][::order]


def test_modules_of_a_folder_leave_no_trace(repository, tmp_path):
    _, package = repository
    write(tmp_path / "other", package, "other")
    before = (list(sys.path), set(sys.modules))
    load(Side(f"{package}.losses:Mine", str(tmp_path / "other")), MSE)
    assert (sys.path, set(sys.modules)) == before


def test_a_revision_is_what_it_was(repository, tmp_path):
    _, package = repository
    head = Side(f"{package}.losses:Mine")
    base = base_of("MSELoss", head, options(base_rev="HEAD"), tmp_path)
    assert names([head, base]) == ["second", "first"]


def test_a_file_at_a_revision_is_what_it_was(repository, tmp_path, monkeypatch):
    root, package = repository
    monkeypatch.chdir(root)
    head = Side(f"src/{package}/helper.py:NAME")
    base = base_of("MSELoss", head, options(base_rev="HEAD"), tmp_path)
    assert (tmp_path / base.folder / f"src/{package}/helper.py").read_text() == "NAME = 'first'\n"


def test_an_unknown_revision_is_one_line(repository, tmp_path):
    _, package = repository
    with pytest.raises(Bad, match="knows no such revision"):
        base_of("MSELoss", Side(f"{package}.losses:Mine"), options(base_rev="absent"), tmp_path)


def test_a_module_outside_of_a_repository_has_no_revisions(tmp_path, monkeypatch):
    write(tmp_path, "planted_outside", "no")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(Bad, match="in no git repository"):
        base_of("MSELoss", Side("planted_outside.losses:Mine"), options(base_rev="HEAD"), tmp_path)


@pytest.mark.parametrize("source", ["absent:Mine", "torch.absent:Mine", "absent.py:Mine"])
def test_a_module_that_is_not_there_is_one_line(source):
    with pytest.raises(Bad, match=r"no (module|file)"):
        check_source(source)


def test_a_side_that_does_not_import_says_why(tmp_path, monkeypatch):
    (tmp_path / "planted_broken.py").write_text("raise RuntimeError('broken\\nbadly')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(NotLoaded, match=r"^planted_broken:Mine does not import: RuntimeError: broken$"):
        load(Side("planted_broken:Mine"), MSE)
