"""Each bug that was reported in public is found by the check that is expected to find it."""

from dataclasses import replace

import pytest
import torch

from conformance.checks import CHECKS
from conformance.items import items
from conformance.mutants.reported import REPORTED, family
from conformance.options import DTYPES, REDUCTIONS, Selected, Selection
from conformance.row import Row


def selection(name: str) -> Selection:
    """What a run of the gate selects that is asked for one bug and the check that should find it."""
    bug = REPORTED[name]
    subject = Selected(bug.loss, f"{family(name).__name__}:{name}")
    return Selection((subject,), (bug.check,), DTYPES, REDUCTIONS, ("cpu",), ("eager",), "smoke", 0)


def fails(item) -> bool:
    """Whether a row fails; it stops at the first case that does."""
    row = Row(item)
    for case in row.cases():
        row.feed(case)
        if any(tally.failures or tally.problems for tally in row.tallies.values()):
            return True
    return False


def is_found(name: str) -> bool:
    """By a smoke run, or else by the gate."""
    chosen = selection(name)
    budgets = (chosen, replace(chosen, budget="gate"))
    return any(fails(item) for each in budgets for item in items(each, REPORTED[name].check))


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
