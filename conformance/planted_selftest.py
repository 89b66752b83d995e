"""The gate finds the planted bugs, each shown in a small case, and flags no correct loss written differently."""

import math

import pytest

from conformance.mutants.controls import CONTROLS
from conformance.mutants.judging import alarms
from conformance.mutants.planted import PLANTED
from conformance.options_selftest import read, run

#: The checks that find the planted bugs, and those that correct losses are put to here.
NUMBERS = ("--check", "value", "--check", "gradient", "--check", "reduction")
FEW = ("value", "gradient", "reduction")


def size(witness: dict) -> int:
    """The number of elements of the largest argument of a witness."""
    return max(math.prod(a["shape"]) for a in witness["arguments"].values() if a)


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_fails_and_is_shown_in_at_most_8_elements(bug, tmp_path):
    subject = f"{PLANTED[bug]}=conformance.mutants.planted:{bug}"
    dtypes = ("--dtype", "float32", "--dtype", "float16")
    done = run("--subject", subject, *NUMBERS, *dtypes, "--budget", "gate", cwd=tmp_path)
    failures = [r for r in read(tmp_path)["rows"] if r["verdict"] == "fail"]
    assert done.returncode == 1
    assert min(size(r["witness"]) for r in failures if r["witness"]) <= 8


@pytest.mark.parametrize("control", CONTROLS)
def test_a_correct_loss_passes(control):
    """A few checks at one seed; ``python -m conformance.mutants.score`` puts it to the whole gate."""
    assert not alarms(CONTROLS[control], f"conformance.mutants.controls:{control}", "smoke", 0, FEW)
