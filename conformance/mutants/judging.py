"""What does a run say of one mutant or control?  Asked in one process, without pytest and without minimising."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.checks import CHECKS
from conformance.corpus import Corpus
from conformance.items import items
from conformance.options import DTYPES, REDUCTIONS, Selected, Selection
from conformance.row import Row


def selection(loss: str, source: str, checks: tuple[str, ...], budget: str, seed: int) -> Selection:
    """What the command line would select: every dtype and reduction, on the CPU."""
    return Selection((Selected(loss, source),), checks, DTYPES, REDUCTIONS, ("cpu",), ("eager",), budget, seed)


def rows(chosen: Selection) -> Iterator[Row]:
    """Every row of a selection, fed with its cases until the first that fails."""
    for check in chosen.checks:
        for item in items(chosen, check):
            row = Row(item, Corpus())  # what is drawn finds it, not what is remembered
            for case in row.cases():
                row.feed(case)
                if faults(row):
                    break
            yield row


def faults(row: Row) -> list[str]:
    """What is wrong, in words: failures, and notes where a check has nothing worse to say."""
    found = []
    for quantity, tally in row.tallies.items():
        found += [f"{quantity} is {f.actual[f.index]:.9g}" for f in tally.failures] + list(map(str, tally.problems))
        found += list(tally.notes) if row.item.asked.noted else []
    return found


def alarms(loss: str, source: str, budget: str, seed: int, checks: tuple[str, ...] = tuple(CHECKS)) -> list[str]:
    """What a run finds wrong with a correct loss, one line each; conventions differ, and are no fault."""
    return [
        f"{row.item.check} {row.item.dtype} {row.item.reduction} {row.item.question or ''}: {fault}"
        for row in rows(selection(loss, source, checks, budget, seed))
        for fault in ([] if row.item.asked.noted else faults(row))
    ]
