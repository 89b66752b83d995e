"""How much slower is head than base in one process, by the processor time of its thread?"""

from __future__ import annotations

import gc
import random
from collections.abc import Callable
from math import log
from statistics import median
from time import thread_time_ns

from perf.gate.apart import Apart
from perf.gate.calls import Task, call_of
from perf.gate.side import Side

#: A block of calls takes at least this long, in ns: a thousand times what reading the clock does.
BLOCK = 300_000
#: How long both run before anything counts, in ns.
WARM_UP = 30_000_000


def one_fork(task: Task, head: Side, base: Side, seconds: float, seed: int) -> dict:
    """The median log ratio of head over base in this process, and the median microseconds of a call of each.

    They are loaded in random order, see the same tensors, and take turns.  To be called in a process of its own.
    """
    from perf.machine import single_threaded

    single_threaded()
    rng = random.Random(seed)
    sides, shared, calls = [("head", head), ("base", base)], {}, {}
    rng.shuffle(sides)
    for name, side in sides:
        calls[name] = Apart(side, task) if side.apart else call_of(side, task, shared).run
    gc.collect()
    gc.freeze()
    gc.disable()
    return paired(calls["head"], calls["base"], seconds, rng)


def paired(head: Callable, base: Callable, seconds: float, rng: random.Random) -> dict:
    """ABBA and BAAB, blocks of calls, until they have taken ``seconds``."""
    times = max(warmed(head), warmed(base))
    ratios, heads, bases, spent = [], [], [], 0
    while not ratios or spent < seconds * 1e9:
        if rng.random() < 0.5:
            h, b, c, i = block(head, times), block(base, times), block(base, times), block(head, times)
        else:
            b, h, i, c = block(base, times), block(head, times), block(head, times), block(base, times)
        ratios.append(log((h + i) / (b + c)))
        heads.append(h + i)
        bases.append(b + c)
        spent += h + i + b + c
    per = 2000 * times
    return {"log_ratio": median(ratios), "head": median(heads) / per, "base": median(bases) / per, "turns": len(ratios)}


def warmed(run: Callable) -> int:
    """Run it until it is warm; how many calls a block takes."""
    spent, times = 0, 1
    while True:
        took = block(run, times)
        spent += took
        if took < BLOCK:
            times *= 2
        elif spent >= WARM_UP:
            return times


def block(run: Callable, times: int) -> int:
    """Nanoseconds of processor time that some calls take: of this thread's, or of what runs apart."""
    if isinstance(run, Apart):
        return run.nanoseconds(times)
    began = thread_time_ns()
    for _ in range(times):
        run()
    return thread_time_ns() - began
