"""What products and quotients lose where they underflow, and which ones only move the binary point."""

from __future__ import annotations

import numpy as np

from reference.arithmetic.formats import Format

#: What a result below the normal numbers may lose, in units of the smallest subnormal number: one half for the
#: operation itself; more because a chain of factors may be multiplied in another order.
UNDERFLOW = 4.0


def least_product(ufunc, operands):
    """The smallest product of some factors of a product or quotient; None of other results."""
    if ufunc in (np.negative, np.absolute):
        return operands[0].least
    if ufunc is np.square:
        return least(operands[0]) ** 2
    if ufunc is np.multiply:
        return least(operands[0]) * least(operands[1])
    if ufunc is np.true_divide:
        divisor = operands[1]
        return least(operands[0]) * np.minimum(least(divisor) / abs(divisor.value), 1.0)
    return None


def least(x):
    return np.minimum(abs(x.value), 1.0) if x.least is None else x.least


def lost(out, least, format: Format):
    """What of a product is lost where some of its factors underflow together: all of it at most."""
    if least is None:
        return 0.0
    share = np.fmin(format.tiny / least, 1.0)
    return np.where(least < format.normal, share * abs(out), 0.0)


def least_scale(ufunc, operands) -> float | None:
    """What a product or quotient scales by at least, where one operand is nothing but exact powers of two."""
    if ufunc is np.multiply:
        return next((np.min(abs(x.value)) for x in operands if scales(x)), None)
    if ufunc is np.true_divide and scales(operands[1]):
        return 1 / np.max(abs(operands[1].value))
    return None


def scales(x) -> bool:
    """Whether an operand, without error, scales without rounding, unless the result underflows."""
    if x.size == 0 or any(x.error.strides) or x.error.flat[0] != 0:
        return False
    return abs(np.frexp(x.value.flat[0])[0]) == 0.5 and bool((abs(np.frexp(x.value)[0]) == 0.5).all())
