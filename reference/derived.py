"""What is the gradient of a contract without a hand-written pullback?  Three pullbacks that need no derivation.

*Step by step*: forward-mode differentiation of the formula, over any arithmetic, one direction for each core
element; it gives a running error bound and the interval of slopes at a kink.  *By mirror*: reverse-mode
differentiation of a JAX function, in float64.  *By differences*: certified difference quotients on both sides.
All are called like a hand-written pullback, ``f(cotangent, **arguments)``, and return gradients by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from flint import arb

from reference.arithmetic import balls
from reference.arithmetic.certified import Certified
from reference.arithmetic.dual import Dual, derivative
from reference.arithmetic.plain import plain
from reference.arithmetic.rounded import Rounded

#: A step of a difference quotient is the smallest number of its row, scaled by two to this power: what it leaves
#: out, the second derivative times the step, is then below one unit in the last place of every format.
STEP = -200
#: Bits of a difference quotient that are good, at least: float64's 53, and some for what its terms cancel.
GOOD = 128
#: Rows that a mirror is asked about at least.
FEWEST = 256
#: A quotient counts only where its ball is this much smaller than the quotient, or than this share of the value.
TIGHT = 2.0**-60


def step_by_step(formula: Callable, names: Iterable[str]) -> Callable:
    """The pullback that differentiates a formula operation by operation.  Raises TypeError where that has no rule."""

    def slopes(given, name):
        fixed = {k: Dual(v) if is_real_array(v) else v for k, v in given.items()}
        x, ones, zeros = given[name], np.ones_like(given[name]), np.zeros_like(given[name])
        return [
            derivative(formula(**fixed | {name: Dual(x, np.where(mark, ones, zeros))})) for mark in _elements(x.shape)
        ]

    return _pullback(slopes, names)


def by_differences(formula: Callable, names: Iterable[str]) -> Callable:
    """The pullback of difference quotients, over Certified arguments, at the precision of :func:`precision_for`.

    The ball holds the quotients of both sides, and so the slopes between them at a kink; at the end of a domain
    the one side there is.  It is indeterminate where the quotients are not tight.
    """

    def slopes(given, name):
        x, here, step = given[name], formula(**given), _steps(given)
        across = np.reshape(step, (len(step), *(1 for _ in x.shape[1:])))
        found = []
        for mark in _elements(x.shape):
            move = np.where(mark, across, np.zeros_like(across))
            right = (formula(**given | {name: x + move}) - here) / step
            left = (here - formula(**given | {name: x - move})) / step
            found.append(_both(left, right, here))
        return found

    return _pullback(slopes, names)


def by_mirror(mirror: Callable, names: Iterable[str]) -> Callable:
    """The pullback of a JAX function, in float64 on the CPU; arguments are float64 arrays.

    Rows are repeated up to one of a few sizes, since JAX compiles every operation once for each shape.
    """

    def pullback(cotangent, **given):
        import jax  # only here: it takes seconds, and most runs need no mirror

        rows = len(cotangent)
        if rows == 0:
            return {k: np.zeros_like(given[k]) for k in names if is_real_array(given[k])}
        full = np.arange(next(n for n in (FEWEST << 3 * i for i in range(rows)) if n >= rows)) % rows
        given = {k: np.asarray(v)[full] if getattr(v, "ndim", 0) else v for k, v in given.items()}
        live = {k: given.pop(k) for k in names if is_real_array(given[k])}
        with jax.enable_x64(True), jax.default_device(jax.local_devices(backend="cpu")[0]):
            found = jax.vjp(lambda x: mirror(**given, **x), live)[1](jax.numpy.asarray(cotangent[full]))[0]
        return {k: np.asarray(g)[:rows] for k, g in found.items()}

    return pullback


def is_real_array(x) -> bool:
    """Whether an argument in row form is one of real numbers: given, and neither a parameter nor of integers."""
    return bool(getattr(x, "ndim", 0)) and getattr(x, "dtype", np.dtype(float)) == np.dtype(float)


def precision_for(arrays: Iterable[np.ndarray]) -> int:
    """Bits in which difference quotients of a formula on these float arrays are good."""
    numbers = np.concatenate([np.ones(1), *(abs(a[np.isfinite(a) & (a != 0)]) for a in arrays)])
    exponents = np.frexp(numbers)[1]
    return GOOD - STEP + 3 * int(exponents.max() - exponents.min())


def confirmed(own: Rounded, low: np.ndarray, high: np.ndarray) -> tuple[Rounded, np.ndarray]:
    """What a source says in place of one's own derivative, under its bound; and where the two contradict each other.

    ``low`` and ``high`` are the ends of what the source says: they differ by more than the bound at a kink.  The
    spread is the hull of both, since a comparison that rounding may turn is a kink of its own.  Where either is not
    finite the source has no say.
    """
    with np.errstate(all="ignore"):
        spread = np.zeros(own.shape) if own.spread is None else own.spread
        known = np.isfinite(own.value) & np.isfinite(own.error) & np.isfinite(low) & np.isfinite(high)
        kink = (spread > 0) | ((high - low) / 2 > own.error)
        beyond = np.maximum(low - own.value, own.value - high) - spread
        least = np.where(kink, np.minimum(low, own.value - spread), low)
        most = np.where(kink, np.maximum(high, own.value + spread), high)
        value = np.where(known, least / 2 + most / 2, own.value)
        wide = np.where(known & kink, most / 2 - least / 2, np.where(known, 0.0, spread))
    return Rounded(value, own.error, own.model, wide), known & (beyond > 2 * own.error)


def _pullback(slopes: Callable, names: Iterable[str]) -> Callable:
    """The gradients of slopes: ``slopes(given, name)`` lists those of the terms by each core element, (R,) each."""

    def pullback(cotangent, **given):
        return {k: _gradient(cotangent, given[k], slopes(given, k)) for k in names if is_real_array(given[k])}

    return pullback


def _gradient(cotangent, x, slopes: list):
    if not slopes:
        return np.zeros_like(x)
    upstream = np.reshape(cotangent, (len(cotangent), *(1 for _ in x.shape[1:])))
    return upstream * np.reshape(np.stack(slopes, axis=-1), x.shape)


def _elements(shape: tuple[int, ...]) -> Iterator[np.ndarray]:
    """Marks of one core element in every row, one after the other."""
    for core in np.ndindex(shape[1:]):
        mark = np.zeros(shape, bool)
        mark[(slice(None), *core)] = True
        yield mark


def _steps(given) -> Certified:
    """A step for every row, shape (R,): far below its smallest number."""
    arrays = [
        np.reshape(abs(plain(v)), (len(v), int(np.prod(v.shape[1:])))) for v in given.values() if is_real_array(v)
    ]
    sizes = np.concatenate([np.where(a == 0, np.inf, a) for a in arrays], axis=1)
    least = np.min(sizes, axis=1, initial=1.0)
    return Certified(np.frompyfunc(lambda e: arb(2) ** (int(e) + STEP), 1, 1)(np.frexp(least)[1]))


def _both(left: Certified, right: Certified, here: Certified) -> Certified:
    """Both quotients and all between them; the one that there is, at the end of a domain."""
    found = [np.where(_is_tight(x, here), x.balls, None) for x in (left, right)]
    return Certified(np.frompyfunc(_joined, 2, 1)(*found))


def _joined(a: arb | None, b: arb | None) -> arb:
    if a is None or b is None:
        return balls.UNDEFINED if a is b else b if a is None else a
    return a.union(b)


def _is_tight(x: Certified, here: Certified) -> np.ndarray:
    size = balls.maximum(balls.absolute(x.balls), TIGHT * balls.absolute(here.balls))
    return x.finite & np.asarray(np.less_equal(balls.radius(x.balls), TIGHT * size), bool)
