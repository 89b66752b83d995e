"""At which numbers is a subject that far off?  One row that shows it, in hexadecimal, so that anybody can check."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from conformance.audit.judge import Judge, Judgement
from conformance.audit.records import Worst, all_allowed
from conformance.case import Case, loop_dimensions
from conformance.minimise import Effort, minimise
from conformance.outcome import case_in_hex
from conformance.smaller import take
from conformance.staleness import number
from conformance.verdict import THRESHOLD
from reference.arithmetic.certified import certified_precision

#: Smaller cases that may be tried for one failure.
TRIES = 60


def shown(judge: Judge, quantity: str, worst: Worst, metric: str, known: bool = False) -> dict | None:
    """What shows the worst element that a search found: the smallest of a few cases in which it is as bad."""
    if worst.case is None:
        return None
    for case in smaller(worst, quantity):
        judged = judge(case).get(quantity)
        if judged is None or not judged.actual.size:
            continue
        scores = judged.scores(metric, known)
        if float(scores.max()) >= worst.score:
            return told(case, quantity, judged, np.unravel_index(np.argmax(scores), scores.shape))
    return told(worst.case, quantity, judge(worst.case)[quantity], worst.index)


def smaller(worst: Worst, quantity: str) -> Iterator[Case]:
    """One row alone, and as often as there were rows, since vectors of numbers may be rounded otherwise; one call."""
    call = worst.case.select(np.array(worst.index[:1]))
    if call.reduction == "none" and len(call.shape) == 1 and call.rows > 1:
        row, dim = row_of(call, quantity, worst.index), loop_dimensions(call.contract)[0].name
        for rows in (np.array([row]), np.full(call.rows, row)):
            alone = take(call, dim, 0, rows) if row is not None else None
            if alone is not None:
                yield alone
    yield call


def row_of(call: Case, quantity: str, index: tuple[int, ...]) -> int | None:
    """The row that an element of a quantity belongs to; None where it belongs to several."""
    name = quantity.removeprefix("grad_")
    if quantity in call.contract.fields:
        return index[1] if len(index) == 2 else None
    if call.is_shared(name):
        return None
    marks = np.zeros(call.arguments[name].shape)
    marks[(0, *index[1:])] = 1.0
    rows = call.in_rows(name, marks).reshape(call.rows, -1).any(axis=1)
    return int(np.argmax(rows)) if rows.sum() == 1 else None


def failure(judge: Judge, quantity: str, worst: Worst) -> dict:
    """What shows a failure, made small, and what certified arithmetic says of it."""

    def fails(case: Case) -> bool:
        judged = judge(case).get(quantity)
        return judged is not None and bool(judged.failing.any())

    small = minimise(worst.case, worst.index[0], fails, Effort(trying=TRIES))
    judged = judge(small)[quantity]
    scores = np.where(judged.failing, judged.scores("ratio", known=True), -1.0)
    at = np.unravel_index(np.argmax(scores), scores.shape) if judged.failing.any() else worst.index
    eager = judge.eager(small, quantity)
    found = told(small, quantity, judged, at)
    return found | {
        "quantity": quantity,
        "eager": None if eager is None else repr(float(eager[tuple(at)])),
        "certified_ratio": certified_ratio(small, quantity, judged, tuple(at)),
    }


def told(case: Case, quantity: str, judged: Judgement, at) -> dict:
    """A case in exact numbers, and what was expected and observed at one element."""
    at = tuple(int(i) for i in at)
    expected, comparison = case.expected(quantity), judged.comparison
    allowed = all_allowed(case, quantity)[at]
    return case_in_hex(case) | {
        "reduction": case.reduction,
        "index": list(at),
        "expected": float(expected.value[at]).hex(),
        "observed": float(judged.actual[at]).hex(),
        "bound": f"{expected.error[at]:.3g}",
        "error_ulp": number(comparison.ulp[at]),
        "ratio": number(comparison.ratio[at]),
        "allowed_ulp": number(allowed),
    }


def certified_ratio(case: Case, quantity: str, judged: Judgement, at: tuple[int, ...]) -> float | str | None:
    """The test ratio once more, with a certified enclosure in place of the oracle's float64 number; None: it has none.

    Above the threshold the subject is wrong or the bound is; the oracle's own rounding is not to blame.
    """
    case, judged_value = replace(case, declared=()), judged.actual[at]
    with certified_precision():
        truth = case.true(quantity)
        if not np.isfinite(judged_value) or not truth.finite[at]:
            return None
        error = truth.distance(np.where(np.isfinite(judged.actual), judged.actual, 0.0))[at]
    expected = case.expected(quantity)
    error = max(0.0, float(error) - (0.0 if expected.spread is None else float(expected.spread[at])))
    bound = max(float(expected.error[at]), float(case.in_any_order.expected(quantity).error[at]))
    return number(error / bound) if bound else number(np.inf if error else 0.0)


def is_certain(found: dict) -> bool:
    """Whether certified arithmetic finds a failure too."""
    ratio = found["certified_ratio"]
    return ratio is None or float(ratio) > THRESHOLD
