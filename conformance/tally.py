"""What one row of results has seen so far of one quantity: counts, worst ratio and ULP, grade, failure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from conformance.case import Case
from conformance.verdict import GRADES, Comparison

SEVERITY = ("skip", "pass", "note", "known", "fail")


@dataclass
class Failure:
    """One call that fails, the worst element of the quantity, and what was answered."""

    case: Case
    quantity: str
    index: tuple[int, ...]
    actual: np.ndarray
    comparison: Comparison


class Problem(str):
    """What is wrong where it is no number, in words; ``case`` shows it."""

    __slots__ = ("case",)

    def __new__(cls, message: str, case: Case) -> Problem:
        problem = super().__new__(cls, message)
        problem.case = case
        return problem


@dataclass
class Tally:
    """Everything that a row of the results file says of one quantity."""

    quantity: str | None
    distinct: list[np.ndarray] = field(default_factory=list)
    vacuous: int = 0
    elements: int = 0
    recipes: int = 0
    excused: Counter = field(default_factory=Counter)
    worst_ratio: float = 0.0
    worst_ulp: float = 0.0
    first_observed: str | None = None
    origin: str | None = None
    sharpness: float | None = None
    cpu_difference: float | None = None
    grade: str | None = None
    failures: list[Failure] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    refusals: Counter = field(default_factory=Counter)
    notes: Counter = field(default_factory=Counter)

    def count(self, case: Case, comparison: Comparison) -> None:
        """Count the independent evaluations of a case whose bound is finite, and those whose is not."""
        hashes, vacuous = case.row_hashes(), comparison.vacuous
        in_row = _all_in_row if case.judged_in_part else _any_in_row
        argument = (self.quantity or "").removeprefix("grad_")
        if argument in case.contract.positional:
            vacuous = in_row(case.in_rows(argument, vacuous))
        elif vacuous.size == case.rows:
            vacuous = vacuous.reshape(-1)
        else:
            vacuous = in_row(vacuous)
            shaped = hashes.reshape(case.calls, case.rows // case.calls)
            hashes = np.bitwise_xor.reduce(shaped * np.uint64(0x9E3779B97F4A7C15), axis=1)
        self.distinct.append(hashes[~vacuous])
        self.vacuous += int(np.count_nonzero(vacuous))

    def seen(self, case: Case) -> None:
        """Count a case of which only the form was checked, one evaluation per call."""
        self.distinct.append(np.frombuffer(bytes.fromhex(case.digest()[:16]), np.uint64))

    def measure(self, comparison: Comparison, coarse: np.ndarray) -> None:
        """Keep the worst ratio, ULP error and grade; ``coarse`` marks the elements of grade C."""
        self.elements += comparison.ratio.size
        self.recipes += 1
        live = ~comparison.vacuous
        if not live.any():
            return
        self.worst_ratio = max(self.worst_ratio, float(np.max(comparison.ratio[live])))
        self.worst_ulp = max(self.worst_ulp, float(np.max(comparison.ulp[live])))
        beyond = comparison.beyond & live
        worst = "F" if (beyond & ~coarse).any() else "C" if beyond.any() else "B"
        if worst == "B" and comparison.exact[live].all():
            worst = "A"
        self.grade = max(self.grade or "A", worst, key=GRADES.index)

    @property
    def cases(self) -> int:
        if not self.distinct:
            return 0
        every = np.sort(np.concatenate(self.distinct))  # np.unique takes seconds for a million numbers
        return int(np.count_nonzero(every[1:] != every[:-1])) + min(1, every.size)

    def verdict(self) -> str:
        if self.failures or self.problems:
            return "fail"
        if self.excused:
            return "known"
        if self.notes:
            return "note"
        return "pass" if self.cases else "skip"


def _all_in_row(marks: np.ndarray) -> np.ndarray:
    return marks.all(axis=tuple(range(1, marks.ndim)))


def _any_in_row(marks: np.ndarray) -> np.ndarray:
    return marks.any(axis=tuple(range(1, marks.ndim)))
