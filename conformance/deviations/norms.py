"""How torch takes norms and cosines, and their gradients: every step stored in the dtype, nothing scaled."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from reference.arithmetic.plain import plain
from reference.arithmetic.rounded import Rounded


def in_working_format(function: Callable, x: Rounded) -> Rounded:
    """``function`` of ``x``, its intermediates in float32 at least, its result stored like ``x``."""
    working = replace(x.model, format=x.model.format.working)
    found = function(Rounded(x.value, x.error, working, x.spread))
    if working.format != x.model.format:
        found = found.rounded_to(x.model.format)
    return Rounded(found.value, found.error, x.model, found.spread)


def terms(x: Rounded) -> Rounded:
    """Stored terms, about to be reduced in an accumulator of float32 at least."""
    return Rounded(x.value, x.error, replace(x.model, format=x.model.format.working), x.spread)


def stored_sum(x: Rounded) -> Rounded:
    """The sum over the last dimension, (R, D) to (R, 1), accumulated in float32 at least."""
    return in_working_format(lambda x: np.sum(x, axis=-1, keepdims=True), x)


def difference(x1: Rounded, x2: Rounded, eps) -> Rounded:
    """``x1 - x2 + eps``, exactly as it is stored."""
    return Rounded.exact(plain((x1 - x2) + eps), x1.model)


def norm(x: Rounded, p: float) -> Rounded:
    """The p-norm of every row, (R, 1), from powers of the elements as they are."""
    return in_working_format(lambda x: _norm(abs(x), p), x)


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
