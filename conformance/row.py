"""One row of the conformance run: a subject, a loss, a check, a dtype, a reduction, over a stream of cases."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from conformance import streams
from conformance.case import Case
from conformance.deviations import DEVIATIONS, Deviation
from conformance.reduction import given_terms, unreduced
from conformance.sharpness import sharpness
from conformance.subject import Gradient, Malformed, Refused, Session, Subject, torch_subject
from conformance.tally import Failure, Tally
from conformance.verdict import GRADES, Comparison, compare, within
from reference import CONTRACTS, Contract

#: Work per row: at least so many blocks of cases, then on until so many results, at most so many blocks.
BUDGETS = {"smoke": (1, 0, 1), "gate": (3, 600, 16), "nightly": (40, 10_000, 160)}
#: Checks of which one block says it all, except at night.
LIGHT_CHECKS = ("reduction", "result_type", "legacy")

#: In place of a deviation's id, for other subjects: eager torch is as far off on the same numbers.
NO_WORSE = "no-worse-than-eager-torch"

#: Rows that a case needs for its bound to be compared with the condition-number bound.
SEVERAL = 16

#: A row stops after so many failing cases: more would say the same again.
ENOUGH_FAILURES = 4


@dataclass(frozen=True)
class Item:
    """Which row: everything that selects it.  ``mode`` is how the subject is executed."""

    subject: Subject
    contract_name: str
    check: str
    dtype: str
    reduction: str
    device: str
    mode: str
    seed: int
    budget: str

    @property
    def contract(self) -> Contract:
        return CONTRACTS[self.contract_name]

    @property
    def key(self) -> dict[str, str]:
        return {
            "subject": self.subject.name, "loss": self.contract.loss, "check": self.check, "dtype": self.dtype,
            "reduction": self.reduction, "device": self.device, "mode": self.mode,
        }  # fmt: skip


class Row:
    """Feeds a subject the cases of an item, and tallies what it answers, per quantity."""

    def __init__(self, item: Item):
        self.item = item
        self.tallies: dict[str | None, Tally] = {}
        self.began = time.perf_counter()

    def tally(self, quantity: str | None) -> Tally:
        return self.tallies.setdefault(quantity, Tally(quantity))

    def cases(self) -> Iterator[Case]:
        """The item's cases, until the budget is spent or the row has failed often enough."""
        item, results = self.item, 0
        light = item.check in LIGHT_CHECKS and item.budget != "nightly"
        least, wanted, most = BUDGETS["smoke" if light else item.budget]

        def enough(blocks: int) -> bool:
            return blocks >= most or (blocks >= least and results >= wanted)

        if item.subject.problem:
            tally = self.tally(None)
            if item.subject.is_torch:
                tally.refusals[item.subject.problem] += 1
            else:
                tally.problems.append(item.subject.problem)
            return
        drawn = streams.cases(item.seed, item.contract_name, item.check, item.dtype, item.reduction, enough)
        for case in drawn:
            results += case.rows if item.reduction == "none" or item.check == "gradient" else case.calls
            yield case
            if sum(len(t.failures) + len(t.problems) for t in self.tallies.values()) >= ENOUGH_FAILURES:
                return

    def feed(self, case: Case) -> None:
        """Put the item's check to one case."""
        CHECKS[self.item.check](self, case)

    def compare_values(self, case: Case) -> None:
        """Value: every field of the result, elementwise."""
        answer = self.answer(case, lambda session: session.values(), tuple(case.contract.fields))
        for quantity, actual in (answer or {}).items():
            self.judge(case, quantity, actual)
            if self.tally(quantity).sharpness is None and case.rows >= SEVERAL:
                self.tally(quantity).sharpness = sharpness(case)

    def compare_gradients(self, case: Case) -> None:
        """Gradient: of every differentiable argument, for a random upstream gradient."""
        names = case.differentiable
        try:
            answer = self.session(case).gradients(names)
        except (Refused, Malformed):
            answer = {}
            for name in names:
                found = self.answer(case, lambda s, n=name: s.gradients((n,)), (f"grad_{name}",))
                answer |= found or {}
        for quantity, gradient in answer.items():
            self.judge_gradient(case, quantity, gradient)

    def compare_reduction(self, case: Case) -> None:
        """Reduction algebra: the reduced value against the exact reduction of the subject's own terms."""
        field = next(iter(case.contract.fields))
        answer = self.answer(case, lambda session: session.values(), (field,))
        terms = self.answer(unreduced(case), lambda session: session.values(), (field,))
        if answer is not None and terms is not None:
            question, chosen = given_terms(case, terms[field])
            if len(chosen):
                self.judge(question, field, answer[field][chosen])

    def compare_form(self, case: Case) -> None:
        """Result type: dtype, device and shape of every field; the numbers are not looked at."""
        answer = self.answer(case, lambda session: session.forms(), tuple(case.contract.fields))
        for quantity in answer or ():
            self.tally(quantity).seen(case)

    def judge_gradient(self, case: Case, quantity: str, gradient: Gradient) -> None:
        """Judge a gradient; one that does not arrive is right only where it is zero."""
        expected = case.expected(quantity).value
        if np.any(expected[gradient.missing] != 0):
            self.tally(quantity).problems.append(f"{quantity}: no gradient reaches it")
        elif gradient.array is not None:
            self.judge(case, quantity, case.through(quantity, gradient.array))

    def session(self, case: Case, subject: Subject | None = None) -> Session:
        """The subject, or another one, about to be asked about a case."""
        return Session(subject or self.item.subject, case, self.item.device)

    def answer(self, case: Case, ask, quantities) -> dict | None:
        """What the subject answers; None, and a record of it, where it refuses or answers something else."""
        try:
            return ask(self.session(case))
        except Malformed as wrong:
            self.tally(quantities[0]).problems.append(str(wrong))
        except Refused as refused:
            for quantity in quantities:
                tally = self.tally(quantity)
                if self.may_refuse(case, refused, ask):
                    tally.refusals[str(refused)] += 1
                else:
                    tally.problems.append(f"raises {refused}")
        return None

    def may_refuse(self, case: Case, refused: Refused, ask) -> bool:
        """Torch may say that it lacks something; others may refuse what eager torch refuses too, and the
        deprecated arguments."""
        if self.item.check == "legacy" and "unexpected keyword argument" in str(refused):
            return True
        if self.item.subject.is_torch:
            return refused.unsupported
        try:
            ask(self.session(case, torch_subject(case.contract)))
        except Refused:
            return True
        return False

    def judge(self, case: Case, quantity: str, actual: np.ndarray) -> None:
        """Compare one quantity, grade it, and excuse what a known deviation explains."""
        expected = case.expected(quantity)
        tally = self.tally(quantity)
        if actual.shape != expected.shape:
            tally.problems.append(f"{quantity} has shape {actual.shape[1:]}, the contract says {expected.shape[1:]}")
            return
        comparison = compare(case, quantity, actual)
        failing, coarse = shortfall(case, quantity, comparison, actual)
        tally.first_observed = tally.first_observed or f"{actual.flat[0]:.9g}" if actual.size else None
        tally.count(case, comparison)
        tally.measure(comparison, coarse)
        if failing.any():
            failing = self.excuse(case, quantity, actual, failing, comparison)
        if failing.any():
            tally.failures.append(first_failure(case, quantity, actual, comparison, failing))

    def excuse(self, case, quantity, actual, failing, comparison) -> np.ndarray:
        """What still fails once known deviations of torch.nn are taken off, and, for other subjects, what is
        no worse than eager torch: an error within the bound of torch's own on the same numbers."""
        tally = self.tally(quantity)
        failing = excuse_by_deviation(tally, case, quantity, actual, failing)
        if self.item.subject.is_torch or not failing.any():
            return failing
        eager = self.eager(case, quantity)
        if eager is None:
            return failing
        no_worse = comparison.error <= compare(case, quantity, eager).error + case.expected(quantity).error
        if (failing & no_worse).any():
            tally.excused[NO_WORSE] += int((failing & no_worse).sum())
        return failing & ~no_worse

    def eager(self, case: Case, quantity: str) -> np.ndarray | None:
        """Eager torch's answer to the same question; None where it has none."""
        try:
            return ask_quantity(self.session(case, torch_subject(case.contract)), quantity)
        except (Refused, Malformed):
            return None


def witness_item(deviation: Deviation, case: Case) -> Item:
    """The item that replays the witness of a deviation."""
    subject = torch_subject(case.contract)
    device = deviation.confirmed.device
    return Item(subject, case.contract_name, deviation.check, case.dtype, case.reduction, device, "eager", 0, "gate")


CHECKS = {
    "value": Row.compare_values,
    "gradient": Row.compare_gradients,
    "reduction": Row.compare_reduction,
    "result_type": Row.compare_form,
    "legacy": Row.compare_values,
}


def ask_quantity(session: Session, quantity: str) -> np.ndarray | None:
    """One quantity of a session's answer."""
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
    grade, _ = case.contract.promise(quantity, case.dtype)
    return (beyond & ~coarse if GRADES.index(grade) >= GRADES.index("C") else beyond), coarse


def excuse_by_deviation(tally: Tally, case: Case, quantity: str, actual, failing) -> np.ndarray:
    """Take off what recorded deviations of torch.nn explain, and count it."""
    for deviation in DEVIATIONS.values():
        if failing.any() and deviation.concerns(case.contract.loss, quantity, case.dtype, case.reduction):
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
