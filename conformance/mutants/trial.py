"""What becomes of the mutants and controls of one loss in the gate: the first row that fails each, if any does.

Subjects share the expected values of each case.  Mutants are first put to the smoke cases: a planted one to those of
the check that it is planted for, a mechanical one to all, and what is left of either to all.  Who survives is put to
the whole budget, as controls are.  A row that fails a mutant counts only if the correct loss that it is made of passes.
"""

from __future__ import annotations

import signal
import warnings
from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from conformance.checks import CHECKS
from conformance.child import Crashed, in_child
from conformance.items import items, subject_of
from conformance.mutants import plain as plain_losses
from conformance.mutants.judging import selection
from conformance.mutants.zoo import ZOO, Wrong
from conformance.options import AT_NIGHT, Selected
from conformance.row import Item, Row
from conformance.subject import Subject, single_threaded

#: A mutant that takes longer than this over one case, in seconds of processor time, hangs.
PATIENCE = 5
#: A mutant in a process of its own has so many seconds by the clock: enough on the busiest machine, since it is the
#: time limit above, within that process, that finds what hangs.
PATIENCE_ALONE = 3600.0
#: The checks and dtypes that find most, first.
FIRST_CHECKS = ("gradient", "value", "reduction")
FIRST_DTYPES = ("float32", "float64")
#: What a plain loss must pass; it takes no care to refuse invalid calls, or to be differentiated forward.
CORE = ("gradient", "value", "reduction", "result_type")


class Hang(BaseException):
    """A subject takes too long; no Exception, which would count as a refusal."""


@dataclass(frozen=True)
class Task:
    """Mutants and controls of one loss, by name, and what they are put to."""

    loss: str
    mutants: tuple[str, ...]
    controls: tuple[str, ...]
    checks: tuple[str, ...]
    budget: str = "gate"
    seed: int = 0


@dataclass(frozen=True)
class Finding:
    """The first row that fails a mutant, a control, or the loss that mutants are made of; no check if none does."""

    name: str
    loss: str
    kind: str
    check: str | None = None
    question: str | None = None
    dtype: str | None = None
    reduction: str | None = None
    quantity: str | None = None
    message: str | None = None

    @property
    def caught(self) -> bool:
        return self.check is not None

    def by(self, item: Item, quantity: str | None, message: str) -> Finding:
        found = {"check": item.check, "question": item.question, "dtype": item.dtype, "reduction": item.reduction}
        return replace(self, **found, quantity=quantity, message=message)


@dataclass
class Outcome:
    """What became of a task.

    ``alarms``: rows that fail a control, or a correct loss where they must not.  ``left_out``: rows that the plain
    loss fails, which prove nothing of its mutants.
    """

    loss: str
    mutants: list[Finding]
    alarms: list[Finding] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    seconds: float = 0.0


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


class Trial:
    """The mutants and controls of a task, row by row."""

    def __init__(self, task: Task):
        self.task = task
        self.alive = {name: ZOO[name] for name in task.mutants}
        self.found: dict[str, Finding] = {}
        self.alarms: dict[tuple, Finding] = {}
        self.left_out: dict[str, None] = {}

    def run(self) -> Outcome:
        """Everything that the task is about."""
        for wrong in [w for w in self.alive.values() if w.alone]:
            self.caught(alone(wrong, self.task))
            self.alive.pop(wrong.name, None)
        self.smoke()
        if self.task.budget != "smoke" or self.task.controls:
            for item in rows(self.task):
                self.put(item, list(self.alive.values()), self.task.controls)
        return self.outcome()

    def outcome(self) -> Outcome:
        every = [self.found.get(n) or Finding(n, self.task.loss, ZOO[n].kind) for n in self.task.mutants]
        return Outcome(self.task.loss, every, list(self.alarms.values()), list(self.left_out))

    def smoke(self) -> None:
        """The smoke cases, which find most."""
        every = rows(replace(self.task, budget="smoke"))
        for item in every:
            self.put(item, [w for w in self.alive.values() if w.planted_for in (None, item.check)])
        late = {n for n, w in self.alive.items() if w.planted_for is not None}
        for item in every if late else ():
            self.put(item, [w for n, w in self.alive.items() if n in late and w.planted_for != item.check])

    def put(self, item: Item, mutants: Iterable[Wrong], controls: Iterable[str] = ()) -> None:
        """One row of mutants, which end with it if it fails them, and of controls."""
        right: dict[str, Finding | None] = {}
        for wrong in mutants:
            if right.get(wrong.base) is not None:
                continue
            caught = judged(item, wrong)
            if caught is None:
                continue
            if wrong.base not in right:
                right[wrong.base] = self.of_base(item, wrong)
            if right[wrong.base] is None:
                self.caught(caught)
        for name in controls:
            flagged = failure(asked_of(item, name), Finding(name, item.contract.loss, "control"))
            if flagged is not None:
                self.alarms[(name, *item.key.values())] = flagged

    def of_base(self, item: Item, wrong: Wrong) -> Finding | None:
        """What a row has against the loss that a mutant is made of; an alarm if it should have nothing."""
        flagged = failure(asked_of(item, wrong.base), Finding(wrong.base, wrong.loss, "base"))
        if flagged is not None:
            self.left_out[" ".join(str(v) for k, v in item.key.items() if v and k != "subject")] = None
            plain = wrong.base.startswith(plain_losses.__name__) and item.check in CORE
            if plain or wrong.base.startswith("torch.nn:"):
                self.alarms[(wrong.base, *item.key.values())] = flagged
        return flagged

    def caught(self, finding: Finding) -> None:
        if finding.caught:
            self.found[finding.name] = finding
            self.alive.pop(finding.name, None)


def alone(wrong: Wrong, task: Task) -> Finding:
    """The finding of a mutant in a process of its own, which may die of it."""
    own = replace(task, mutants=(wrong.name,), controls=())
    tried = Trial(own)
    tried.alive = {wrong.name: replace(wrong, alone=False)}

    def told() -> Finding:
        single_threaded()
        return tried.run().mutants[0]

    try:
        return in_child(told, PATIENCE_ALONE)
    except Crashed as crash:
        return Finding(wrong.name, wrong.loss, wrong.kind, wrong.planted_for, message=str(crash))


def rows(task: Task) -> list[Item]:
    """The rows of a task, asked of torch.nn: the most telling first."""
    chosen = selection(task.loss, None, task.checks, task.budget, task.seed)
    return sorted((item for check in task.checks for item in items(chosen, check)), key=yields)


def yields(item: Item) -> tuple:
    """How early a row is asked."""
    ranks = (
        (order.index(value) if value in order else len(order), value)
        for order, value in ((FIRST_DTYPES, item.dtype), (FIRST_CHECKS, item.check), (("none",), item.reduction))
    )
    return (*ranks, item.contract_name, item.question or "")


def asked_of(item: Item, source: str, stands_in: bool = False) -> Item:
    """The row, asked of another subject: MODULE:ATTR.  Raises ImportError: one that is not there is no mutant."""
    subject: Subject = subject_of(Selected(item.contract.loss, source), item.contract, item.check)
    if subject.problem:
        raise ImportError(f"{source}: {subject.problem}")
    if stands_in:
        subject = replace(subject, name=f"torch.nn.{item.contract.loss}")
    return replace(item, subject=subject)


def judged(item: Item, wrong: Wrong) -> Finding | None:
    """What a row has against a mutant."""
    return failure(asked_of(item, wrong.source, wrong.stands_in), Finding(wrong.name, wrong.loss, wrong.kind))


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


def begin_worker() -> None:
    """What a worker process does first: one thread, and no warnings of infinities that formulas mask."""
    single_threaded()
    warnings.filterwarnings("ignore", category=RuntimeWarning)


def known_checks(names: Iterable[str]) -> tuple[str, ...]:
    """The checks of the gate, in the order in which they are defined."""
    return tuple(c for c in names if c in CHECKS and c not in AT_NIGHT)
