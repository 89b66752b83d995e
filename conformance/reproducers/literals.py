"""How is a number, a tensor or a long statement written as Python that anyone can run?"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import numpy as np

#: Decimals longer than this are written in hexadecimal, also where they are exact.
DECIMALS = 12
#: Arrays with more elements than this are written shorter where their elements repeat.
FEW = 4


def number(x: float) -> str:
    """The exact value: a short decimal where there is one, ``h("0x1.8p-140")`` otherwise, ``torch.inf``."""
    if np.isnan(x):
        return "torch.nan"
    if np.isinf(x):
        return "torch.inf" if x > 0 else "-torch.inf"
    text = repr(float(x))
    if len(text) <= DECIMALS and Fraction(text) == Fraction(x):
        return text
    mantissa, _, exponent = float(x).hex().partition("p")
    return f'h("{mantissa.rstrip("0").rstrip(".")}p{exponent}")'


def plain(value: object) -> str:
    """A parameter as the constructor takes it: ``0.1``, ``True``, ``"mean"``, ``torch.inf``."""
    if isinstance(value, float):
        return repr(float(value)) if np.isfinite(value) else number(value)
    return f'"{value}"' if isinstance(value, str) else repr(value)


def nested(array: np.ndarray, pairs: bool = False) -> str:
    """The elements in brackets, one level for each dimension; the last is of complex numbers if ``pairs``."""
    if array.ndim == int(pairs):
        return f"complex({number(array[0])}, {number(array[1])})" if pairs else _element(array)
    return "[" + ", ".join(nested(part, pairs) for part in array) + "]"


def _element(array: np.ndarray) -> str:
    value = array.item()
    return f"complex({number(value.real)}, {number(value.imag)})" if isinstance(value, complex) else _real(value)


def _real(value: float | bool) -> str:
    return number(value) if isinstance(value, float) else repr(value)


def tensor(array: np.ndarray, options: Iterable[str] = (), pairs: bool = False, leaf: bool = False) -> str:
    """An expression for a tensor of these elements.

    ``options``: what ``torch.tensor`` is given besides.  ``pairs``: the last dimension holds the real and the
    imaginary part.  ``leaf``: whether it requires a gradient.
    """
    shape = array.shape[: array.ndim - int(pairs)]
    options = [*options, *(["requires_grad=True"] if leaf else [])]
    if 0 in shape:
        return f"torch.empty({_joined(shape, *options)})"
    if array.size > 1 and not pairs and len(_distinct(array)) == 1:
        element = _element(array.reshape(-1)[0])
        if element in ("0.0", "1.0") or array.size > FEW:
            return _constant(shape, element, options)
    times = _repeats(array) if array.size > 4 * FEW and not pairs else (1,) * array.ndim
    if any(n > 1 for n in times):
        once = array[tuple(slice(1) if n > 1 else slice(None) for n in times)]
        whole = f"{tensor(once, [o for o in options if 'grad' not in o])}.repeat({_joined(times)[1:-1].rstrip(',')})"
        return f"{whole}.requires_grad_()" if leaf else whole
    return f"torch.tensor({', '.join([nested(array, pairs), *options])})"


def _constant(shape: tuple[int, ...], element: str, options: list[str]) -> str:
    if element in ("0.0", "1.0"):
        sizes = ", ".join(str(n) for n in shape)
        return f"torch.{'zeros' if element == '0.0' else 'ones'}({', '.join([sizes, *options])})"
    return f"torch.full({_joined(shape, element, *options)})"


def _joined(shape: tuple[int, ...], *rest: str) -> str:
    return ", ".join([repr(tuple(int(n) for n in shape)), *rest])


def _distinct(array: np.ndarray) -> set[bytes]:
    """The elements by their bits, so that zeros of either sign differ."""
    return {x.tobytes() for x in array.reshape(-1)}


def _repeats(array: np.ndarray) -> tuple[int, ...]:
    """How often each dimension repeats its first position."""
    same = [np.array_equal(array, np.repeat(np.take(array, [0], axis), n, axis)) for axis, n in enumerate(array.shape)]
    return tuple(n if alike else 1 for n, alike in zip(array.shape, same, strict=True))


def wrapped(statement: str, width: int) -> list[str]:
    """A statement in lines of at most ``width`` characters, broken after commas inside of brackets.

    A line that cannot be broken stays as long as it is.
    """
    lines, start, indent, places = [], 0, "", _breaks(statement)
    while len(indent) + len(statement) - start > width:
        end = max((place for place in places if start < place <= start + width - len(indent)), default=None)
        if end is None:
            break
        lines.append(indent + statement[start:end])
        start, indent, places = end + 1, "    ", [place for place in places if place > end]
    return [*lines, indent + statement[start:]]


def _breaks(statement: str) -> list[int]:
    """Where the statement may be broken: after commas in brackets, not in strings."""
    found, depth, quoted = [], 0, False
    for place, character in enumerate(statement):
        quoted ^= character == '"'
        if not quoted:
            depth += (character in "([{") - (character in ")]}")
            if depth > 0 and statement[place : place + 2] == ", ":
                found.append(place + 1)
    return found
