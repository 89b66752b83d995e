"""What each operation costs by itself, and how it passes on the errors and spreads of its operands."""

import numpy as np
from scipy import special

# Roundings charged per operation, in units of `unit`: 1 is correctly rounded, 2 is within one ULP.
EXACT, ROUNDED, FAITHFUL, LOOSE = 0.0, 1.0, 2.0, 8.0


def _sum(out, a, b):
    return a.error + b.error


def _times(out, a, b):
    return abs(a.value) * b.error + abs(b.value) * a.error + a.error * b.error


def _over(out, a, b):
    least = np.maximum(abs(b.value) - b.error, 0)
    relative = np.where(b.error == 0, 0, b.error / least)  # not its product with `out`, which may underflow
    return a.error / least + abs(out) * relative


def _power(out, a, b):
    relative = a.error / np.maximum(abs(a.value) - a.error, 0)
    grown = np.expm1((abs(b.value) + b.error) * np.log1p(relative) + abs(np.log(abs(a.value))) * b.error)
    return np.where(a.error + b.error == 0, 0, abs(out) * grown)


def _sqrt(out, a):
    reach = np.maximum(out + np.sqrt(np.maximum(a.value - a.error, 0)), np.sqrt(a.error))
    return np.where(a.error == 0, 0, a.error / reach)


def _exp(out, a):
    return np.where(out == 0, np.exp(a.value + a.error), out * np.expm1(a.error))


def _log(of, error):
    return -np.log1p(-np.minimum(error / abs(of), 1))


def _log1p(out, a):
    return _log(1 + a.value, a.error)


def _logaddexp(out, a, b):
    """Evaluated as the larger operand plus log1p(exp(-gap)); the two cancel where the larger is negative."""
    unit, gap = a.model.unit, abs(a.value - b.value)
    added, larger = np.log1p(np.exp(-gap)), np.maximum(a.value, b.value)
    gap_rounding = np.minimum(unit * gap, np.minimum(abs(a.value), abs(b.value)))
    cancelled = np.minimum(added, np.maximum(-larger, 0))
    return np.maximum(a.error, b.error) + added * gap_rounding + 4 * unit * cancelled


def _gammaln(out, a):
    """Near its zeros, 1 and 2, implementations are accurate in absolute terms only."""
    ends = (special.digamma(np.maximum(a.value + s * a.error, 0)) for s in (-1, 1))
    return np.maximum(*(abs(e) for e in ends)) * a.error + 4 * a.model.unit * np.minimum(a.value, 1)


def _digamma(out, a):
    return special.polygamma(1, np.maximum(a.value - a.error, 0)) * a.error


def _expit(out, a):
    """The difference to either end: expit(x + e) - expit(x) = expit(x + e) expit(-x) (1 - exp(-e))."""
    up, down = (special.expit(s * a.value + a.error) * special.expit(-s * a.value) for s in (1, -1))
    return np.maximum(up, down) * -np.expm1(-a.error)


def _xlogy(out, a, b):
    passed_on = abs(np.log(b.value)) * a.error + (abs(a.value) + a.error) * _log(b.value, b.error)
    return np.where((a.value == 0) & (a.error == 0), 0.0, passed_on)


def _larger(out, a, b):
    return _chosen(a.value - b.value, a, b)


def _smaller(out, a, b):
    return _chosen(b.value - a.value, a, b)


def _chosen(lead, a, b):
    """The error of the operand that surely leads; the larger of both errors where that is not sure."""
    sure = np.abs(lead) > a.error + b.error
    return np.where(sure, np.where(lead > 0, a.error, b.error), np.maximum(a.error, b.error))


# What each operation costs by itself, and how it passes on the errors of its operands.
RULES = {
    np.negative: (EXACT, lambda out, a: a.error),
    np.absolute: (EXACT, lambda out, a: a.error),
    np.maximum: (EXACT, _larger),
    np.minimum: (EXACT, _smaller),
    np.add: (ROUNDED, _sum),
    np.subtract: (ROUNDED, _sum),
    np.multiply: (ROUNDED, _times),
    np.square: (ROUNDED, lambda out, a: _times(out, a, a)),
    np.true_divide: (ROUNDED, _over),
    np.sqrt: (ROUNDED, _sqrt),
    np.power: (FAITHFUL, _power),
    np.exp: (FAITHFUL, _exp),
    np.expm1: (FAITHFUL, lambda out, a: _exp(np.exp(a.value), a)),
    np.log: (FAITHFUL, lambda out, a: _log(a.value, a.error)),
    np.log1p: (FAITHFUL, _log1p),
    np.logaddexp: (LOOSE, _logaddexp),
    special.expit: (LOOSE, _expit),
    special.gammaln: (LOOSE, _gammaln),
    special.digamma: (LOOSE, _digamma),
    special.xlogy: (FAITHFUL + ROUNDED, _xlogy),
}
COMPARISONS = {np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal}
#: Operations whose result is an exact zero when one of their first so many operands is; others underflow.
FROM_ZERO = {
    np.multiply: 2,
    np.square: 1,
    np.true_divide: 1,
    np.sqrt: 1,
    np.expm1: 1,
    np.log1p: 1,
    np.power: 1,
    special.xlogy: 1,
}
#: Operations that are infinite or NaN, without any overflow, where their last operand is exactly this.
POLES = {np.log: 0.0, np.log1p: -1.0, np.true_divide: 0.0}
#: Operations through which a spread is carried, and how; in others it counts as error.
SPREADS = {
    np.negative: lambda x, s: s[0],
    np.add: lambda x, s: s[0] + s[1],
    np.subtract: lambda x, s: s[0] + s[1],
    np.multiply: lambda x, s: abs(x[0].value) * s[1] + abs(x[1].value) * s[0] + s[0] * s[1],
    np.true_divide: lambda x, s: s[0] / np.maximum(abs(x[1].value) - x[1].error, 0),
}
LINEAR = set(SPREADS)
#: Functions that only move elements, applied to value, error and spread alike.
MOVES = {
    np.broadcast_to, np.expand_dims, np.moveaxis, np.reshape, np.squeeze, np.take_along_axis,
    np.transpose, np.swapaxes, np.flip, np.repeat, np.copy, np.roll,
}  # fmt: skip
#: Reductions, as ufuncs.
REDUCTIONS = {np.sum: np.add, np.max: np.maximum, np.amax: np.maximum, np.min: np.minimum}
