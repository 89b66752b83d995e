"""What is the true value of a NumPy formula?  A rigorous enclosure of it, by ball arithmetic.

A :class:`Certified` array holds balls (``flint.arb``) that contain the true values.  Formulas stay plain
NumPy; NumPy itself routes every operation here, and one without a rule raises TypeError: on bare object
arrays of balls NumPy's ``maximum``, ``sign`` and ``where`` would silently pick a side.

Comparisons of overlapping balls are *unsure*; ``np.where`` on them gives the union of both branches.  With
``kinks`` the same holds at exact ties: that makes any subgradient correct.  An operation undefined somewhere
on its operands gives an indeterminate ball, which matters only where it is chosen.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import flint
import numpy as np

from reference.arithmetic import balls as rules
from reference.arithmetic.formats import Format
from reference.arithmetic.rules import COMPARISONS, MOVES, REDUCTIONS
from reference.arithmetic.unsure import Unsure

OPPOSITES = {
    np.less: np.greater_equal,
    np.less_equal: np.greater,
    np.greater: np.less_equal,
    np.greater_equal: np.less,
    np.equal: np.not_equal,
    np.not_equal: np.equal,
}
#: Bits carried by default: float64's 53, and as many again for cancellation.
PRECISION = 128


@contextmanager
def certified_precision(bits: int = PRECISION) -> Iterator[None]:
    """Evaluate with ``bits`` of precision, which is global to flint; fewer bits widen balls, no more."""
    before = flint.ctx.prec
    flint.ctx.prec = bits
    try:
        yield
    finally:
        flint.ctx.prec = before


class Certified(np.lib.mixins.NDArrayOperatorsMixin):
    """An array of balls, each of which contains the true value."""

    __slots__ = ("balls", "kinks")

    def __init__(self, balls, kinks: bool = False):
        self.balls = np.asarray(balls, object)
        self.kinks = kinks

    @classmethod
    def exact(cls, values, kinks: bool = False) -> Certified:
        """Float64 numbers as they are.  Raises ValueError unless all are finite."""
        values = np.asarray(values, float)
        if not np.isfinite(values).all():
            raise ValueError("only finite numbers can be certified")
        return cls(rules.exact(values), kinks)

    @property
    def shape(self):
        return self.balls.shape

    @property
    def ndim(self):
        return self.balls.ndim

    @property
    def size(self):
        return self.balls.size

    @property
    def finite(self) -> np.ndarray:
        """Where the balls say anything: false where they are indeterminate."""
        return np.asarray(rules.finite(self.balls), bool)

    def __len__(self):
        return len(self.balls)

    def __repr__(self):
        return f"Certified({self.balls})"

    def __getitem__(self, key) -> Certified:
        return Certified(self.balls[key], self.kinks)

    def __array__(self, *_, **__):
        raise TypeError("balls do not become an array of numbers: use bounds() or nearest()")

    def _lift(self, x) -> Certified:
        """A constant of a formula; one that is not finite is an indeterminate ball."""
        if isinstance(x, Certified):
            return x
        finite = np.isfinite(x)
        return Certified(np.where(finite, rules.exact(np.where(finite, x, 0.0)), rules.UNDEFINED))

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Float64 numbers between which the true values lie, as close as can be."""
        with certified_precision(max(PRECISION, flint.ctx.prec)):
            return rules.below(self.balls), rules.above(self.balls)

    def distance(self, actual) -> np.ndarray:
        """How far ``actual`` is from the ball at least, rounded up: 0 inside, inf if not finite."""
        known = np.isfinite(actual)
        with certified_precision(max(PRECISION, flint.ctx.prec)):
            between = rules.exact(np.where(known, actual, 0.0)) - rules.midpoint(self.balls)
            gap = rules.above(rules.absolute(between) - rules.radius(self.balls))
        gap = np.where(self.finite, np.maximum(gap, 0.0), 0.0)
        return np.where(known, gap, np.inf)

    def farthest(self, actual) -> np.ndarray:
        """How far ``actual`` can be from the true value at most: from the farthest number in the ball."""
        known = np.isfinite(actual)
        with certified_precision(max(PRECISION, flint.ctx.prec)):
            gap = rules.above(rules.absolute(rules.exact(np.where(known, actual, 0.0)) - self.balls))
        return np.where(known, gap, np.inf)

    def nearest(self, format: Format) -> tuple[np.ndarray, np.ndarray]:
        """The true values rounded to a format, as float64, and where the balls decide them.

        Where they do not, the value is what the lower end rounds to.
        """
        with certified_precision(max(PRECISION, flint.ctx.prec)):
            low, high = (_rounded(end(self.balls), format) for end in (rules.lower, rules.upper))
        return low, (low == high) & self.finite

    def __array_ufunc__(self, ufunc, method, *operands, **kwargs):
        if any(hasattr(x, "tangent") for x in operands):
            return NotImplemented  # derivatives know what to do with balls
        if method == "reduce":
            return self._reduce(ufunc, *operands, **{"axis": 0, **kwargs})
        if method == "__call__" and not kwargs:
            operands = [self._lift(x) for x in operands]
            kinks = any(x.kinks for x in operands)
            if ufunc in COMPARISONS:
                return self._compare(ufunc, *operands, kinks)
            if ufunc is np.sign:
                return Certified(rules.sign(operands[0].balls, kinks), kinks)
            if ufunc in rules.RULES:
                return Certified(rules.RULES[ufunc](*(x.balls for x in operands)), kinks)
        raise TypeError(f"no rule for {ufunc.__name__}, {method}, {sorted(kwargs)} on balls")

    def _compare(self, ufunc, a, b, kinks) -> Unsure:
        """Flint's comparisons are true where they hold for all points; undecided is what neither way is."""
        truth = ufunc(a.balls, b.balls)
        decided = truth | OPPOSITES[ufunc](a.balls, b.balls)
        if kinks:
            decided = decided & np.not_equal(a.balls, b.balls)
        return Unsure(np.asarray(truth, bool), ~np.asarray(decided, bool), self)

    def _reduce(self, ufunc, x, axis=None, *, keepdims=False) -> Certified:
        if ufunc not in (np.add, np.maximum, np.minimum):
            raise TypeError(f"no rule for {ufunc.__name__}, reduce on balls")
        axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        out = x.balls
        for i in axes:
            out = rules.RULES[ufunc].reduce(out, axis=i, keepdims=True)
        if ufunc is np.add and 0 in x.shape:
            out = rules.exact(out)
        return Certified(out if keepdims else np.squeeze(out, tuple(axes)), x.kinks)

    def __array_function__(self, func, types, args, kwargs):
        if any(hasattr(t, "tangent") for t in types):
            return NotImplemented
        if func in MOVES:
            return Certified(func(args[0].balls, *args[1:], **kwargs), args[0].kinks)
        if func in REDUCTIONS:
            return self._reduce(REDUCTIONS[func], *args, **kwargs)
        if func is np.where:
            return self.where(*args)
        if func is np.clip:
            x, low, high = args
            return np.minimum(np.maximum(x, low), high)
        if func in (np.concatenate, np.stack):
            return self._join(func, *args, **kwargs)
        if func in (np.zeros_like, np.ones_like):
            return Certified(rules.exact(func(args[0].balls, dtype=float)), args[0].kinks)
        return NotImplemented

    def _join(self, func, arrays, **kwargs) -> Certified:
        arrays = [self._lift(x) for x in arrays]
        return Certified(func([x.balls for x in arrays], **kwargs), any(x.kinks for x in arrays))

    def where(self, condition, a, b) -> Certified:
        """``np.where``; where the condition is unsure, the union of both branches."""
        a, b = self._lift(a), self._lift(b)
        if not isinstance(condition, Unsure):
            condition = Unsure(np.asarray(condition, bool), np.False_, self)
        out = np.where(condition.truth, a.balls, b.balls)
        if np.any(condition.unsure):
            out = np.where(condition.unsure, rules.union(a.balls, b.balls), out)
        return Certified(out, self.kinks or a.kinks or b.kinks)


def _rounded(ends, format: Format) -> np.ndarray:
    """Exact balls rounded to a format, once."""
    if format.name == "float64":
        return np.asarray(ends, object).astype(float)
    return format.round(rules.to_odd(ends))
