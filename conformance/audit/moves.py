"""How is a case changed a little, or much, and stays one that the contract is about?

Numbers move by places of their format, by powers of two, by their sign, next to other arguments, or to where another
unit or a newly drawn one has them.  What is bound by its neighbours (probabilities, sets of labels) moves as a whole.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from conformance.audit.bits import stepped
from conformance.audit.population import Population
from conformance.case import Case
from reference.arithmetic.formats import Format
from reference.domains import Array, Complex, Depends, Interval, LabelSet, LogProbabilities, Probabilities

#: How often each move is made, of numbers: places, a power of two, the sign, another unit, a drawn one, a tie.
WEIGHTS = np.array([0.5, 0.12, 0.05, 0.1, 0.08, 0.15])
#: Powers of two that a number is multiplied by at most, and that an upstream gradient stays within.
SCALE, REACH = 4, 8


def mutated(population: Population, fresh: Population, rng: np.random.Generator) -> Population:
    """A population each unit of which differs from its own in some numbers of one argument, or of all."""
    other = population.arranged(rng.permutation(population.units))
    names = list(population.genes)
    chosen = rng.integers(0, len(names) + 2, population.units)  # the last: all of them
    rows = _rows(population, rng)
    genes = dict(population.genes)
    for i, name in enumerate(names):
        marks = rows & ((chosen == i) | (chosen == len(names) + 1))[population.unit_of_row]
        genes[name] = _moved(population, name, marks, fresh, other, rng)
    marks = chosen >= len(names)
    ups = {k: _upstream(population, k, marks, fresh, other, rng) for k in population.ups}
    return replace(population, genes=genes, ups=ups)


def _rows(population: Population, rng) -> np.ndarray:
    """The rows that move: all, but of a unit of several rows sometimes only about one."""
    several = population.rows // population.units
    share = np.where(rng.random(population.units) < 0.5, 1.0, 1.0 / several)
    return rng.random(population.rows) < share[population.unit_of_row]


def _moved(population: Population, name: str, marks: np.ndarray, fresh: Population, other: Population, rng):
    """The rows of one argument, those in ``marks`` moved."""
    own, drawn, else_where = population.genes[name], fresh.genes[name], other.genes[name]
    layout = population.template.layout(name)
    part = marks.reshape(-1, *(1 for _ in own.shape[1:])) & _elements(own.shape, layout, rng)
    domain = real_of(population.template, layout)
    if domain is not None:
        ties = [g for k, g in population.genes.items() if k != name and g.dtype == float and g.shape == own.shape]
        moved = _numbers(population.template, own, drawn, else_where, ties, rng)
        return np.where(part, confined(moved, domain, population.template.format), own)
    source = rng.random(part.shape[:1]).reshape(-1, *(1 for _ in own.shape[1:])) < 0.5
    moved = np.where(source, drawn, else_where)
    if isinstance(layout.domain, Probabilities | LogProbabilities):
        turned = np.take_along_axis(own, np.argsort(rng.random(own.shape), axis=-1), axis=-1)
        moved = np.where(rng.random(part.shape[:1]).reshape(source.shape) < 0.5, turned, moved)
    return np.where(part, moved, own)


def real_of(case: Case, layout: Array) -> Interval | None:
    """The interval that each element of an array may move in by itself; None where it may not."""
    domain = layout.domain
    if isinstance(domain, Depends):
        domain = domain.yes if case.parameters[domain.on] else domain.no
    if isinstance(domain, Complex):
        return Interval()
    return domain if isinstance(domain, Interval) else None


def _elements(shape: tuple[int, ...], layout: Array, rng) -> np.ndarray:
    """The elements of each row that move: one, about half, or all; vectors of what is bound by its neighbours."""
    bound = isinstance(layout.domain, Probabilities | LogProbabilities | LabelSet)
    cells = (*shape[:-1], 1) if bound else shape
    flat = rng.random((shape[0], int(np.prod(cells[1:]))))
    kind = rng.integers(0, 3, (shape[0], 1))
    one = flat == flat.max(axis=1, keepdims=True, initial=0.0)
    return np.where(kind == 0, one, (kind == 1) | (flat < 0.5)).reshape(cells)


def _numbers(case: Case, own, drawn, else_where, ties, rng) -> np.ndarray:
    """Every number moved in some way; not yet confined to its domain."""
    format, per_row = case.format, (own.shape[0], *(1 for _ in own.shape[1:]))
    near = ties[rng.integers(len(ties))] if ties else own
    apart = _landmark(case, own.shape, rng) * (rng.random(per_row) < 0.5)
    with np.errstate(over="ignore"):
        tied = format.round(near + apart)
        scaled = np.ldexp(own, rng.integers(-SCALE, SCALE + 1, per_row))
    found = [
        stepped(own, _steps(own.shape, per_row, format, rng), format),
        scaled,
        -own,
        else_where,
        drawn,
        stepped(finite(tied, format), rng.integers(-2, 3, own.shape), format),
    ]
    return np.choose(rng.choice(len(found), per_row, p=WEIGHTS), found)


def _steps(shape, per_row, format: Format, rng) -> np.ndarray:
    """So many places up or down: one, or up to a factor of two, each row on a scale of its own."""
    width = np.int64(1) << rng.integers(0, format.precision, per_row)
    return (rng.integers(0, 2, shape) * 2 - 1) * np.maximum(1, (rng.random(shape) * width).astype(np.int64))


def _landmark(case: Case, shape, rng) -> np.ndarray:
    """Distances at which losses have kinks: one, and every real parameter, of either sign."""
    real = [abs(v) for v in case.parameters.values() if isinstance(v, float) and np.isfinite(v)]
    return rng.choice(np.array([1.0, *real]), shape) * (rng.integers(0, 2, shape) * 2 - 1)


def finite(x: np.ndarray, format: Format) -> np.ndarray:
    """The nearest finite numbers of a format."""
    with np.errstate(over="ignore"):
        return np.clip(format.round(np.clip(x, -format.max, format.max)), -format.max, format.max)


def confined(x: np.ndarray, domain: Interval, format: Format) -> np.ndarray:
    """Numbers of a format in an interval: those beyond nought on the other side, others at its nearer end."""
    x = finite(x, format)
    x = abs(x) if domain.low == 0 else -abs(x) if domain.high == 0 else x
    x = np.clip(x, domain.low, domain.high)
    return np.where(x == domain.low, format.tiny, x) if domain.open else x


def _upstream(population: Population, field: str, marks, fresh: Population, other: Population, rng) -> np.ndarray:
    """The upstream gradients of a field, those of the units in ``marks`` moved; never nought."""
    own, format = population.ups[field], population.template.format
    steps = _steps(own.shape, (own.shape[0], *(1 for _ in own.shape[1:])), format, rng)
    found = [
        stepped(own, steps, format),
        np.ldexp(own, rng.integers(-SCALE, SCALE + 1, own.shape)),
        -own,
        other.ups[field],
        fresh.ups[field],
    ]
    moved = np.choose(rng.integers(0, len(found), own.shape), found)
    size = np.clip(abs(finite(moved, format)), 2.0**-REACH, 2.0**REACH)
    return np.where(population.places(marks, own.shape), np.copysign(size, moved), own)


def reparametrised(population: Population, rng: np.random.Generator) -> Population:
    """The population with other numbers in what its units share: real parameters, arguments of the constructor."""
    case = population.template
    real = [k for k, d in case.contract.parameters.items() if isinstance(d, Interval)]
    shared = [
        k for k, a in case.arguments.items() if a is not None and case.is_shared(k) and real_of(case, case.layout(k))
    ]
    chosen = rng.integers(len(real) + len(shared)) if real or shared else None
    if chosen is None:
        return population
    if chosen < len(real):
        name = real[chosen]
        value = _parameter(case.parameters[name], case.contract.parameters[name], rng)
        return population.with_template(replace(case, parameters={**case.parameters, name: value}))
    name = shared[chosen - len(real)]
    own = np.atleast_1d(case.arguments[name])
    part = rng.random(own.shape) < 1 / max(1, own.shape[-1])
    moved = _numbers(case, own, rng.permuted(own), rng.permutation(own), [], rng)
    moved = np.where(part, confined(moved, real_of(case, case.layout(name)), case.format), own)
    moved = moved.reshape(case.arguments[name].shape)
    return population.with_template(replace(case, arguments={**case.arguments, name: moved}))


def _parameter(value: float, domain: Interval, rng) -> float:
    """A parameter in its domain that differs in one of its binary digits."""
    moved = float(value) * (1.0 + (rng.integers(0, 2) * 2 - 1) * 2.0 ** -int(rng.integers(1, 24)))
    return float(np.clip(moved, domain.low, domain.high))
