"""Running error analysis: what evaluating a NumPy formula in a given format may cost.

A :class:`Rounded` array carries a float64 ``value``, elementwise a bound ``error`` on what rounding in the
format could do to it (Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed., section 3.3), and a
``spread``: half the width of the interval of answers that are all correct, as at a kink.  Formulas stay plain
NumPy; NumPy itself routes every operation here.

A comparison closer than its operands' errors is *unsure*, and ``np.where`` on it covers both branches.  With
``kinks`` the same holds at exact ties: that makes any subgradient correct.  A step that could overflow the
format has infinite error: after it, anything goes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from reference.arithmetic.exact import is_exact
from reference.arithmetic.formats import Format
from reference.arithmetic.rules import COMPARISONS, FROM_ZERO, LINEAR, MOVES, POLES, REDUCTIONS, RULES, SPREADS
from reference.arithmetic.underflow import UNDERFLOW, least_product, least_scale, lost
from reference.arithmetic.unsure import Unsure


@dataclass(frozen=True)
class Model:
    """How a formula is evaluated: in which ``format``, whether ``kinks`` span, how sums are charged.

    ``sequential``: sums in any order, (n - 1) u, as long as that is below 1; otherwise blocked ones,
    (ceil(log2 n) + 16) u at most.
    ``wide``: partial sums do not overflow below the largest number of the working format.
    ``emulate``: every step's value is really rounded to the format, overflow to infinity included, as in an
    implementation that computes in it; otherwise a step that could overflow has infinite error.
    ``unsure``: how comparisons that rounding may turn come out, where they are to come out one way.
    ``reordered``: the factors of a product may be taken in any order, so that some of them may underflow together
    before the others make up for it.
    ``exact``: sums, and products by powers of two, of exactly known numbers cost nothing where they round nothing.  An
    implementation may add in another order: this is for the comparison of numbers, and not for a bound.
    """

    format: Format
    kinks: bool = False
    sequential: bool = False
    emulate: bool = False
    wide: bool = False
    unsure: bool | None = None
    reordered: bool = False
    exact: bool = False

    @cached_property
    def unit(self) -> float:
        return self.format.unit

    @cached_property
    def tiny(self) -> float:
        return self.format.tiny

    @cached_property
    def max(self) -> float:
        return self.format.max

    @property
    def accumulator(self) -> Format:
        """The format that bounds partial sums."""
        return self.format.working if self.wide else self.format

    def summation(self, n: int) -> float:
        """Roundings charged for a sum of ``n`` terms, in units of the sum of their magnitudes."""
        if n < 2:
            return 0.0
        in_any_order = self.sequential and (n - 1) * self.unit < 1
        return float(n - 1 if in_any_order else min(n - 1, int(np.ceil(np.log2(n))) + 16))


class Rounded(np.lib.mixins.NDArrayOperatorsMixin):
    """A float64 array with elementwise bounds on the rounding error that it stands for."""

    __slots__ = ("error", "least", "model", "spread", "value")

    def __init__(self, value, error, model: Model, spread=None, least=None):
        self.value = np.asarray(value, float)
        self.error = np.broadcast_to(error, self.value.shape)
        self.spread = None if spread is None else np.broadcast_to(spread, self.value.shape)
        self.model = model
        self.least = least  # the smallest product of some of its factors, where those are known

    @classmethod
    def exact(cls, value, model: Model) -> Rounded:
        """Values that the format represents exactly, such as inputs."""
        return cls(value, 0.0, model)

    @classmethod
    def nearest(cls, value: float, model: Model) -> Rounded:
        """A parameter, which has to be rounded to the format first."""
        nearest = model.format.round(value)
        return cls(nearest, 0.0, model) if model.emulate else cls(value, abs(nearest - value), model)

    @property
    def shape(self):
        return self.value.shape

    @property
    def ndim(self):
        return self.value.ndim

    @property
    def size(self):
        return self.value.size

    def __len__(self):
        return len(self.value)

    def __repr__(self):
        return f"{self.value} ± {self.error}" + ("" if self.spread is None else f" ± {self.spread}")

    def __getitem__(self, key) -> Rounded:
        return self._each(lambda part: part[key])

    def _each(self, function) -> Rounded:
        spread = None if self.spread is None else function(self.spread)
        least = None if self.least is None else function(np.broadcast_to(self.least, self.shape))
        return Rounded(function(self.value), function(self.error), self.model, spread, least)

    def _lift(self, x) -> Rounded:
        return x if isinstance(x, Rounded) else Rounded(x, 0.0, self.model)

    def _folded(self) -> Rounded:
        return self if self.spread is None else Rounded(self.value, self.error + self.spread, self.model)

    def stored(self, format: Format) -> Rounded:
        """The result rounded once more, to the format that it is stored in.

        Where that is the format it was computed in, nothing happens to it; but one rounding is charged at least: a
        result that this formula gets exactly, as a slope of 1, another sound one may get to the nearest.
        """
        if format == self.model.format:
            error = np.maximum(self.error, np.where(np.isfinite(self.value), format.unit * abs(self.value), 0.0))
            return Rounded(self.value, error, self.model, self.spread)
        with np.errstate(all="ignore"):
            size = abs(self.value) + self.error + (0.0 if self.spread is None else self.spread)
            error = self.error + format.unit * np.where(np.isinf(self.value), 0.0, size) + format.tiny / 2
        return Rounded(self.value, error, self.model, self.spread)

    def rounded_to(self, format: Format) -> Rounded:
        """Intermediate results that are stored in a narrower format, as an implementation may do."""
        with np.errstate(all="ignore"):
            value = format.round(self.value)
            error = self.error + format.unit * abs(self.value) + format.tiny / 2
        return Rounded(value, np.where(np.isfinite(value), error, 0.0), self.model, self.spread)

    def __array_ufunc__(self, ufunc, method, *operands, **kwargs):
        if any(hasattr(x, "tangent") for x in operands):
            return NotImplemented  # derivatives know what to do with numbers
        with np.errstate(all="ignore"):
            operands = [self._lift(x) for x in operands]
            if method == "reduce":
                return self._reduce(ufunc, *operands, **{"axis": 0, **kwargs})
            if method != "__call__" or kwargs:
                return NotImplemented
            if ufunc in COMPARISONS:
                return self._compare(ufunc, *operands)
            if ufunc is np.sign:
                return self._sign(*operands)
            if ufunc not in RULES:
                return NotImplemented
            result = self._apply(ufunc, operands)
            if self.model.reordered:
                result.least = least_product(ufunc, operands)
            return result

    def _apply(self, ufunc, operands) -> Rounded:
        if any(x.spread is not None for x in operands):
            return self._apply_spread(ufunc, operands)
        out = ufunc(*(x.value for x in operands))
        error = self._error(ufunc, out, operands)
        if self.model.exact:
            error = np.where(is_exact(ufunc, out, operands, self.model.format), 0.0, error)
        return self._bounded(ufunc, out, error, operands)

    def _apply_spread(self, ufunc, operands) -> Rounded:
        """The same where an operand is an interval: errors are those at its far end."""
        if ufunc not in LINEAR or (ufunc is np.true_divide and operands[1].spread is not None):
            return self._apply(ufunc, [x._folded() for x in operands])
        spreads = [0.0 if x.spread is None else x.spread for x in operands]
        far = [Rounded(abs(x.value) + s, x.error, x.model) for x, s in zip(operands, spreads, strict=True)]
        out = ufunc(*(x.value for x in operands))
        spread = SPREADS[ufunc](operands, spreads)
        reach = abs(out) + spread
        return self._bounded(ufunc, out, self._error(ufunc, reach, far), operands, spread)

    def _error(self, ufunc, out, operands):
        """What the operands' errors become, and what the operation itself adds."""
        charge, passed_on = RULES[ufunc]
        error = passed_on(out, *operands)
        if not charge:
            return error
        least = least_scale(ufunc, operands)
        if least is None:
            error = error + charge * self.model.unit * (abs(out) + error)
        elif least >= 1:
            return error
        if ufunc in (np.add, np.subtract):
            return error
        underflow = UNDERFLOW * self.model.tiny
        if self.model.reordered:
            underflow = underflow + UNDERFLOW * lost(out, least_product(ufunc, operands), self.model.format)
        exact_zero = (out == 0) & (error == 0) & (ufunc in FROM_ZERO)
        if exact_zero.any():
            zeros = [(x.value == 0) & (x.error == 0) for x in operands[: FROM_ZERO[ufunc]]]
            return error + np.where(np.logical_or.reduce(np.broadcast_arrays(*zeros)), 0.0, underflow)
        return error + underflow

    def _bounded(self, ufunc, out, error, operands, spread=None) -> Rounded:
        """Exact where an operand that is not finite decides, boundless where the format could overflow."""
        if self.model.emulate:
            return Rounded(*self._emulated(out, error), self.model, spread)
        safe = abs(out) + error <= self.model.max
        if not safe.all():
            values = np.broadcast_arrays(*(x.value for x in operands))
            errors = np.broadcast_arrays(*(x.error for x in operands))
            decided = ~np.logical_and.reduce(np.isfinite(values)) & np.logical_and.reduce(np.isfinite(errors))
            if ufunc in POLES:
                pole = ~np.isfinite(out) & ~np.logical_or.reduce([e != 0 for e in errors])
                decided = decided | pole & (values[-1] == POLES[ufunc])
            error = np.where(safe, error, np.where(decided, 0.0, np.inf))
        return Rounded(out, error, self.model, spread)

    def _emulated(self, out, error, format: Format | None = None):
        """The value rounded to the format; infinities and NaN are what such an implementation gives."""
        out = (format or self.model.format).round(out)
        return out, np.where(np.isfinite(out), np.nan_to_num(error, nan=0.0, posinf=np.inf), 0.0)

    def _compare(self, ufunc, a, b) -> Unsure:
        a, b = a._folded(), b._folded()
        gap, error = abs(a.value - b.value), a.error + b.error
        unsure = gap <= error if self.model.kinks else (gap <= error) & (error > 0)
        unsure = unsure | np.isnan(gap) & (error != 0)  # overflowed, as float64 does too
        truth = ufunc(a.value, b.value)
        if self.model.unsure is not None:
            return Unsure(np.where(unsure, self.model.unsure, truth), np.zeros_like(unsure), self)
        return Unsure(truth, unsure, self)

    def _sign(self, a) -> Rounded:
        a = a._folded()
        unsure = abs(a.value) <= a.error
        if not self.model.kinks:
            unsure = unsure & (a.error > 0)
        if not unsure.any():
            return Rounded(np.sign(a.value), 0.0, self.model)
        return Rounded(np.where(unsure, 0.0, np.sign(a.value)), 0.0, self.model, unsure.astype(float))

    def _reduce(self, ufunc, x, axis=None, *, keepdims=False) -> Rounded:
        over = {"axis": axis, "keepdims": keepdims}
        if ufunc in (np.maximum, np.minimum):
            x = x._folded()
            return Rounded(ufunc.reduce(x.value, **over), np.max(x.error, **over), self.model)
        if ufunc is not np.add:
            return NotImplemented
        out = np.sum(x.value, **over)
        size = np.sum(abs(x.value) + x.error + (0.0 if x.spread is None else x.spread), **over)
        terms = x.size // max(np.size(out), 1)
        error = np.sum(x.error, **over) + self.model.summation(terms) * self.model.unit * size
        spread = None if x.spread is None else np.sum(x.spread, **over)
        if self.model.emulate:
            return Rounded(*self._emulated(out, error, self.model.accumulator), self.model, spread)
        safe = size <= self.model.accumulator.max
        if not safe.all():
            finite = np.all(np.isfinite(x.value), **over)
            error = np.where(safe, error, np.where(finite | np.isinf(np.sum(x.error, **over)), np.inf, 0.0))
        return Rounded(out, error, self.model, spread)

    def __array_function__(self, func, types, args, kwargs):
        if any(hasattr(t, "tangent") for t in types):
            return NotImplemented
        with np.errstate(all="ignore"):
            if func in MOVES:
                return args[0]._each(lambda part: func(part, *args[1:], **kwargs))
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
                return Rounded.exact(func(args[0].value), self.model)
            return NotImplemented

    def _join(self, func, arrays, **kwargs) -> Rounded:
        arrays = [self._lift(x) for x in arrays]
        spread = None
        if any(x.spread is not None for x in arrays):
            spread = func([np.zeros(x.shape) if x.spread is None else x.spread for x in arrays], **kwargs)
        value, error = func([x.value for x in arrays], **kwargs), func([x.error for x in arrays], **kwargs)
        return Rounded(value, error, self.model, spread)

    def where(self, condition, a, b) -> Rounded:
        """``np.where``; where the condition is unsure, both branches and all between them."""
        a, b = self._lift(a), self._lift(b)
        if not isinstance(condition, Unsure):
            condition = Unsure(np.asarray(condition), np.False_, self)
        truth, unsure = condition.truth, condition.unsure
        value = np.where(truth, a.value, b.value)
        error = np.where(truth, a.error, b.error)
        spread = None
        if a.spread is not None or b.spread is not None:
            spread = np.where(truth, *(0.0 if x.spread is None else x.spread for x in (a, b)))
        if not np.any(unsure):
            return Rounded(value, error, self.model, spread)
        half = np.where(a.value == b.value, 0.0, abs(a.value - b.value) / 2)
        wide = half + np.maximum(*(0.0 if x.spread is None else x.spread for x in (a, b)))
        value = np.where(unsure & (half > 0), a.value / 2 + b.value / 2, value)
        error = np.where(unsure, np.maximum(a.error, b.error), error)
        return Rounded(value, error, self.model, np.where(unsure, wide, 0.0 if spread is None else spread))
