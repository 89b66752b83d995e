"""How far an answer is from the truth, in units of the error it was allowed: test ratio, ULP and grade."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from conformance.case import Case
from reference.arithmetic.certified import certified_precision
from reference.arithmetic.rounded import Rounded

#: A subject may be this many times less accurate than the running error analysis of the textbook formula.
THRESHOLD = 2.0

GRADES = "ABCF"


@dataclass(frozen=True)
class Comparison:
    """One quantity of one case, elementwise, shape (calls, ...): NaN in ``ratio`` where the bound is vacuous."""

    quantity: str
    error: np.ndarray
    ratio: np.ndarray
    ulp: np.ndarray
    vacuous: np.ndarray
    exact: np.ndarray

    @property
    def beyond(self) -> np.ndarray:
        """Where grade B is missed."""
        with np.errstate(invalid="ignore"):
            return self.ratio > THRESHOLD


def compare(case: Case, quantity: str, actual: np.ndarray) -> Comparison:
    """Compare a subject's answer with the oracle's, or for 64-bit dtypes with the certified value."""
    expected = case.expected(quantity)
    error = distance(case, quantity, expected, actual)
    vacuous = np.isinf(expected.error)
    if quantity.startswith("grad_"):
        vacuous |= np.isnan(expected.value)  # the gradient of an undefined value promises nothing
    with np.errstate(all="ignore"):
        ratio = ratio_of(error, expected.error)
        if np.any((ratio > THRESHOLD) & (error < np.inf) & ~vacuous):  # the dearer bound, where it may matter
            allowed = np.fmax(expected.error, case.in_any_order.expected(quantity).error)
            ratio = np.where(vacuous, ratio, ratio_of(error, allowed))
        overflow = case.certain_overflow(quantity)
        if overflow is not None:
            vacuous = vacuous & (overflow == 0)
            error = np.where(overflow == 0, error, np.where(actual == overflow * np.inf, 0.0, np.inf))
            ratio = np.where(overflow == 0, ratio, error)
        ratio = np.where(vacuous, np.nan, ratio)
        ulp = error / case.format.ulp(expected.value)
    return Comparison(quantity, error, ratio, ulp, vacuous, correctly_rounded(case, quantity, expected, actual))


def ratio_of(error: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """The test ratio: nought where there is no error, infinite where there is one and none is allowed."""
    ratio = np.where(error == 0, 0.0, error / allowed)
    return np.where(np.isnan(ratio), np.inf, ratio)


def distance(case: Case, quantity: str, expected: Rounded, actual: np.ndarray) -> np.ndarray:
    """The error of each element: its distance from the nearest correct answer, infinite in the wrong class."""
    with np.errstate(all="ignore"):
        error = np.where(actual == expected.value, 0.0, abs(actual - expected.value))
        if expected.spread is not None:
            error = np.maximum(error - expected.spread, 0.0)
        if case.format.name == "float64":
            finite = np.isfinite(actual)
            with certified_precision():
                truth = case.true(quantity)
                certain = np.where(truth.finite, truth.distance(np.where(finite, actual, 0.0)), error)
            near_kink = 0.0 if expected.spread is None else expected.spread
            certain = np.where(near_kink > 0, np.minimum(certain, error), certain)
            error = np.where(finite, certain, error)
        return in_class(case, expected, actual, error)


def in_class(case: Case, expected: Rounded, actual: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Settle infinities and NaN before any number: overflow is right only where the truth overflows."""
    slack = expected.error if expected.spread is None else expected.error + expected.spread
    threshold = case.format.max * (1 + case.format.unit / 2)
    may_overflow = abs(expected.value) + slack >= threshold
    must_overflow = abs(expected.value) - slack > threshold
    right_infinity = np.isinf(actual) & (np.sign(actual) == np.sign(expected.value)) & may_overflow
    wrong = ~np.isfinite(actual) & ~right_infinity | must_overflow & np.isfinite(actual)
    error = np.where(right_infinity, 0.0, np.where(wrong, np.inf, error))
    return np.where(np.isnan(actual) & np.isnan(expected.value), 0.0, error)


def within(expected: Rounded, actual: np.ndarray) -> np.ndarray:
    """Where a finite answer is within the threshold of a finite bound, around an interval."""
    with np.errstate(all="ignore"):
        error = abs(actual - expected.value) - (0.0 if expected.spread is None else expected.spread)
        return np.isfinite(actual) & np.isfinite(expected.error) & (error <= THRESHOLD * expected.error)


def beyond_bound(expected: Rounded, actual: np.ndarray) -> np.ndarray:
    """Where an answer lies outside a finite bound itself, no threshold: for references, not for subjects."""
    with np.errstate(all="ignore"):
        error = abs(actual - expected.value) - (0.0 if expected.spread is None else expected.spread)
        same = (actual == expected.value) | np.isnan(actual) & np.isnan(expected.value)
        return ~same & np.isfinite(expected.error) & ~(error <= expected.error)


def correctly_rounded(case: Case, quantity: str, expected: Rounded, actual: np.ndarray) -> np.ndarray:
    """Where the answer is the truth rounded once; certified where the float64 oracle cannot tell."""
    if case.format.name == "float64":
        return _certainly(case, quantity, actual)
    with np.errstate(all="ignore"):
        slack = expected.error * 2.0**-29  # what the oracle, evaluated in float64, may itself be off
        low, high = (case.format.round(expected.value + s * slack) for s in (-1, 1))
        same = (actual == low) | np.isnan(actual) & np.isnan(low)
        exact = same & (low == high)
        open_question = (low != high) & ((actual == low) | (actual == high))
        if expected.spread is not None:
            exact |= (expected.spread > 0) & (abs(actual - expected.value) <= expected.spread)
    if open_question.any() and (exact | open_question).all():
        exact = exact | open_question & _certainly(case, quantity, actual)
    return exact


def _certainly(case: Case, quantity: str, actual: np.ndarray) -> np.ndarray:
    with certified_precision():
        nearest, decided = case.true(quantity).nearest(case.format)
    return decided & (nearest == actual)
