"""How does a NumPy formula change along a direction?  Its directional derivative, over any of the arithmetics.

A :class:`Dual` array carries a ``primal`` and a ``tangent``, both float64, Rounded or Certified: evaluating a
formula on it gives the derivative with a running error bound, or a rigorous enclosure of it.  The rules are
those of forward-mode differentiation (A. Griewank, A. Walther, *Evaluating Derivatives*, 2nd ed., 2008,
chapter 3).  Formulas stay plain NumPy; an operation without a rule raises TypeError.

A primal may itself be Dual: its derivative is then that of a derivative.

A tangent of None is zero everywhere.  Where a tangent is exactly zero, so is what follows from it, even if
the derivative there is infinite.  An unsure comparison covers the tangents of both branches.
"""

from __future__ import annotations

from functools import reduce

import numpy as np
from scipy import special

from reference.arithmetic.certified import Certified
from reference.arithmetic.rounded import Rounded
from reference.arithmetic.rules import COMPARISONS, MOVES, REDUCTIONS
from reference.arithmetic.unsure import Unsure


def _slope_of_expit(x):
    return special.expit(x) * special.expit(-x)


#: For each operand what its tangent ``t`` adds to that of the result ``out``.
RULES = {
    np.negative: (lambda out, t, x: -t,),
    np.absolute: (lambda out, t, x: np.sign(x) * t,),
    np.add: (lambda out, t, x, y: t, lambda out, t, x, y: t),
    np.subtract: (lambda out, t, x, y: t, lambda out, t, x, y: -t),
    np.multiply: (lambda out, t, x, y: t * y, lambda out, t, x, y: x * t),
    np.square: (lambda out, t, x: 2.0 * (x * t),),
    np.true_divide: (lambda out, t, x, y: t / y, lambda out, t, x, y: -out * t / y),
    np.sqrt: (lambda out, t, x: 0.5 * t / out,),
    np.power: (lambda out, t, x, y: y * np.power(x, y - 1.0) * t, lambda out, t, x, y: out * np.log(x) * t),
    np.exp: (lambda out, t, x: out * t,),
    np.expm1: (lambda out, t, x: np.exp(x) * t,),
    np.log: (lambda out, t, x: t / x,),
    np.log1p: (lambda out, t, x: t / (1.0 + x),),
    np.logaddexp: (
        lambda out, t, x, y: special.expit(x - y) * t,
        lambda out, t, x, y: special.expit(y - x) * t,
    ),
    special.expit: (lambda out, t, x: _slope_of_expit(x) * t,),
    special.gammaln: (lambda out, t, x: special.digamma(x) * t,),
    special.xlogy: (lambda out, t, x, y: np.log(y) * t, lambda out, t, x, y: x / y * t),
}
#: Operations that choose one of their operands: the comparison that says whether it is the first.
CHOICES = {np.maximum: np.greater, np.minimum: np.less}


class Dual(np.lib.mixins.NDArrayOperatorsMixin):
    """An array and its derivative along one direction, of the same shape; None where that is zero."""

    __slots__ = ("primal", "tangent")

    def __init__(self, primal, tangent=None):
        self.primal = primal if isinstance(primal, Rounded | Certified | Dual) else np.asarray(primal)
        bent = tangent is not None and tangent.shape != self.primal.shape
        self.tangent = np.broadcast_to(tangent, self.primal.shape) if bent else tangent

    @property
    def shape(self):
        return self.primal.shape

    @property
    def ndim(self):
        return self.primal.ndim

    @property
    def size(self):
        return self.primal.size

    def __len__(self):
        return len(self.primal)

    def __repr__(self):
        return f"Dual({self.primal}, {self.tangent})"

    def __array__(self, *_, **__):
        raise TypeError("a primal and its tangent do not become one array of numbers")

    def __getitem__(self, key) -> Dual:
        return self.each(lambda part: part[key])

    def each(self, function) -> Dual:
        """What is linear, done to both."""
        return Dual(function(self.primal), None if self.tangent is None else function(self.tangent))

    @property
    def model(self):
        """How the formula is evaluated, where the primal is Rounded."""
        return self.primal.model

    def __array_ufunc__(self, ufunc, method, *operands, **kwargs):
        operands = [_lift(x) for x in operands]
        if method == "reduce":
            return _reduced(ufunc, *operands, **{"axis": 0, **kwargs})
        if method == "__call__" and not kwargs:
            if ufunc in COMPARISONS:
                return _owned(ufunc(*(x.primal for x in operands)))
            if ufunc in CHOICES:
                return _choose(ufunc, *operands)
            out = ufunc(*(x.primal for x in operands))
            if ufunc is np.sign or all(x.tangent is None for x in operands):
                return Dual(out)
            if ufunc in RULES:
                return Dual(out, _tangent(RULES[ufunc], out, operands))
        raise TypeError(f"no rule for {ufunc.__name__}, {method}, {sorted(kwargs)} on derivatives")

    def __array_function__(self, func, types, args, kwargs):
        if func in MOVES:
            return args[0].each(lambda part: func(part, *args[1:], **kwargs))
        if func in REDUCTIONS:
            return _reduced(REDUCTIONS[func], *args, **kwargs)
        if func is np.where:
            return self.where(*args)
        if func is np.clip:
            x, low, high = args
            return np.minimum(np.maximum(x, low), high)
        if func in (np.concatenate, np.stack):
            return _joined(func, *args, **kwargs)
        if func in (np.zeros_like, np.ones_like):
            return Dual(func(args[0].primal))
        return NotImplemented

    def where(self, condition, a, b) -> Dual:
        """``np.where``; where the condition is unsure, the tangents of both branches."""
        if isinstance(condition, Unsure):
            condition = Unsure(condition.truth, condition.unsure, self.primal)
        a, b = _lift(a), _lift(b)
        primal = np.where(condition, a.primal, b.primal)
        if a.tangent is None and b.tangent is None:
            return Dual(primal)
        return Dual(primal, np.where(condition, *_tangents(a, b)))


def derivative(x):
    """The tangent, as an array also where it is None: also of a number that does not move at all."""
    tangent = getattr(x, "tangent", None)
    return np.zeros_like(getattr(x, "primal", x)) if tangent is None else tangent


def _lift(x) -> Dual:
    """A constant of a formula has no tangent."""
    return x if isinstance(x, Dual) else Dual(x)


def _tangents(*operands):
    """The tangents, as something that can be chosen from."""
    return [np.zeros(x.shape) if x.tangent is None else x.tangent for x in operands]


def _owned(found):
    """A comparison of primals, after which ``np.where`` is that of derivatives."""
    return Unsure(found.truth, found.unsure, Dual(found.owner)) if isinstance(found, Unsure) else found


def _exact_zeros(x) -> np.ndarray:
    """Where a tangent is zero without any error, and stays so."""
    if isinstance(x, Dual):
        still = _exact_zeros(x.primal)
        return still if x.tangent is None else still & _exact_zeros(x.tangent)
    if isinstance(x, Rounded):
        certain = (x.value == 0) & (x.error == 0)
        return certain if x.spread is None else certain & (x.spread == 0)
    return np.asarray(np.equal(x.balls if isinstance(x, Certified) else x, 0), bool)


def _tangent(rule, out, operands):
    """The sum of what the operands' tangents add: nothing where they are exactly zero."""
    primals, total = [x.primal for x in operands], None
    for part, x in zip(rule, operands, strict=True):
        if x.tangent is None:
            continue
        with np.errstate(all="ignore"):
            added = part(out, x.tangent, *primals)
        still = _exact_zeros(x.tangent)
        added = np.where(still, 0.0, added) if np.any(still) else added
        total = added if total is None else total + added
    return total


def _choose(ufunc, a, b) -> Dual:
    """The larger or smaller operand; the tangents of both at a tie that is a kink."""
    out = ufunc(a.primal, b.primal)
    if a.tangent is None and b.tangent is None:
        return Dual(out)
    return Dual(out, np.where(CHOICES[ufunc](a.primal, b.primal), *_tangents(a, b)))


def _reduced(ufunc, x, axis=None, *, keepdims=False) -> Dual:
    """A sum, or a largest or smallest element, by comparing the elements one after the other."""
    over = {"axis": axis, "keepdims": keepdims}
    out = ufunc.reduce(x.primal, **over)
    if x.tangent is None:
        return Dual(out)
    if ufunc is np.add:
        return Dual(out, np.sum(x.tangent, **over))
    if ufunc not in CHOICES:
        raise TypeError(f"no rule for {ufunc.__name__}, reduce on derivatives")
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    for i in axes:
        x = reduce(ufunc, [np.expand_dims(np.moveaxis(x, i, 0)[k], i) for k in range(x.shape[i])])
    return Dual(out, x.tangent if keepdims else np.squeeze(x.tangent, tuple(axes)))


def _joined(func, arrays, **kwargs) -> Dual:
    arrays = [_lift(x) for x in arrays]
    primal = func([x.primal for x in arrays], **kwargs)
    if all(x.tangent is None for x in arrays):
        return Dual(primal)
    return Dual(primal, func(_tangents(*arrays), **kwargs))
