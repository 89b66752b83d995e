"""Which operations on exactly known numbers round nothing?"""

from __future__ import annotations

import numpy as np

from reference.arithmetic.formats import Format

#: Results below this may have lost bits in float64, in which formulas are evaluated.
SMALLEST = 2.0**-900


def is_exact(ufunc, out: np.ndarray, operands, format: Format) -> np.ndarray:
    """Where both operands of a sum, product or quotient are known exactly and ``format`` holds the result exactly."""
    a, b = (x.value for x in operands[:2]) if len(operands) == 2 else (None, None)
    if ufunc in (np.add, np.subtract):
        exact = _residual(a, b if ufunc is np.add else -b, out) == 0
    elif ufunc in (np.multiply, np.true_divide):
        exact = (_is_power_of_two(b) | (ufunc is np.multiply) & _is_power_of_two(a)) & (abs(out) >= SMALLEST)
        exact = exact | (a == 0) | (ufunc is np.multiply) & (b == 0)
    else:
        return np.False_
    known = (operands[0].error == 0) & (operands[1].error == 0)
    return exact & known & np.isfinite(out) & (format.round(np.asarray(out)) == out)


def _residual(a: np.ndarray, b: np.ndarray, total: np.ndarray) -> np.ndarray:
    """What the float64 sum ``total`` of ``a`` and ``b`` lacks, exactly (Knuth's TwoSum)."""
    part = total - a
    return (a - (total - part)) + (b - part)


def _is_power_of_two(x: np.ndarray) -> np.ndarray:
    return abs(np.frexp(x)[0]) == 0.5
