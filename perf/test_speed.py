"""How long does a call take?  Every loss, by every implementation, forward and backward, at several sizes."""

from math import inf

import pytest

from perf import machine
from perf.measure import LONGEST, NotMeasured, Prepared, against_triad, faults_per_call, plan, prepare
from perf.on_cuda import timed_on_cuda


def prepared(cell, record, budget: str) -> Prepared:
    """The cell with its right answer; one that cannot be measured is a skip, and recorded with its reason."""
    try:
        return prepare(cell, inf if budget == "nightly" else LONGEST)
    except NotMeasured as lack:
        record(cell, str(lack))
        pytest.skip(str(lack))


def took(benchmark) -> float:
    """The median time of a call, in seconds; where times are not measured, as with --benchmark-disable, none."""
    return benchmark.stats.stats.median if benchmark.stats else inf


def test_speed(benchmark, cell, not_measured, pytestconfig):
    ready = prepared(cell, not_measured, pytestconfig.option.budget)
    benchmark.group = cell.loss
    triad = machine.triad()
    if cell.device == "cuda":
        facts = timed_on_cuda(benchmark, ready.call)
    else:
        how = plan(ready.call.run)
        benchmark.pedantic(ready.call.run, rounds=how.rounds, iterations=how.iterations, warmup_rounds=how.warmup)
        facts = {"minor_faults": faults_per_call(ready.call.run, took(benchmark))}
    benchmark.extra_info.update(ready.facts | facts | against_triad(ready, took(benchmark), triad))
