"""How the terms of one call become a loss, and how a cotangent of the loss reaches the terms.

All functions take the terms of ``calls`` independent calls as one array of rows, shape ``(R,)`` with
``R = calls * rows per call``, and ``given``, the arguments in row form, from which divisors are computed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

Given = Mapping[str, object]


@dataclass(frozen=True)
class Reduction:
    """``sum(terms / scale) / divisor``, where both may depend on the arguments.

    ``scale(given)``: shape ``(R,)``, what each term is divided by before the sum (CTC: target lengths).
    ``weight(given)``: shape ``(R,)``; their sum over a call is the divisor (cross-entropy: class weights).
    ``count``: "terms" or "batch", divide by the number of terms or of rows along the first dimension.
    """

    scale: Callable[[Given], object] | None = None
    weight: Callable[[Given], object] | None = None
    count: str | None = None

    def __call__(self, terms, given: Given, calls: int, shape: tuple[int, ...]):
        """The losses, shape ``(calls,)``; ``shape`` is that of one call's terms."""
        if self.scale:
            terms = terms / self.scale(given)
        total = np.sum(np.reshape(terms, (calls, math.prod(shape))), axis=1)
        divisor = self.divisor(given, calls, shape)
        return total if divisor is None else total / divisor

    def divisor(self, given: Given, calls: int, shape: tuple[int, ...]):
        """What the sum of one call is divided by: None, a number, or shape ``(calls,)``."""
        if self.weight:
            return np.sum(np.reshape(self.weight(given), (calls, math.prod(shape))), axis=1)
        if self.count == "batch":
            return float(shape[0])
        return float(math.prod(shape)) if self.count == "terms" else None

    def pull(self, cotangent, given: Given, calls: int, shape: tuple[int, ...]):
        """The cotangent of every term, shape ``(R,)``, given those of the losses, shape ``(calls,)``."""
        divisor = self.divisor(given, calls, shape)
        each = cotangent if divisor is None else cotangent / divisor
        rows = math.prod(shape)
        each = np.reshape(np.broadcast_to(np.expand_dims(each, 1), (calls, rows)), (calls * rows,))
        return each / self.scale(given) if self.scale else each


@dataclass(frozen=True)
class Unreduced(Reduction):
    """The terms themselves: losses and cotangents have shape ``(R,)``."""

    def __call__(self, terms, given, calls, shape):
        return terms

    def pull(self, cotangent, given, calls, shape):
        return cotangent


NONE = Unreduced()
SUM = Reduction()
MEAN = Reduction(count="terms")
BATCHMEAN = Reduction(count="batch")

STANDARD: dict[str, Reduction] = {"none": NONE, "mean": MEAN, "sum": SUM}
ONLY_NONE: dict[str, Reduction] = {"none": NONE}
