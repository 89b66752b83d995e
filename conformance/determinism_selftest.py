"""A case depends on version, seed, loss, check, dtype, reduction and index, and on nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest

from conformance import streams
from conformance.options_selftest import read, run
from reference import CONTRACTS

ROOT = Path(__file__).parent.parent
SAME = ("cases", "vacuous", "worst_ratio", "worst_ulp", "grade", "excused")


def digests(loss: str = "huber_loss", seed: int = 0, dtype: str = "float32") -> list[str]:
    drawn = streams.cases(seed, loss, "value", dtype, "mean", lambda done: done >= 2)
    return [case.digest() for case in drawn]


def digests_elsewhere(*before: str) -> list[str]:
    """The same in a new process, after some statements."""
    lines = [*before, "from conformance.determinism_selftest import digests", "print(*digests())"]
    command = [sys.executable, "-c", "\n".join(lines)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()


def answers(folder: Path, name: str) -> dict[str, list]:
    """What a run found, by row; times apart, it must not depend on how the run was made."""
    rows = read(folder, name)["rows"]
    keys = ("loss", "check", "quantity", "dtype", "reduction")
    return {str([r[k] for k in keys]): [r[k] for k in SAME] for r in rows}


def test_another_process_draws_the_same():
    assert digests_elsewhere() == digests()


def test_an_imported_subject_full_of_constants_changes_nothing(tmp_path):
    module = tmp_path / "constants.py"
    module.write_text("\n".join(f"A{i} = {i * 7919 + 3}\nB{i} = {i * 0.37}" for i in range(500)))
    assert digests_elsewhere(f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import constants") == digests()


def test_another_seed_draws_others():
    assert not set(digests(seed=1)) & set(digests())


def test_a_larger_budget_repeats_a_smaller_one():
    drawn = streams.cases(0, "huber_loss", "value", "float32", "mean", lambda done: done >= 1)
    assert [c.digest() for c in drawn] == digests()[: streams.BLOCK]


@pytest.mark.parametrize("contract", CONTRACTS)
def test_every_block_is_full(contract):
    reduction = next(iter(CONTRACTS[contract].reductions))
    assert len(streams.block(0, contract, "value", "float32", reduction, 0)) == streams.BLOCK


def test_workers_and_filters_change_nothing(tmp_path):
    two = ["--loss", "L1Loss", "--loss", "HuberLoss", "--check", "value", "--dtype", "float32"]
    for workers in (0, 1, 2):
        run(*two, cwd=tmp_path, results=f"{workers}.json", workers=workers)
    run("--loss", "HuberLoss", "--check", "value", "--dtype", "float32", cwd=tmp_path, results="one.json")
    full = answers(tmp_path, "0.json")
    assert answers(tmp_path, "1.json") == full
    assert answers(tmp_path, "2.json") == full
    assert answers(tmp_path, "one.json").items() <= full.items()


def test_another_subject_gets_the_same_cases(tmp_path):
    options = ["--loss", "L1Loss", "--check", "value", "--dtype", "float32"]
    run(*options, cwd=tmp_path, results="torch.json")
    run("--subject", "L1Loss=torch.nn:L1Loss", *options, cwd=tmp_path, results="own.json")
    assert answers(tmp_path, "torch.json") == answers(tmp_path, "own.json")
