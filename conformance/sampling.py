"""Recipe in, case out: NumPy fills the elements, with operations that give the same on every machine."""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch

import numpy as np
from flint import arb

from conformance.case import Case, reduced_shape
from conformance.strategies import Recipe
from reference import Contract
from reference.arithmetic.formats import Format, format_of
from reference.domains import (
    Array,
    Complex,
    Depends,
    Index,
    Interval,
    Labels,
    LabelSet,
    Length,
    LogProbabilities,
    OneOf,
    Probabilities,
)


@dataclass(frozen=True)
class Fill:
    """What filling an array needs to know: randomness, format, sizes, parameters, regime, earlier arrays."""

    rng: np.random.Generator
    format: Format
    recipe: Recipe
    regime: str
    first: np.ndarray | None
    earlier: dict[str, np.ndarray | None]

    @property
    def landmarks(self) -> np.ndarray:
        """Distances at which losses have kinks: nought, one, and every real parameter."""
        real = [abs(v) for v in self.recipe.parameters.values() if isinstance(v, float) and np.isfinite(v)]
        return np.array([0.0, 0.0, 1.0, *real])


@np.errstate(over="ignore")
def fill(contract: Contract, recipe: Recipe, dtype: str, reduction: str) -> Case:
    """The case that a recipe stands for, in ``dtype``; the same on every machine."""
    rng, format = np.random.default_rng(recipe.seed), format_of(dtype)
    arguments: dict[str, np.ndarray | None] = {}
    first = None
    for name, declared in contract.arguments.items():
        if recipe.kinds[name] is None:
            arguments[name] = None
            continue
        array = declared.kinds[recipe.kinds[name]]
        related = first if first is not None and name in contract.positional else None
        regime = recipe.regimes.get(name, "ordinary")
        how = Fill(rng, format, recipe, regime, related, arguments)
        shape = shape_of(array, recipe, name)
        arguments[name] = elements(array.domain, how, array, _leading(contract, recipe, name) + shape)
        if first is None and array.floating:
            first = arguments[name]
    shape = sum((recipe.sizes[d.name] for d in contract.arguments[contract.positional[0]].loops), ())
    cotangents = {
        name: cotangent(rng, format, (recipe.calls, *reduced_shape(contract, reduction, name, shape)))
        for name in contract.fields
    }
    kinds = {k: v for k, v in recipe.kinds.items() if v}
    return Case(
        contract.name, dtype, reduction, recipe.calls, recipe.sizes, arguments, recipe.parameters,
        cotangents, kinds,
    )  # fmt: skip


def _leading(contract: Contract, recipe: Recipe, name: str) -> tuple[int, ...]:
    return (recipe.calls,) if name in contract.positional else ()


def shape_of(array: Array, recipe: Recipe, name: str) -> tuple[int, ...]:
    """The shape of the argument in one call; broadcastable dimensions have size one where it is thin."""
    shape: list[int] = []
    for dim in array.layout:
        sizes = recipe.sizes[dim.name]
        thin = name in recipe.thin and not dim.core
        shape += [1 for _ in sizes] if thin and array.broadcasts == "all" else sizes
    if name in recipe.thin and array.broadcasts == "last" and shape:
        shape[-1] = 1
    return tuple(shape) + ((2,) if isinstance(array.domain, Complex) else ())


def cotangent(rng, format: Format, shape) -> np.ndarray:
    """Upstream gradients: of either sign, of different sizes, never all ones."""
    return format.round(np.ldexp(rng.random(shape) + 0.5, rng.integers(-2, 3, shape)) * _signs(rng, shape))


def _signs(rng, shape) -> np.ndarray:
    return rng.integers(0, 2, shape) * 2.0 - 1.0


def real(rng, shape, regime: str, format: Format) -> np.ndarray:
    """Real numbers of one regime, as float64; not yet rounded to the format."""
    if regime == "mixed":
        some = [real(rng, shape, r, format) for r in ("ordinary", "grid", "wide", "logits")]
        return np.choose(rng.integers(0, len(some), shape), some)
    if regime == "grid":
        return rng.integers(-8, 9, shape) / 4.0
    sign, fraction = _signs(rng, shape), rng.random(shape) + 1.0
    if regime == "ordinary":
        return (rng.random(shape) + rng.random(shape) + rng.random(shape) - 1.5) * 2.0
    reach = format.emax
    low, high = {
        "wide": (-min(30, reach - 2), min(12, reach - 4)),
        "logits": (0, min(14, reach - 1)),
        "tiny": (format.emin - format.precision + 1, format.emin + 6),
        "huge": (reach // 2 - 4, reach // 2 + 4),
        "edges": (reach - 6, reach),
    }[regime]
    return sign * np.ldexp(fraction, rng.integers(low, high + 1, shape))


@singledispatch
def elements(domain, how: Fill, array: Array, shape) -> np.ndarray:
    """An array of elements of a domain.  Registered for every domain."""
    raise TypeError(f"no sample for {domain}")


@elements.register
def _(domain: Interval, how: Fill, array: Array, shape) -> np.ndarray:
    if np.isfinite(domain.low) and np.isfinite(domain.high):
        return how.format.round(_between(domain, how, shape))
    drawn = real(how.rng, shape, how.regime, how.format)
    drawn = _signed(domain, _related(domain, how, _signed(domain, drawn)))
    drawn = np.clip(how.format.round(drawn), -how.format.max, how.format.max)
    return np.where(drawn == 0, how.format.tiny, drawn) if domain.open else drawn


def _signed(domain: Interval, drawn: np.ndarray) -> np.ndarray:
    if domain.low == 0:
        return abs(drawn)
    return -abs(drawn) if domain.high == 0 else drawn


@elements.register
def _(domain: Depends, how: Fill, array: Array, shape) -> np.ndarray:
    chosen = domain.yes if how.recipe.parameters[domain.on] else domain.no
    return elements(chosen, how, array, shape)


def _related(domain: Interval, how: Fill, drawn: np.ndarray) -> np.ndarray:
    """Values that follow the first argument: next to it, or at a distance where losses have kinks."""
    first = how.first
    if first is None or first.shape != drawn.shape or how.recipe.relation == "free":
        return drawn
    follow = how.rng.random(drawn.shape) < 0.75
    if how.recipe.relation == "near":
        close = first * (1.0 + np.ldexp(how.rng.random(drawn.shape) - 0.5, how.rng.integers(-20, 1)))
    else:
        step = how.rng.choice(how.landmarks, drawn.shape) * _signs(how.rng, drawn.shape)
        close = first + step
    return np.where(follow, close, drawn)


def _between(domain: Interval, how: Fill, shape) -> np.ndarray:
    """Numbers in a bounded interval: inside, at its ends, and close to them."""
    rng, width = how.rng, domain.high - domain.low
    inside = rng.random(shape)
    if how.regime == "grid":
        inside = rng.integers(0, 5, shape) / 4.0
    elif how.regime in ("tiny", "huge", "edges", "wide", "mixed", "logits"):
        deepest = {"tiny": how.format.precision - how.format.emin, "logits": 12}.get(how.regime, 30)
        close = np.ldexp(inside + 1.0, -rng.integers(1, deepest, shape))
        close = np.where(rng.random(shape) < 0.5, close, 1.0 - close)
        inside = np.where(rng.random(shape) < 0.125, rng.integers(0, 2, shape), close)
    return domain.low + width * np.clip(how.format.round(inside), 0.0, 1.0)


@elements.register
def _(domain: OneOf, how: Fill, array: Array, shape) -> np.ndarray:
    return np.asarray(domain.values)[how.rng.integers(0, len(domain.values), shape)]


@elements.register
def _(domain: Complex, how: Fill, array: Array, shape) -> np.ndarray:
    drawn = how.format.round(_related(Interval(), how, real(how.rng, shape, how.regime, how.format)))
    return np.clip(drawn, -how.format.max, how.format.max)


def _size(how: Fill, name: str) -> int:
    return how.recipe.sizes[name][0]


@elements.register
def _(domain: Index, how: Fill, array: Array, shape) -> np.ndarray:
    drawn = how.rng.integers(0, _size(how, domain.of), shape)
    if domain.ignore is None:
        return drawn
    ignored = how.recipe.parameters[domain.ignore]
    if 0 <= ignored < _size(how, domain.of):
        return drawn
    return np.where(how.rng.random(shape) < 0.2, ignored, drawn)


@elements.register
def _(domain: LabelSet, how: Fill, array: Array, shape) -> np.ndarray:
    classes = _size(how, domain.of)
    order = np.argsort(how.rng.random(shape), axis=-1, kind="stable")
    count = how.rng.integers(0, classes + 1, (*shape[:-1], 1))
    return np.where(np.arange(classes) < count, order, -1)


@elements.register
def _(domain: Labels, how: Fill, array: Array, shape) -> np.ndarray:
    blank, classes = how.recipe.parameters[domain.blank], _size(how, domain.of)
    drawn = how.rng.integers(0, max(classes - 1, 1), shape)
    return np.minimum(drawn + (drawn >= blank), classes - 1)


@elements.register
def _(domain: Length, how: Fill, array: Array, shape) -> np.ndarray:
    most = np.full(shape, _size(how, domain.of))
    if domain.fits is not None:
        room = np.maximum((how.earlier[domain.fits] + 1) // 2, domain.least)
        most = np.where(how.rng.random(shape) < 15 / 16, np.minimum(most, room), most)
    return how.rng.integers(domain.least, most + 1, shape)


def _weights(how: Fill, array: Array, shape, over: str) -> tuple[np.ndarray, np.ndarray]:
    """Positive integer weights along a dimension, and their sums: exact, whatever the order."""
    axis = _axis(array, how.recipe, over, len(shape))
    most = {"ordinary": 16, "grid": 2, "wide": 2**20, "logits": 2**30}.get(how.regime, 2**10)
    weights = how.rng.integers(0, most, shape) + (how.rng.random(shape) < 0.5)
    peak = how.rng.integers(1, most + 1, np.sum(weights, axis=axis, keepdims=True).shape)
    empty = np.sum(weights, axis=axis, keepdims=True) == 0
    weights = np.where(empty, peak, weights)
    return weights, np.sum(weights, axis=axis, keepdims=True)


def _axis(array: Array, recipe: Recipe, over: str, ndim: int) -> int:
    """Where a dimension stands, counted from the end."""
    after = 0
    for dim in reversed(array.layout):
        after += len(recipe.sizes[dim.name])
        if dim.name == over:
            return -after
    raise ValueError(f"{over} is no dimension of the argument")


@elements.register
def _(domain: Probabilities, how: Fill, array: Array, shape) -> np.ndarray:
    weights, total = _weights(how, array, shape, domain.over)
    return how.format.round(weights / total)


@elements.register
def _(domain: LogProbabilities, how: Fill, array: Array, shape) -> np.ndarray:
    weights, total = _weights(how, array, shape, domain.over)
    return how.format.round(_log(np.maximum(weights, 2.0**-10) / total))


#: Logarithms that are the same on every machine, which those of NumPy are not.
_ball_log = np.frompyfunc(lambda x: float(arb(x).log()), 1, 1)


def _log(x: np.ndarray) -> np.ndarray:
    return np.asarray(_ball_log(x), float)
