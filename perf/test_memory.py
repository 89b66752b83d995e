"""How much memory does training with a loss take?  Forward and backward, by every implementation."""

import pytest

from perf import machine
from perf.measure import faults_per_call
from perf.test_speed import prepared, took

#: Runs whose memory is measured; the largest counts.
ROUNDS = 3


def resident(call) -> int | None:
    """What a call adds to the most memory that the process holds; None where the system does not tell."""
    try:
        machine.forget_peak()
    except OSError:
        return None
    before = machine.resident_peak()
    call.run()
    after = machine.resident_peak()
    return None if before is None or after is None else after - before


def test_memory(benchmark, memory_cell, not_measured, pytestconfig):
    ready = prepared(memory_cell, not_measured, pytestconfig.option.budget)
    if memory_cell.device != "cpu":
        pytest.skip("the peak of the device stands beside its speed")
    benchmark.group = f"{memory_cell.loss}, memory"
    largest = max((resident(ready.call) or 0 for _ in range(ROUNDS)), default=0)
    benchmark.pedantic(ready.call.run, rounds=ROUNDS)
    facts = ready.facts
    peak = facts["peak_bytes"]
    benchmark.extra_info.update(
        facts
        | {"minor_faults": faults_per_call(ready.call.run, took(benchmark)), "resident_bytes": largest}
        | {"peak_over_input": None if peak is None else peak / facts["input_bytes"]}
    )
