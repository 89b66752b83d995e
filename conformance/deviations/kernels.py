"""What many of torch's losses are made of: kernels that compute in the working format and store once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from reference.arithmetic.dual import Dual
from reference.arithmetic.plain import plain
from reference.arithmetic.rounded import Rounded


def by_result(kernel: Callable, slope: Callable, x):
    """``kernel(x)``, whose derivative torch computes from the result: ``slope(result, tangent of x)``."""
    if not isinstance(x, Dual):
        return kernel(x)
    result = kernel(x.primal)
    return Dual(result, None if x.tangent is None else slope(result, x.tangent))


def held(x, least):
    """``x``, at least ``least``; torch takes the derivative for that of ``x`` everywhere."""
    clamped = np.where(plain(x) < plain(least), getattr(least, "primal", least), getattr(x, "primal", x))
    return Dual(clamped, x.tangent) if isinstance(x, Dual) else clamped


def fused(function: Callable, *operands: Rounded) -> Rounded:
    """``function`` in the working format of the operands' format, its result stored in that format."""
    model = operands[0].model
    if model.format == model.format.working:
        return function(*operands)
    inner = replace(model, format=model.format.working)
    found = function(*(Rounded(x.value, x.error, inner, x.spread) for x in operands))
    found = found.rounded_to(model.format)
    return Rounded(found.value, found.error, model, found.spread)


def scalar(value: float, like: Rounded) -> Rounded:
    """A constant, as a tensor of the format that the formula is evaluated in holds it."""
    return Rounded.nearest(value, like.model)


def log_sigmoid(x: Rounded) -> Rounded:
    """``min(x, 0) - log1p(exp(-|x|))``, aten::log_sigmoid."""
    return fused(lambda x: np.minimum(x, 0.0) - np.log1p(np.exp(-abs(x))), x)


def sigmoid(x: Rounded) -> Rounded:
    """``1 / (1 + exp(-x))``, aten::sigmoid."""
    return by_result(lambda x: fused(lambda x: 1.0 / (1.0 + np.exp(-x)), x), lambda y, t: t * ((1.0 - y) * y), x)
