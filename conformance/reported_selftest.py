"""Each bug that was reported in public is found by the check that is expected to find it, at one of three seeds."""

import pytest
import torch

from conformance.checks import CHECKS
from conformance.mutants.judging import faults, rows, selection
from conformance.mutants.reported import REPORTED, family

#: Larger budgets and other seeds, in the order in which they are tried.
RUNS = (("smoke", 0), ("gate", 0), ("gate", 1), ("gate", 2))


def is_found(name: str) -> bool:
    """Whether the check that should find a bug does."""
    bug, source = REPORTED[name], f"{family(name).__name__}:{name}"
    return any(faults(row) for run in RUNS for row in rows(selection(bug.loss, source, (bug.check,), *run)))


@pytest.fixture(autouse=True)
def _same_process():
    """Some bugs change the process that they run in."""
    dtype, state, threads = torch.get_default_dtype(), torch.get_rng_state(), torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    torch.set_rng_state(state)
    torch.set_default_dtype(dtype)


@pytest.mark.parametrize("name", REPORTED)
def test_a_reported_bug_is_found_by_its_check(name):
    if REPORTED[name].check not in CHECKS:
        pytest.skip(f"there is no check {REPORTED[name].check}")
    assert is_found(name), f"{REPORTED[name].check} does not find {name}"


@pytest.mark.parametrize("name", REPORTED)
def test_a_reported_bug_says_where_it_was_reported(name):
    assert REPORTED[name].citation in getattr(family(name), name).__doc__
