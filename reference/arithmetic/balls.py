"""What one operation makes of one ball: an enclosure of every value that it takes on the ball.

A *ball* is a ``flint.arb``, all numbers within a radius of a midpoint; flint rounds so that the true value
stays inside (F. Johansson, *Arb: efficient arbitrary-precision midpoint-radius interval arithmetic*, 2017).
A ball that is not finite is indeterminate: the operation is undefined somewhere on its operands, or their
balls are too wide to tell.  Rules map NumPy's operations to functions on object arrays of balls.  They stay
tight on wide balls where that is cheap: even powers are not negative, monotone functions go by their ends.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from flint import arb
from scipy import special

ANY_SIGN = arb(0, 1)
UNDEFINED = arb("nan")
#: Exponents up to this size are taken as integers; larger ones need a positive base.
LARGEST_INTEGER_POWER = 2**16
#: A lower bound of log-gamma on the positive numbers, whose minimum is -0.12148629053584960809...
LOWEST_LOG_GAMMA = arb("-0.1214862905358496081")

exact = np.frompyfunc(arb, 1, 1)
finite = np.frompyfunc(arb.is_finite, 1, 1)
lower = np.frompyfunc(arb.lower, 1, 1)
upper = np.frompyfunc(arb.upper, 1, 1)
midpoint = np.frompyfunc(arb.mid, 1, 1)
radius = np.frompyfunc(arb.rad, 1, 1)
union = np.frompyfunc(arb.union, 2, 1)
maximum = np.frompyfunc(arb.max, 2, 1)
minimum = np.frompyfunc(arb.min, 2, 1)
_not_negative = np.frompyfunc(arb.nonnegative_part, 1, 1)
_exp = np.frompyfunc(arb.exp, 1, 1)
_log1p = np.frompyfunc(arb.log1p, 1, 1)


def absolute(x):
    """Magnitudes: unlike flint's own, without negative numbers where the ball holds zero."""
    return _not_negative(np.absolute(x))


def _square(x):
    return _not_negative(np.square(np.absolute(x)))


def _by_ends(function: Callable[[arb], arb], x: arb) -> arb:
    """What a monotone function makes of a ball."""
    return function(x) if x.is_exact() else function(x.lower()).union(function(x.upper()))


def _or(fast: Callable, careful: Callable) -> Callable:
    """``fast`` on whole arrays; ``careful``, ball by ball, where that finds nothing finite."""
    careful = np.frompyfunc(careful, careful.__code__.co_argcount, 1)

    def rule(*x):
        out = fast(*x)
        known = np.asarray(finite(out), bool)
        return out if known.all() else np.where(known, out, careful(*x))

    return rule


def _careful_sqrt(x: arb) -> arb:
    return _by_ends(arb.sqrt, x).nonnegative_part() if x >= 0 else UNDEFINED


def _careful_digamma(x: arb) -> arb:
    return _by_ends(arb.digamma, x) if x > 0 else UNDEFINED


def _careful_gammaln(x: arb) -> arb:
    """Convex: at most what it is at an end, at least the minimum.  Defined here for positive numbers only."""
    return _by_ends(arb.lgamma, x).union(LOWEST_LOG_GAMMA) if x > 0 else UNDEFINED


def _logistic(x: arb) -> arb:
    if x > 0:
        return 1 / (1 + (-x).exp())
    power = x.exp()
    return power / (1 + power)


def _expit(x: arb) -> arb:
    return _by_ends(_logistic, x) if x.is_finite() else UNDEFINED


def _fast_logaddexp(x, y):
    return maximum(x, y) + _log1p(_exp(-absolute(x - y)))


def _careful_logaddexp(x: arb, y: arb) -> arb:
    """Increasing in both operands."""
    low, high = (x.lower(), y.lower()), (x.upper(), y.upper())
    return _fast_logaddexp(*low).union(_fast_logaddexp(*high))


def _power(x: arb, y: arb) -> arb:
    if y.is_integer() and abs(y) <= LARGEST_INTEGER_POWER:
        return _integer_power(x, int(y.unique_fmpz()))
    if x > 0 or not (x >= 0 and y > 0):
        return x**y
    top = x.upper()
    return top if top.is_zero() else (top**y).union(arb(0)).nonnegative_part()


def _integer_power(x: arb, n: int) -> arb:
    if n < 0:
        return 1 / _integer_power(x, -n)
    if n % 2:
        return _by_ends(lambda end: end**n, x)
    return _by_ends(lambda end: end**n, abs(x).nonnegative_part()).nonnegative_part()


def _xlogy(x: arb, y: arb) -> arb:
    if x.is_zero() and y.is_finite() and not y < 0:
        return x
    return x * y.log()


def sign(x, kinks: bool):
    """Signs; between -1 and 1 where that is undecided, with ``kinks`` also at zero."""
    signs = np.frompyfunc(arb.sgn, 1, 1)(x)
    return np.where(np.equal(x, 0), ANY_SIGN, signs) if kinks else signs


RULES: dict[np.ufunc, Callable] = {
    np.negative: np.negative,
    np.absolute: absolute,
    np.maximum: maximum,
    np.minimum: minimum,
    np.add: np.add,
    np.subtract: np.subtract,
    np.multiply: np.multiply,
    np.square: _square,
    np.true_divide: np.true_divide,
    np.sqrt: _or(np.frompyfunc(arb.sqrt, 1, 1), _careful_sqrt),
    np.power: np.frompyfunc(_power, 2, 1),
    np.exp: _exp,
    np.expm1: np.frompyfunc(arb.expm1, 1, 1),
    np.log: np.frompyfunc(arb.log, 1, 1),
    np.log1p: _log1p,
    np.logaddexp: _or(_fast_logaddexp, _careful_logaddexp),
    special.expit: np.frompyfunc(_expit, 1, 1),
    special.gammaln: _or(np.frompyfunc(arb.lgamma, 1, 1), _careful_gammaln),
    special.digamma: _or(np.frompyfunc(arb.digamma, 1, 1), _careful_digamma),
    special.xlogy: np.frompyfunc(_xlogy, 2, 1),
}


def below(x) -> np.ndarray:
    """The largest float64 numbers that are at most the lower ends of the balls; -inf where there is none."""
    ends = lower(x)
    near = np.asarray(ends, object).astype(float)
    over = np.asarray(np.greater(exact(near), ends), bool)
    with np.errstate(over="ignore"):
        near = np.where(over, np.nextafter(near, -np.inf), near)
    return np.where(np.isnan(near), -np.inf, near)


def above(x) -> np.ndarray:
    """The smallest float64 numbers that are at least the upper ends of the balls; inf where there is none."""
    return -below(np.negative(x))


def to_odd(x) -> np.ndarray:
    """Exact balls as float64: inexact ones become the neighbour whose last bit is set.

    Rounding the result to a format with at most 51 bits gives what rounding the exact number would have
    given (S. Boldo, G. Melquiond, *Emulation of a FMA and correctly rounded sums*, 2008).
    """
    down, up = np.atleast_1d(below(x)), np.atleast_1d(above(x))
    odd = (down.view(np.int64) & 1).astype(bool)
    return np.where(odd, down, up).reshape(np.shape(x)) if (down != up).any() else down.reshape(np.shape(x))
