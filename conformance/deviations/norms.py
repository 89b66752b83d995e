"""How torch takes norms and cosines, and their gradients: every step stored in the dtype, nothing scaled."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from conformance.deviations.kernels import fused, held
from reference.arithmetic.dual import Dual
from reference.arithmetic.formats import FORMATS
from reference.arithmetic.plain import plain
from reference.arithmetic.rounded import Model, Rounded


def terms(x: Rounded) -> Rounded:
    """Stored terms, about to be reduced in an accumulator of float32 at least."""
    if isinstance(x, Dual):
        return x.each(terms)
    return Rounded(x.value, x.error, replace(x.model, format=x.model.format.working), x.spread)


def truth(formula: Callable, *arguments, **named):
    """A contract's formula with no step stored: what a deviation leaves where its cause is absent."""
    exact = {k: _in_float64(v) for k, v in named.items()}
    return formula(*map(_in_float64, arguments), **exact)


def _in_float64(x):
    if isinstance(x, Dual):
        return x.each(_in_float64)
    if not isinstance(x, Rounded):
        return x
    return Rounded.exact(x.value, Model(FORMATS["float64"], kinks=x.model.kinks))


def stored_sum(x: Rounded) -> Rounded:
    """The sum over the last dimension, (R, D) to (R, 1), accumulated in float32 at least."""
    return fused(_sum, x)


def _sum(x: Rounded) -> Rounded:
    """The sum; where it overflows on the way in float64 only, from numbers scaled down."""
    total, scaled = (np.sum(part, axis=-1, keepdims=True) for part in (x, x * 2.0**-10))
    return np.where(np.isfinite(plain(total)), total, scaled * 2.0**10)


def sum_of_parts(x: Rounded) -> Rounded:
    """The same where a partial sum overflows: of what is positive and of what is negative apart."""
    parts = stored_sum(np.maximum(x, 0.0)), stored_sum(np.minimum(x, 0.0))
    overflows = np.logical_or(*(np.isinf(plain(part)) for part in parts))
    return np.where(overflows, parts[0] + parts[1], stored_sum(x))


def exactly(x: Rounded) -> Rounded:
    """What an operation on exact operands stores: one rounding, the same everywhere."""
    if isinstance(x, Dual):
        return Dual(exactly(x.primal), x.tangent)
    return Rounded.exact(plain(x), x.model)


def difference(x1: Rounded, x2: Rounded, eps) -> Rounded:
    """``x1 - x2 + eps``, exactly as it is stored."""
    return exactly(exactly(x1 - x2) + eps)


def norm(x: Rounded, p: float) -> Rounded:
    """The p-norm of every row, (R, 1), from powers of the elements as they are."""
    return fused(lambda x: _norm(abs(x), p), x)


def _norm(size: Rounded, p: float) -> Rounded:
    over = {"axis": -1, "keepdims": True}
    if size.shape[-1] == 1:
        return size
    if p in (1, math.inf):
        return np.sum(size, **over) if p == 1 else np.max(size, **over)
    if p == 2:
        return np.sqrt(np.sum(np.square(size), **over))
    return np.power(np.sum(np.power(size, p), **over), Rounded.nearest(1 / p, size.model))


def pull_norm(up: Rounded, x: Rounded, p: float, length: Rounded) -> Rounded:
    """The gradient of a norm that came out as ``length``; ``up`` and ``length`` are (R, 1)."""
    sign, none = np.sign(plain(x)), plain(length) == 0
    if p == 1:
        return up * sign
    if p == 2:
        return up * np.where(none, 0.0, x / length)
    if p == math.inf:
        largest = abs(plain(x)) == plain(length)
        return sign * ((up / np.sum(largest, axis=-1, keepdims=True)) * largest)
    power = x * np.power(abs(x), p - 2) if p > 2 else sign * np.power(abs(x), p - 1)
    return power * np.where(none, 0.0, up / np.power(length, p - 1))


def pull_scaled_norm(up: Rounded, x: Rounded, p: float, length: Rounded) -> Rounded:
    """The same without powers that leave the format: ``(|x| / length) ** (p - 1)``."""
    if p in (1, 2, math.inf):
        return pull_norm(up, x, p, length)
    share = np.where(plain(length) == 0, 0.0, abs(x) / length)
    return up * (np.sign(plain(x)) * np.power(share, p - 1))


@dataclass(frozen=True, eq=False)
class Cosine:
    """The cosine of two vectors, as torch takes it: each divided by its norm, held to at least ``eps``.

    ``units``, ``lengths``, ``divisors``: of both vectors, (R, D), (R, 1) and (R, 1).
    """

    vectors: tuple
    units: tuple
    lengths: tuple
    divisors: tuple

    @classmethod
    def of(cls, x1: Rounded, x2: Rounded, eps) -> Cosine:
        lengths = tuple(norm(x, 2) for x in (x1, x2))
        divisors = tuple(held(n, eps) for n in lengths)
        units = tuple(x / d for x, d in zip((x1, x2), divisors, strict=True))
        return cls((x1, x2), units, lengths, divisors)

    @property
    def value(self) -> Rounded:
        """Shape (R, 1)."""
        return stored_sum(self.units[0] * self.units[1])

    def pull(self, up: Rounded) -> list[Rounded]:
        """The gradients by both vectors, of ``up``, (R, 1); the divisor counts as the norm everywhere."""
        gradients = []
        for i, (x, unit, n, d) in enumerate(zip(self.vectors, self.units, self.lengths, self.divisors, strict=True)):
            by_unit = up * self.units[1 - i]
            by_divisor = stored_sum(-by_unit * (unit / d))
            gradients.append(by_unit / d + pull_norm(by_divisor, x, 2, n))
        return gradients


#: What torch adds to the squares of norms in the cosine embedding loss: a float32 constant.
EPS_OF_SQUARES = float(np.float32(1e-12))


@dataclass(frozen=True, eq=False)
class EmbeddedCosine:
    """The cosine as the cosine embedding loss takes it: of products and squares, all as they are, all (R, 1).

    ``vectors``: both, (R, D).  ``product``: their product.  ``squares``: of their norms, a little larger.
    ``divisor``: the root of the product of the squares.
    """

    vectors: tuple
    product: Rounded
    squares: tuple
    divisor: Rounded

    @classmethod
    def of(cls, x1: Rounded, x2: Rounded, total=stored_sum) -> EmbeddedCosine:
        eps = Rounded.nearest(EPS_OF_SQUARES, x1.model)
        squares = tuple(stored_sum(exactly(np.square(x))) + eps for x in (x1, x2))
        return cls((x1, x2), total(exactly(x1 * x2)), squares, np.sqrt(squares[0] * squares[1]))

    @property
    def value(self) -> Rounded:
        return self.product / self.divisor

    @property
    def compared(self) -> Rounded:
        """The value with what the order of the sums may do to it: what a comparison goes by."""
        cos, model = plain(self.value), replace(self.product.model, kinks=False)
        product = getattr(self.product, "primal", self.product)
        with np.errstate(all="ignore"):
            error = product.error / plain(self.divisor) + 4 * model.unit * abs(cos)
        return Rounded(cos, np.where(np.isfinite(error), error, 0.0), model)

    def pull(self, up: Rounded) -> list[Rounded]:
        """The gradients by both vectors, of ``up``, (R, 1)."""
        by_divisor = -up * (self.value / self.divisor)
        by_square = by_divisor / (self.divisor * 2.0)
        return [
            up / self.divisor * self.vectors[1 - i] + (by_square * self.squares[1 - i] * x) * 2.0
            for i, x in enumerate(self.vectors)
        ]
