"""What decides whether one number is right, as Python that needs nothing but the number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from conformance.case import Case
from conformance.special import SpecialCase
from conformance.verdict import GRADES, THRESHOLD
from reference.arithmetic.certified import certified_precision

#: Digits of a certified value that are written out, as far as they are certain.
DIGITS = 25


@dataclass(frozen=True)
class Number:
    """A true value: in words, the float64 number next to it, and what float64 cuts off."""

    words: str
    high: float
    low: float = 0.0

    @property
    def distance(self) -> str:
        """How far ``got`` is off, as an expression."""
        sign, size = "-" if self.low > 0 else "+", abs(self.low)
        return f"abs(got - {self._literal}{f' {sign} {size:.6g}' if size else ''})"

    @property
    def _literal(self) -> str:
        """The digits, where they read as the number next to them."""
        digits = self.words.partition(" ")[0]
        found = digits if float(digits) == self.high else repr(self.high)
        return f"({found})" if found.startswith("-") else found

    def error(self, got: float) -> float:
        return abs(got - self.high - self.low)


@dataclass(frozen=True)
class Criterion:
    """What is expected in words; ``right``: the expression that is true of a right answer ``got``.

    Where a ``number`` is expected, the distance from it may be as large as ``allowed``.
    """

    expected: str
    right: str
    number: Number | None = None
    allowed: float = 0.0


def criterion(case: Case, quantity: str, at: tuple[int, ...], eager: float | None = None) -> Criterion:
    """What is right at one element of a quantity, index ``at`` with the call first.

    The certified value, and around it the bound of the grade that the contract promises, at the one global
    threshold, or an interval where any subgradient is correct.  ``eager``: what eager torch answers, if the
    subject is another one, of which no more than that accuracy is asked.
    """
    expected, overflow = case.expected(quantity), case.certain_overflow(quantity)
    value, error = float(expected.value[at]), float(expected.error[at])
    spread = 0.0 if expected.spread is None else float(expected.spread[at])
    sure = 0.0 if overflow is None else float(overflow[at])
    limit = case.format.max * (1 + case.format.unit / 2)
    infinity = f'"{"inf" if (sure or value) > 0 else "-inf"}"'
    pardoned = " or got != got" if isinstance(case, SpecialCase) and case.tolerates_nan(quantity)[at] else ""
    if np.isnan(value):
        return Criterion("nan", "got != got")
    if sure or abs(value) - error - spread > limit:
        return Criterion(infinity.strip('"'), f"got == float({infinity}){pardoned}")
    number = truth(case, quantity, at, value)
    of_eager = 0.0 if eager is None or not np.isfinite(eager) else max(number.error(eager) - spread, 0.0) + error
    allowed = max(promised(case, quantity, at, error), of_eager)
    if spread > 0:
        low, high = value - spread, value + spread
        return Criterion(f"between {low!r} and {high!r}", f"{low - allowed!r} <= got <= {high + allowed!r}{pardoned}")
    right = f"{number.distance} <= {allowed!r}"
    if abs(value) + error + spread >= limit:
        right = f"got == float({infinity}) or {right}"
    return Criterion(number.words, right + pardoned, number, allowed)


def promised(case: Case, quantity: str, at: tuple[int, ...], error: float) -> float:
    """The bound of the promised grade, times the threshold."""
    error = max(error, float(case.in_any_order.expected(quantity).error[at]))
    if GRADES.index(case.promise(quantity)) < GRADES.index("C"):
        return THRESHOLD * error
    coarse = float(case.coarse[quantity].error[at])
    return THRESHOLD * max(error, coarse if np.isfinite(coarse) else 0.0)


def truth(case: Case, quantity: str, at: tuple[int, ...], value: float) -> Number:
    """The certified value where the arguments are finite and it is one; else the oracle's."""
    if not all(np.isfinite(a).all() for a in (*case.arguments.values(), *case.cotangents.values()) if a is not None):
        return Number(repr(value), value)
    ball = case.true(quantity).balls[at]
    if not ball.is_finite():
        return Number(repr(value), value)
    with certified_precision():
        middle = ball.mid()
        high = float(middle)
        if high == 0 and middle != 0:
            return Number("0 (certified to be closer to it than any number)", 0.0)
        low = float(middle - high) if case.format.name == "float64" else 0.0
        return Number(f"{_trimmed(ball.str(DIGITS, radius=False))} (certified)", high, low)


def _trimmed(digits: str) -> str:
    """Without the zeros that an exact number ends in."""
    mantissa, e, exponent = digits.partition("e")
    return (mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa) + e + exponent
