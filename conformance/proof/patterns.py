"""Which bit patterns has a format, in which order, and what numbers do they stand for?"""

from __future__ import annotations

import re
from functools import cache

import numpy as np

from reference.arithmetic.formats import Format, format_of
from reference.domains import Interval


def width(format: Format) -> int:
    """The bits of a number of the format: its sign, its exponent, and its significand less the leading bit."""
    return format.precision + (2 * format.emax + 1).bit_length()


@cache
def table(dtype: str) -> np.ndarray:
    """The number of every pattern of a format of at most 16 bits, as float64, shape (2 ** width,)."""
    format = format_of(dtype)
    bits = np.arange(1 << width(format), dtype=np.int64)
    stored = format.precision - 1
    fraction, exponent = bits & ((1 << stored) - 1), bits >> stored & (2 * format.emax + 1)
    scale = np.maximum(exponent, 1) - 1 + format.emin - stored
    size = np.ldexp((fraction + (exponent > 0) * (1 << stored)).astype(float), scale)
    none = np.where(fraction == 0, np.inf, np.nan)
    size = np.where(exponent == 2 * format.emax + 1, none, size)
    return np.where(bits >> (width(format) - 1), -size, size)


def numbers(bits: np.ndarray, dtype: str) -> np.ndarray:
    """What patterns stand for, as float64."""
    if dtype == "float32":
        with np.errstate(invalid="ignore"):  # a signalling NaN becomes a quiet one
            return bits.astype(np.uint32).view(np.float32).astype(float)
    return table(dtype)[bits]


def canonical(dtype: str) -> int:
    """The pattern of the quiet NaN that stands for all others."""
    format = format_of(dtype)
    stored = format.precision - 1
    return (2 * format.emax + 1) << stored | 1 << (stored - 1)


def in_order(count: int) -> np.ndarray:
    """All patterns of ``count`` bits, by the number that they stand for: from the negative NaNs to the positive."""
    half = 1 << (count - 1)
    return np.concatenate([np.arange(2 * half - 1, half - 1, -1), np.arange(half)])


def is_legal(found: np.ndarray, domain: Interval) -> np.ndarray:
    """Whether numbers are in an interval; NaN is one of every interval that has no two finite ends, which torch checks
    in its kernels."""
    above = found > domain.low if domain.open else found >= domain.low
    below = found < domain.high if domain.open and np.isfinite(domain.high) else found <= domain.high
    bounded = np.isfinite(domain.low) and np.isfinite(domain.high)
    return above & below | np.isnan(found) & (not bounded)


def boundaries(found: np.ndarray, dtype: str, more: tuple[float, ...] = ()) -> np.ndarray:
    """Which of ordered numbers are at an end of something, as a mask, with their neighbours.

    Zeros, infinities, the ends of the subnormal, the normal and the listed numbers, powers of two about one, ``more``.
    """
    format = format_of(dtype)
    corners = (0.0, format.tiny, format.normal, format.max, np.inf, 0.5, 1.0, 2.0, *more)
    marks = np.zeros(found.shape, bool)
    for corner in corners:
        marks |= abs(found) == abs(float(format.round(corner)))
    finite = np.flatnonzero(np.isfinite(found))
    marks[finite[[0, -1]]] = True
    beside = marks.copy()
    beside[1:] |= marks[:-1]
    beside[:-1] |= marks[1:]
    return beside & ~np.isnan(found)


def shown(number: float) -> str:
    """A number in hexadecimal, exactly and briefly."""
    text = float(number).hex()
    return re.sub(r"\.?0*p", "p", text) if "." in text else text
