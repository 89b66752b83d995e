"""What becomes of the mutants of one loss in the gate: the first row that fails each, if any does."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import groupby

from conformance.checks import CHECKS
from conformance.items import items
from conformance.mutants.mechanical import find
from conformance.options import DTYPES, REDUCTIONS, Selected, Selection
from conformance.row import Item, Row

#: A mutant that takes longer than this over one case, in seconds of processor time, hangs.
PATIENCE = 5
#: The checks and dtypes that find most, first.
FIRST_CHECKS = ("gradient", "value", "reduction")
FIRST_DTYPES = ("float32", "float64")
#: What a plain loss must pass; it takes no care to refuse invalid calls, or to be differentiated forward.
CORE = ("gradient", "value", "reduction", "result_type")


class Hang(BaseException):
    """A subject takes too long; no Exception, which would count as a refusal."""


@dataclass(frozen=True)
class Finding:
    """The first row that fails a mutant, or a plain loss, which has no operator; no check if none does.

    ``left_out``: the rows that the plain loss does not pass, which prove nothing of its mutants.
    """

    name: str
    loss: str
    operator: str | None
    change: str | None
    check: str | None = None
    question: str | None = None
    dtype: str | None = None
    reduction: str | None = None
    quantity: str | None = None
    message: str | None = None
    seconds: float = 0.0
    left_out: tuple[str, ...] = ()

    @property
    def caught(self) -> bool:
        return self.check is not None

    def by(self, item: Item, quantity: str | None, message: str) -> Finding:
        found = {"check": item.check, "question": item.question, "dtype": item.dtype, "reduction": item.reduction}
        return replace(self, **found, quantity=quantity, message=message)


@contextmanager
def time_limit():
    """Raises Hang in the main thread when PATIENCE is over: processor time, so that a busy machine is no reason."""

    def stop(*_):
        raise Hang

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def try_loss(task: tuple[str, tuple[str, ...], tuple[str, ...], str]) -> list[Finding]:
    """(loss, names of its mutants, checks, budget) -> the finding of the plain loss, then one for each mutant."""
    loss, names, checks, budget = task
    began = time.perf_counter()
    control = Finding(f"conformance.mutants.plain:{loss}", loss, None, None)
    mutants = [find(n) for n in names]
    alive = {f"conformance.mutants.mechanical:{m.name}": Finding(m.name, loss, m.operator, m.change) for m in mutants}
    found: list[Finding] = []
    left_out: dict[str, None] = {}
    for row_items in stages(loss, [control.name, *alive], checks, budget):
        if not alive:
            break
        by_name = {item.subject.name: item for item in row_items}
        flagged = failure(by_name[control.name], control)
        if flagged is not None:
            control = flagged if flagged.check in CORE and not control.caught else control
            left_out[" ".join(str(v) for k, v in row_items[0].key.items() if v and k != "subject")] = None
            continue
        for name in list(alive):
            caught = failure(by_name[name], alive[name])
            if caught is not None:
                found.append(caught)
                del alive[name]
    seconds = time.perf_counter() - began
    return [replace(control, seconds=seconds, left_out=tuple(left_out)), *found, *alive.values()]


def stages(loss: str, sources: list[str], checks: tuple[str, ...], budget: str) -> Iterator[list[Item]]:
    """The items of a smoke run, which find most, then those of the budget, which repeats it."""
    for stage in dict.fromkeys(("smoke", budget)):
        yield from streams_of(loss, sources, checks, stage)


def streams_of(loss: str, sources: list[str], checks: tuple[str, ...], budget: str) -> list[list[Item]]:
    """The items of every subject, those about the same cases together, the most telling first."""
    subjects = tuple(Selected(loss, source) for source in sources)
    selection = Selection(subjects, checks, DTYPES, REDUCTIONS, ("cpu",), ("eager",), budget, 0)
    every = [item for check in checks if not CHECKS[check].noted for item in items(selection, check)]
    every.sort(key=yields)
    return [list(group) for _, group in groupby(every, key=lambda i: (yields(i), i.contract_name, i.question))]


def yields(item: Item) -> tuple:
    """How early an item is asked."""
    ranks = (
        (order.index(value) if value in order else len(order), value)
        for order, value in ((FIRST_DTYPES, item.dtype), (FIRST_CHECKS, item.check), (("none",), item.reduction))
    )
    return (*ranks, item.contract_name, item.question or "")


def failure(item: Item, finding: Finding) -> Finding | None:
    """The finding as this row makes it; None where the row does not fail the subject."""
    row = Row(item)
    try:
        for case in row.cases():
            with time_limit():
                row.feed(case)
            failed = next((t for t in row.tallies.values() if t.failures or t.problems), None)
            if failed is not None:
                message = str(failed.problems[0]) if failed.problems else "wrong number"
                return finding.by(item, failed.quantity, message)
    except Hang:
        return finding.by(item, None, f"hangs: over {PATIENCE} s")
    except Exception as error:  # an answer that the check itself cannot take, which fails its test
        return finding.by(item, None, f"breaks the check: {error!r}")
    failed = next((t for t in row.tallies.values() if t.verdict() == "fail"), None)
    return None if failed is None else finding.by(item, failed.quantity, "fails")
