"""What a row of the results file says: numbers, verdict, one clear line, and a witness in hexadecimal."""

from __future__ import annotations

import re
import time
from collections import Counter
from dataclasses import dataclass
from math import sqrt

import numpy as np

from conformance.case import Case
from conformance.declared import without
from conformance.deviations import DEVIATIONS
from conformance.minimise import EFFORT, TRIES, Effort, cost, minimise
from conformance.modes import MODES
from conformance.reproducers import exhibit
from conformance.row import Item, Row, shortfall
from conformance.staleness import number
from conformance.tally import Failure, Problem, Tally
from conformance.verdict import compare


@dataclass
class Purse:
    """What minimising may still cost: in one row, or in several, none of which takes more than its share."""

    left: int = EFFORT
    share: int = 1


def finish(row: Row, purse: Purse | None = None) -> list[dict]:
    """The rows of the results file for one item, one per quantity; at least one."""
    if not row.tallies:
        row.tally(None)
    rows, smallest, purse = [], [], purse or Purse()
    failing = sum(1 for tally in row.tallies.values() if tally.failures or tally.problems)
    for tally in row.tallies.values():
        effort = Effort(purse.left // purse.share // max(failing, 1), MODES[row.item.mode].tries or TRIES)
        rows.append(_row(row, tally, smallest, effort))
        if tally.failures or tally.problems:
            purse.left, failing = purse.left - effort.spent, failing - 1
    return rows


def _row(row: Row, tally: Tally, smallest: list[Failure], effort: Effort) -> dict:
    failure = _smallest(row, tally, smallest, effort)
    problem = _smallest_problem(row, tally, effort)
    overdrawn = _overdrawn(row, tally)
    verdict = "fail" if overdrawn else tally.verdict()
    message = _message(row, tally, failure, overdrawn)
    return row.item.key | {
        "quantity": tally.quantity,
        "verdict": verdict,
        "cases": tally.cases,
        "vacuous": tally.vacuous,
        "worst_ratio": number(tally.worst_ratio) if tally.grade else None,
        "worst_ulp": number(tally.worst_ulp) if tally.grade else None,
        "grade": tally.grade,
        "witness": witness_of_problem(problem) if problem else None if failure is None else witness(row, failure),
        "deviation": sorted(tally.excused),
        "excused": sum(tally.excused.values()),
        "sharpness": None if tally.sharpness is None else round(tally.sharpness, 2),
        "cpu_difference": None if tally.cpu_difference is None else number(tally.cpu_difference),
        "reproducer": None,
        "exhibit": _exhibit(row, tally, problem, failure),
        "message": message,
        "seconds": round(time.perf_counter() - row.began, 4),
    }


def _exhibit(row: Row, tally: Tally, problem: Problem | None, failure: Failure | None) -> exhibit.Exhibit | None:
    """What shows the failure that the message is about."""
    if problem is not None:
        return exhibit.of_problem(row, problem, tally.quantity)
    return None if failure is None or tally.problems else exhibit.of_failure(row, failure, explain(row, failure))


def _commonest(tally: Tally) -> str | None:
    return Counter(tally.problems).most_common(1)[0][0] if tally.problems else None


def _overdrawn(row: Row, tally: Tally) -> str | None:
    """A deviation that excuses a larger share than it states, by more than three standard errors.

    A share is one of usual cases: checks that draw others, or alter them, are not held to it.
    """
    if row.item.asked.recipes_for or row.item.asked.alter:
        return None
    for id, count in tally.excused.items():
        if id in DEVIATIONS and DEVIATIONS[id].says is not None:
            continue  # it is counted by cases, not by elements
        share = DEVIATIONS[id].share if id in DEVIATIONS else 1.0
        chance = 3 * sqrt(share * (1 - share) / tally.recipes)  # elements of a recipe share their fate
        if row.item.subject.is_torch and count > (share + chance) * tally.elements:
            return f"{id} excuses {count / tally.elements:.0%} of the elements; it states at most {share:.0%}"
    return None


def _message(row: Row, tally: Tally, failure: Failure | None, overdrawn: str | None) -> str | None:
    if tally.problems:
        problem = _commonest(tally)
        count = tally.problems.count(problem)
        return str(problem) if count == 1 else f"{problem} ({count} times)"
    if overdrawn:
        return overdrawn
    if failure is not None:
        return explain(row, failure)
    reasons = [d.reason for d in row.item.subject.deviations if d.id in tally.excused]
    if reasons:
        return f"declared: {'; '.join(reasons)}"
    for said in (tally.notes, tally.refusals):
        if said:
            return said.most_common(1)[0][0]
    if not tally.cases:
        return "nothing verified: every bound is infinite"
    return tally.origin and f"expected: {tally.origin}"


def _smallest(row: Row, tally: Tally, smallest: list[Failure], effort: Effort) -> Failure | None:
    """A failure, minimised by asking the subject again; ``smallest``: those of other quantities, and this one.

    A small case of another quantity often shows this one too.
    """
    if not tally.failures:
        return None
    found = _minimised(row, tally, [f.case for f in smallest], effort)
    smallest.append(found)
    return found


def _minimised(row: Row, tally: Tally, known: list[Case], effort: Effort) -> Failure:
    failure = min(tally.failures, key=lambda f: cost(f.case))
    for case in [c for c in known if 4 * cost(c) < cost(failure.case)]:
        again = _failure_of(row, case, failure.quantity)
        if again is not None:
            return again

    def refails(case: Case) -> bool:
        return _failure_of(row, case, failure.quantity) is not None

    small = minimise(failure.case, failure.index[0], refails, effort)
    return _failure_of(row, small, failure.quantity) or failure


def _smallest_problem(row: Row, tally: Tally, effort: Effort) -> Problem | None:
    """What the message is about, where that is no number, in a small case that makes the subject do the same."""
    problem = next((p for p in tally.problems if p == _commonest(tally) and isinstance(p, Problem)), None)
    if problem is None:
        return None

    small = minimise(
        problem.case, None, lambda case: _problem_of(row, case, tally.quantity, problem) is not None, effort
    )
    return _problem_of(row, small, tally.quantity, problem) or problem


def _problem_of(row: Row, case: Case, quantity: str | None, like: Problem) -> Problem | None:
    """The same problem on another case, sizes aside, if it is there."""
    again = Row(row.item)
    again.feed(case)
    found = (p for p in again.tally(quantity).problems if isinstance(p, Problem))
    return next((p for p in found if _without_sizes(p) == _without_sizes(like)), None)


def _without_sizes(message: str) -> str:
    return re.sub(r"-?\d+(\.\d+)?(e[+-]?\d+)?", "0", re.sub(r"\([\d, ]*\)", "()", message))


def _failure_of(row: Row, case: Case, quantity: str) -> Failure | None:
    """How the subject fails on a case, if it does: the same check again."""
    again = Again(row.item, quantity)
    again.feed(case)
    failures = again.tally(quantity).failures
    return failures[0] if failures else None


class Again(Row):
    """The row once more, of which one quantity is judged: the others cost most of the time."""

    def __init__(self, item: Item, quantity: str):
        super().__init__(item)
        self.quantity = quantity

    def judge(self, case: Case, quantity: str, actual: np.ndarray) -> None:
        if quantity == self.quantity:
            super().judge(case, quantity, actual)


def explain(row: Row, failure: Failure) -> str:
    """One line: what was expected, what came, how far off, and how eager torch does on the same numbers."""
    case, at = failure.case, failure.index
    expected, error = case.expected(failure.quantity), failure.comparison
    place = f"{failure.quantity}[{', '.join(map(str, at[1:]))}]" if at[1:] else failure.quantity
    line = (
        f"{place}: expected {_interval(expected, at)}, got {failure.actual[at]:.9g}; "
        f"test ratio {error.ratio[at]:.3g}, {error.ulp[at]:.3g} ULP"
    )
    eager = row.beside(case, failure.quantity)
    if case.moving and np.isfinite(failure.actual[at]) and not failing_at(without(case), failure):
        return f"{line}, which is the contract's own: declared deviation {case.moving[0].id} does not show"
    line = line if eager is None else f"{line}; eager torch gives {eager[at]:.9g}"
    origin = case.origin(failure.quantity)
    return line if origin is None else f"{line}; expected: {origin}"


def failing_at(case: Case, failure: Failure) -> bool:
    """Whether the answer of a failure fails another case of the same numbers too."""
    comparison = compare(case, failure.quantity, failure.actual)
    return bool(shortfall(case, failure.quantity, comparison, failure.actual)[0][failure.index])


def _interval(expected, at) -> str:
    middle = expected.value[at]
    if expected.spread is None or expected.spread[at] == 0:
        return f"{middle:.9g}"
    return f"[{middle - expected.spread[at]:.9g}, {middle + expected.spread[at]:.9g}]"


def witness(row: Row, failure: Failure) -> dict:
    """The case in exact numbers, and what was expected and observed at its worst element."""
    case, at, quantity = failure.case, failure.index, failure.quantity
    expected = case.expected(quantity)
    eager = row.beside(case, quantity)
    return case_in_hex(case) | {
        "index": list(at),
        "expected": _interval(expected, at),
        "observed": repr(float(failure.actual[at])),
        "eager": None if eager is None else repr(float(eager[at])),
        "bound": f"{expected.error[at]:.3g}",
        "error_ulp": number(failure.comparison.ulp[at]),
        "ratio": number(failure.comparison.ratio[at]),
    }


def witness_of_problem(problem: Problem) -> dict:
    """The case of what is wrong where it is no number."""
    told = {"observed": str(problem), "error_ulp": None, "ratio": None}
    return case_in_hex(problem.case) | dict.fromkeys(("index", "expected", "eager", "bound")) | told


def case_in_hex(case: Case) -> dict:
    """Arguments, parameters and cotangents of a case, floats in hexadecimal."""
    return {
        "arguments": {k: _hex(a) for k, a in case.arguments.items()},
        "parameters": {k: number(v) if isinstance(v, float) else v for k, v in case.parameters.items()},
        "cotangent": {k: _hex(a) for k, a in case.cotangents.items()},
    }


def _hex(array: np.ndarray | None) -> dict | None:
    if array is None:
        return None
    floating = array.dtype == float
    return {
        "shape": list(array.shape),
        "data": [float(x).hex() if floating else int(x) for x in array.ravel()],
    }
