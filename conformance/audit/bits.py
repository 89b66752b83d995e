"""Which numbers of a format stand next to a number, and how many lie between two?"""

from __future__ import annotations

import numpy as np

from reference.arithmetic.formats import Format

#: For each format a type that holds its bits, the integer of the same size, and the bits that are not its own.
_HELD = {
    "float16": (np.float16, np.int16, 0),
    "bfloat16": (np.float32, np.int32, 16),
    "float32": (np.float32, np.int32, 0),
    "float64": (np.float64, np.int64, 0),
}


def ordinal(x: np.ndarray, format: Format) -> np.ndarray:
    """The place of finite numbers of a format, counted from nought, negative below it; both zeros are nought."""
    held, whole, foreign = _HELD[format.name]
    bits = np.atleast_1d(np.asarray(x, float)).astype(held).view(whole).astype(np.int64).reshape(np.shape(x))
    magnitude = (bits & np.iinfo(whole).max) >> foreign
    return np.where(bits < 0, -magnitude, magnitude)


def numbered(place: np.ndarray, format: Format) -> np.ndarray:
    """The numbers at these places, as float64; beyond the last finite one that one."""
    held, whole, foreign = _HELD[format.name]
    last = int(ordinal(format.max, format))
    magnitude = np.minimum(abs(place), last) << foreign
    found = np.atleast_1d(magnitude.astype(whole)).view(held).astype(float).reshape(np.shape(place))
    return np.where(place < 0, -found, found)


def stepped(x: np.ndarray, steps: np.ndarray, format: Format) -> np.ndarray:
    """The finite numbers that lie so many places further up, or down where ``steps`` is negative."""
    return numbered(ordinal(x, format) + steps, format)
