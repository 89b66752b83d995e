"""One row of the conformance run: a subject, a loss, a check, a dtype, a reduction, over a stream of cases."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from conformance import streams
from conformance.case import Case, Contradiction
from conformance.checks import CHECKS, Check
from conformance.corpus import KNOWN, Corpus
from conformance.cuda import settle
from conformance.declared import differing, showing, without
from conformance.derivatives import Forward
from conformance.deviations import DEVIATIONS, Deviation
from conformance.differentiation import derivative, is_missing
from conformance.modes import MODES
from conformance.refusal import Malformed, Refused, Unpromised, Unsupported
from conformance.session import Session
from conformance.subject import Subject, torch_subject
from conformance.tally import Failure, Problem, Tally
from conformance.verdict import GRADES, Comparison, compare, within
from reference import CONTRACTS, Contract
from reference.arithmetic.rounded import Rounded

#: In place of a deviation's id, for other subjects: eager torch is as far off on the same numbers.
NO_WORSE = "no-worse-than-eager-torch"

#: The checks whose answers on a GPU are compared with those of the CPU.
COMPARED_ACROSS = ("value", "gradient")

#: So many blocks in place of one may hold nothing that a subject supports.
IDLE = 8
#: A row stops after so many failing cases: more would say the same again.
ENOUGH_FAILURES = 4


@dataclass(frozen=True)
class Item:
    """Which row: everything that selects it.

    ``mode`` is how the subject is executed; ``question`` which of several things the check asks, if so.
    """

    subject: Subject
    contract_name: str
    check: str
    dtype: str
    reduction: str
    device: str
    mode: str
    seed: int
    budget: str
    question: str | None = None

    @property
    def contract(self) -> Contract:
        return CONTRACTS[self.contract_name]

    @property
    def key(self) -> dict[str, str]:
        return {
            "subject": self.subject.name, "loss": self.contract.loss, "check": self.check, "question": self.question,
            "dtype": self.dtype, "reduction": self.reduction, "device": self.device, "mode": self.mode,
        }  # fmt: skip

    @property
    def asked(self) -> Check:
        return CHECKS[self.check]


@dataclass
class Work:
    """What of a budget is done: blocks at least, results wanted, blocks at most; and the results so far.

    Blocks of which nothing was asked do not count, up to ``spare`` of them.
    """

    least: int
    wanted: int
    most: int
    spare: int = 0
    results: int = 0
    idle: int = 0
    before: int = -1

    def enough(self, blocks: int) -> bool:
        if blocks and self.results == self.before and self.idle < self.spare:
            self.idle += 1
        self.before = self.results
        done = blocks - self.idle
        return done >= self.most or (done >= self.least and self.results >= self.wanted)


class Row:
    """Feeds a subject the cases of an item, and tallies what it answers, per quantity."""

    def __init__(self, item: Item, known: Corpus = KNOWN):
        self.item, self.known = item, known
        self.tallies: dict[str | None, Tally] = {}
        self.asked_alone: set[str] = set()  # perilous calls, by name
        self.began = time.perf_counter()

    def tally(self, quantity: str | None) -> Tally:
        return self.tallies.setdefault(quantity, Tally(quantity))

    def cases(self) -> Iterator[Case]:
        """The item's cases, those that have found a bug before all others, until the budget is spent or the row
        has failed often enough."""
        item = self.item
        least, wanted, most = item.asked.work(item.budget)
        most = min(most, MODES[item.mode].blocks or most)
        work = Work(least, wanted, most, IDLE * most if item.subject.supports else 0)
        if item.subject.problem:
            tally = self.tally(None)
            if item.subject.is_torch:
                tally.refusals[item.subject.problem] += 1
            else:
                tally.problems.append(item.subject.problem)
            return
        supports = item.subject.supports
        if supports and (outside := supports.row_outside(item.check, item.dtype, item.reduction)):
            self.tally(None).refusals[outside] += 1
            return
        yield from self.supported(self.taken(self.known.cases(item)))
        stream = (item.seed, item.contract_name, item.check, item.dtype, item.reduction, work.enough, item.question)
        for case in self.supported(self.taken(streams.cases(*stream))):
            work.results += case.rows if item.reduction == "none" or item.check == "gradient" else case.calls
            yield case
            if sum(len(t.failures) + len(t.problems) for t in self.tallies.values()) >= ENOUGH_FAILURES:
                return

    def taken(self, cases: Iterable[Case]) -> Iterable[Case]:
        """The cases that the item's mode takes, as it alters them."""
        mode = MODES[self.item.mode]
        altered = (mode.alter(self.item, case) for case in cases)
        return mode.choose(self.item, (case for case in altered if case is not None))

    def supported(self, cases: Iterable[Case]) -> Iterator[Case]:
        """The cases that the subject supports; the others are counted, with the reason."""
        supports = self.item.subject.supports
        for case in cases:
            outside = supports and supports.outside(case)
            if outside:
                self.tally(None).refusals[outside] += 1
            else:
                yield case

    def feed(self, case: Case) -> None:
        """Put the item's check to one case; what is expected is moved by the deviations that the subject declares."""
        declared = self.item.subject.deviations
        try:
            self.item.asked.ask(self, replace(case, declared=declared) if declared else case)
        except Contradiction as wrong:  # no fault of the subject, but nothing is verified
            self.tally(None).problems.append(str(wrong))
        finally:  # a failure of the device may come late, and stands above what it made of the answer
            settle(self.item.device)

    def problem(self, case: Case, quantity: str | None, message: str) -> None:
        """Record what is wrong where it is no number; a known one is excused by its deviation."""
        for deviation in DEVIATIONS.values():
            if deviation.explains(self.item, quantity, message) and deviation.applies(case):
                self.tally(quantity).excused[deviation.id] += 1
                return
        self.tally(quantity).problems.append(Problem(message, case))

    def session(
        self, case: Case, subject: Subject | None = None, mode: str | None = None, device: str | None = None
    ) -> Session:
        """The subject in the item's mode, or another one, eager unless ``mode`` says otherwise, about to be asked."""
        arrange = self.item.asked.arrange
        arranged = arrange(case, self.item.question) if arrange else None
        mode = mode or ("eager" if subject else self.item.mode)
        return Session(subject or self.item.subject, case, device or self.item.device, arranged, mode)

    def answer(self, case: Case, ask, quantities) -> dict | None:
        """What the subject answers; None, and a record of it, where it refuses or answers something else."""
        try:
            return ask(self.session(case))
        except Unpromised as other:
            tally = self.tally(quantities[0])
            (tally.refusals if self.item.subject.is_torch else tally.notes)[str(other)] += 1
        except Malformed as wrong:
            self.problem(case, quantities[0], str(wrong))
        except Refused as refused:
            for quantity in quantities:
                if self.may_refuse(case, refused, ask):
                    self.tally(quantity).refusals[str(refused)] += 1
                else:
                    self.problem(case, quantity, f"raises {refused}")
        return None

    def may_refuse(self, case: Case, refused: Refused, ask) -> bool:
        """Torch may say that it lacks something, as whole modes do; others may refuse what torch refuses too in
        the same mode, and the deprecated arguments."""
        mode = MODES[self.item.mode]
        if mode.lacks(refused.error):
            return True
        if mode.strict and self.item.subject.is_torch:
            return self.refuses(case, ask, "eager")
        if self.item.check == "legacy" and "unexpected keyword argument" in str(refused):
            return True
        if isinstance(case, Forward) and is_missing(refused):
            return True
        if self.item.subject.is_torch:
            return refused.unsupported
        if isinstance(refused, Unsupported) or case.contract.torch is None:
            return refused.unsupported
        return self.refuses(case, ask, self.item.mode)

    def refuses(self, case: Case, ask, mode: str) -> bool:
        """Whether torch.nn's own class refuses to answer in a mode too."""
        try:
            ask(self.session(case, torch_subject(case.contract), mode))
        except Refused:
            return True
        except Malformed:
            return False
        return False

    def judge(self, case: Case, quantity: str, actual: np.ndarray) -> None:
        """Compare one quantity, grade it, and excuse what a known deviation explains."""
        expected = case.expected(quantity)
        tally = self.tally(quantity)
        if actual.shape != expected.shape:
            got, wanted = actual.shape[1:], expected.shape[1:]
            self.problem(case, quantity, f"{quantity} has shape {got}, the contract says {wanted}")
            return
        comparison = compare(case, quantity, actual)
        failing, coarse = shortfall(case, quantity, comparison, actual)
        tally.first_observed = tally.first_observed or f"{actual.flat[0]:.9g}" if actual.size else None
        tally.origin = tally.origin or case.origin(quantity)
        tally.count(case, comparison)
        tally.measure(comparison, coarse)
        if self.item.device != "cpu" and self.item.check in COMPARED_ACROSS:
            self.compare_with_cpu(case, quantity, actual)
        for declared in case.moving:
            if shown := int(np.count_nonzero(showing(case, quantity, declared))):
                tally.excused[declared.id] += shown
        if failing.any():
            failing = self.excuse(case, quantity, actual, failing, comparison)
        if self.item.asked.noted and not self.item.subject.is_torch:
            other = failing & np.isfinite(actual)  # what is no number is no subgradient
            if other.any():
                tally.notes[f"{quantity}: another subgradient than torch's at {int(other.sum())} ties"] += 1
            failing = failing & ~other
        if failing.any():
            tally.failures.append(first_failure(case, quantity, actual, comparison, failing))

    def compare_with_cpu(self, case: Case, quantity: str, actual: np.ndarray) -> None:
        """Record how far the answer is from that of the CPU, in bounds; each is held to its own bound besides."""
        try:
            there = ask_quantity(self.session(case, self.item.subject, self.item.mode, "cpu"), quantity)
        except (Refused, Malformed):
            return
        if there is not None and there.shape == actual.shape:
            tally = self.tally(quantity)
            tally.cpu_difference = max(tally.cpu_difference or 0.0, apart(case.expected(quantity), actual, there))

    def excuse(self, case, quantity, actual, failing, comparison) -> np.ndarray:
        """What still fails once known deviations of torch.nn are taken off, and, for other subjects, what is
        no worse than eager torch: an error within the bound of torch's own on the same numbers."""
        tally = self.tally(quantity)
        elsewhere = failing & self.otherwise(case, quantity)
        failing = elsewhere | excuse_by_deviation(tally, self.item, case, quantity, actual, failing & ~elsewhere)
        if self.item.subject.is_torch or not failing.any():
            return failing
        eager = self.eager(case, quantity)
        if eager is None:
            return failing
        no_worse = as_good(case, quantity, comparison, actual, eager)
        if (failing & no_worse).any():
            tally.excused[NO_WORSE] += int((failing & no_worse).sum())
        return failing & ~no_worse

    def otherwise(self, case: Case, quantity: str) -> np.ndarray:
        """Where the subject declares to compute something else, of which torch's own deviations say nothing."""
        if not any(d.replaces_formula for d in case.moving):
            return np.False_
        return differing(case, without(case), quantity)

    def beside(self, case: Case, quantity: str) -> np.ndarray | None:
        """What eager torch answers to the same question, to be shown next to another subject's answer."""
        return None if self.item.subject.is_torch or case.moving else self.eager(case, quantity)

    def eager(self, case: Case, quantity: str) -> np.ndarray | None:
        """Eager torch's answer to the same question; None where it has none."""
        try:
            return ask_quantity(self.session(case, torch_subject(case.contract)), quantity)
        except (Refused, Malformed):
            return None


def witness_item(deviation: Deviation, case: Case) -> Item:
    """The item that replays the witness of a deviation."""
    subject = torch_subject(case.contract)
    device, mode = deviation.confirmed.device, deviation.modes[0] if deviation.modes else "eager"
    return Item(
        subject, case.contract_name, deviation.check, case.dtype, case.reduction, device, mode, 0, "gate",
        deviation.question,
    )  # fmt: skip


def as_good(case: Case, quantity: str, comparison: Comparison, actual, eager: np.ndarray) -> np.ndarray:
    """Where an answer is no worse than eager torch's, by more than the bound; each is measured by what is expected
    of it, where the subject declares deviations."""
    if not case.moving:
        return comparison.error <= compare(case, quantity, eager).error + case.expected(quantity).error
    other = compare(without(case), quantity, eager).ratio
    return (comparison.ratio <= other + 1) & (np.isfinite(other) | ~np.isfinite(actual))


def apart(expected: Rounded, here: np.ndarray, there: np.ndarray) -> float:
    """The largest difference of two answers, in bounds that are finite; infinite where their class differs."""
    with np.errstate(all="ignore"):
        same = (here == there) | (np.isnan(here) & np.isnan(there))
        difference = np.where(np.isfinite(here - there), abs(here - there), np.inf)
        ratio = np.where(same, 0.0, difference / expected.error)
    return float(np.max(ratio[np.isfinite(expected.error)], initial=0.0))


def ask_quantity(session: Session, quantity: str) -> np.ndarray | None:
    """One quantity of a session's answer."""
    if isinstance(session.case, Forward):
        return derivative(session, quantity)
    if quantity.startswith("grad_"):
        found = session.gradients((quantity.removeprefix("grad_"),))[quantity].array
        return None if found is None else session.case.through(quantity, found)
    return session.values()[quantity]


def shortfall(case: Case, quantity: str, comparison: Comparison, actual: np.ndarray):
    """Where the answer is below the promise, and where it is of grade C."""
    beyond = comparison.beyond & ~comparison.vacuous
    if not beyond.any():
        return beyond, beyond
    coarse = beyond & within(case.coarse[quantity], actual)
    return (beyond & ~coarse if GRADES.index(case.promise(quantity)) >= GRADES.index("C") else beyond), coarse


def excuse_by_deviation(tally: Tally, item: Item, case: Case, quantity: str, actual, failing) -> np.ndarray:
    """Take off what recorded deviations of torch.nn explain, and count it."""
    for deviation in sorted(DEVIATIONS.values(), key=lambda d: d.only is None):  # those of one check say it best
        if failing.any() and deviation.concerns(item, quantity, case):
            excused = failing & deviation.excuses(case, quantity, actual)
            if excused.any():
                tally.excused[deviation.id] += int(excused.sum())
                failing = failing & ~excused
    return failing


def first_failure(case: Case, quantity: str, actual, comparison: Comparison, failing) -> Failure:
    """The worst failing element."""
    badness = np.where(failing, np.nan_to_num(comparison.ratio, nan=0.0, posinf=np.finfo(float).max), -1.0)
    index = tuple(int(i) for i in np.unravel_index(np.argmax(badness), badness.shape))
    return Failure(case, quantity, index, actual, comparison)
