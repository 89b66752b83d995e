"""How is a call slowed by so many percent of its own time, whatever it does?"""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import replace
from statistics import median
from time import thread_time_ns

from perf.call import Call
from perf.gate import calls
from perf.gate.pairs import block, warmed
from perf.gate.side import Side

#: Rounds of the loop that are timed to know what one costs.
ROUNDS = 20_000


def of_subject(side: Side, task: calls.Task, shared: MutableMapping) -> Call:
    """The call of a loss, and then a loop that takes ``percent`` of the call's processor time."""
    plain = calls.of_subject(side, task, shared)
    rounds = rounds_of(dict(side.options)["percent"] / 100 * nanoseconds(plain.run))

    def run():
        result = plain.run()
        spin(rounds)
        return result

    return replace(plain, run=run)


def spin(rounds: int) -> None:
    for _ in range(rounds):
        pass


def nanoseconds(run) -> float:
    """What one call takes when many follow each other."""
    times = 2 * warmed(run)
    return median(block(run, times) for _ in range(30)) / times


def rounds_of(wanted: float) -> int:
    """How many rounds of the loop take so many nanoseconds, what starting it takes included."""
    empty = median(block(lambda: spin(0), 1000) for _ in range(9)) / 1000
    one = (median(timed() for _ in range(9)) - empty) / ROUNDS
    return max(0, round((wanted - empty) / one))


def timed() -> int:
    began = thread_time_ns()
    spin(ROUNDS)
    return thread_time_ns() - began
