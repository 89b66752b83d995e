"""One cell: its answer judged, its call counted, and everything that a result carries besides the time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from statistics import median

import torch

from conformance.modes.compiled import NotCompiled
from conformance.refusal import Refused
from perf import machine
from perf.call import Call, call_of
from perf.cell import BYTES, Cell, Workload, compulsory_bytes, workload
from perf.judged import judge

#: Seconds of measurement of one cell, seconds of one round at least, and rounds at least and at most.
TOTAL, ROUND, FEWEST, MOST = 0.2, 2e-4, 3, 400
#: Seconds that one call may take, but at night.
LONGEST = 3.0
#: Rounds until the allocator has large blocks to hand out again: measured, five or six.
WARMUP = 8


class NotMeasured(Exception):
    """A cell cannot be measured: the message says why."""


@dataclass(frozen=True)
class Prepared:
    """A cell that is ready to be timed: the call, whose answer was right, and what is known without timing it."""

    cell: Cell
    work: Workload
    call: Call
    facts: dict


@lru_cache(maxsize=2)
def shared_workload(contract: str, size: str, dtype: str) -> Workload:
    """The numbers of one size, kept for the implementations that are measured on it one after the other."""
    from reference import CONTRACTS

    return workload(CONTRACTS[contract], size, dtype)


def prepare(cell: Cell, longest: float = LONGEST) -> Prepared:
    """Raises NotMeasured where the implementation lacks the cell, or a call takes longer than ``longest`` seconds;
    WrongAnswer where its answer fails its verdict."""
    work = shared_workload(cell.contract, cell.size, cell.dtype)
    try:
        call = call_of(cell, work)
        began = time.perf_counter()
        answer, own = call.facts(call)
    except Refused as refused:
        lacks = refused.error if isinstance(refused.error, NotCompiled) else refused
        raise NotMeasured(str(lacks)) from None
    except NotCompiled as lack:
        raise NotMeasured(str(lack)) from None
    if time.perf_counter() - began > longest and (once := seconds(call.run)) > longest:
        raise NotMeasured(f"one call takes {once:.0f} s: measured at night only")
    verdict = judge(cell, work, call.numbers(answer))
    return Prepared(cell, work, call, described(cell, work) | own | {"verdict": verdict})


def described(cell: Cell, work: Workload) -> dict:
    """The cell by its parts, its sizes in bytes, and the surroundings."""
    first = next(iter(work.case.arguments.values()))
    parts = ("loss", "implementation", "direction", "size", "dtype", "device")
    return {
        "cell": cell.name,
        **{p: getattr(cell, p) for p in parts},
        "elements": int(first.size),
        "compulsory_bytes": compulsory_bytes(work.case, cell.direction),
        "input_bytes": sum(
            a.size * (BYTES[cell.dtype] if a.dtype == float else 8)
            for a in work.case.arguments.values() if a is not None
        ),
        "threads": torch.get_num_threads(),
        "allocator": machine.allocator(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "load": machine.load(),
    }  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """How often a call is timed: ``rounds`` of ``iterations`` each, after ``warmup`` rounds that are not."""

    rounds: int
    iterations: int
    warmup: int


def plan(call: Callable[[], object]) -> Plan:
    """Rounds that are long beside the clock, as many as fit into the time for one cell."""
    once = min(seconds(call) for _ in range(2))
    if once > TOTAL:
        return Plan(FEWEST if once < 4 * TOTAL else 1, 1, 0)
    once = min([once, *(seconds(call) for _ in range(5))])
    iterations = max(1, round(ROUND / once))
    return Plan(min(MOST, max(FEWEST, round(TOTAL / (once * iterations)))), iterations, WARMUP)


def seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def against_triad(prepared: Prepared, seconds: float, triad: float) -> dict:
    """The bandwidth that a time amounts to, if no more is moved than must be, next to that of a triad, in GB/s."""
    achieved = prepared.facts["compulsory_bytes"] / seconds / 1e9
    return {"bandwidth": achieved, "triad": triad, "percent_of_triad": 100 * achieved / triad}


def faults_per_call(call: Callable[[], object], seconds: float) -> float:
    """Pages that one call, which takes about so many seconds, is given: the median of a few."""
    found = []
    for _ in range(3 if seconds < TOTAL else 1):
        before = machine.faults()
        call()
        found.append(machine.faults() - before)
    return median(found)
