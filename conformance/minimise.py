"""From a failing case to a small one: fewer calls, rows and classes, then simpler arguments and numbers.

Nothing here looks at a clock: what may be tried is limited by what it costs, in counts, so that the smallest
case does not depend on the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from conformance.case import Case, loop_dimensions
from conformance.smaller import keep_one, squeezed, take
from reference.domains import Complex, Depends, Index, Interval, OneOf

#: What minimising the failures of one row may cost, in units of one number in an oracle's formula: seconds, at most.
EFFORT = 1_500_000
#: Cases that may be tried for one failure.
TRIES = 300
#: What a case costs besides its numbers: for every argument, for every call.
PER_ARGUMENT, PER_CALL = 600, 100
#: Where any of many may do, so many are tried.
FIRST = 8
#: How much more a number costs where it is certified.
CERTIFIED = 8


def cost(case: Case) -> int:
    """What it costs to ask a case, and to judge the answer."""
    numbers = sum(
        case.rows * int(np.prod([n for name in case.layout(k).core for n in case.sizes[name]]))
        for k, array in case.arguments.items()
        if array is not None
    )
    return (
        PER_ARGUMENT * len(case.arguments)
        + PER_CALL * case.calls
        + numbers * (CERTIFIED if case.format.name == "float64" else 1)
    )


@dataclass
class Effort:
    """What may be spent on one failure, and what has been; ``trying``: how many cases, at most."""

    most: int = EFFORT
    trying: int = TRIES
    spent: int = 0
    tries: int = 0

    def affords(self, case: Case) -> bool:
        """Whether a case can be asked; what it costs is gone then."""
        price = cost(case)
        if self.spent + price > self.most or self.tries >= self.trying:
            return False
        self.spent += price
        self.tries += 1
        return True


def minimise(case: Case, call: int | None, fails: Callable[[Case], bool], effort: Effort) -> Case:
    """The smallest case found that still fails; ``case`` itself, where nothing smaller does.

    ``call``: the one that fails, None where that is not known.  A candidate that the contract cannot be
    evaluated on does not fail.
    """

    def still(candidate: Case | None) -> bool:
        if candidate is None or not effort.affords(candidate):
            return False
        try:
            return fails(candidate)
        except Exception:
            return False

    calls = range(min(case.calls, FIRST)) if call is None else [call]
    small = next((c for c in (case.select(np.array([i])) for i in calls) if still(c)), case)
    for step in STEPS:
        if effort.spent + cost(small) <= effort.most or step in SHRINKING:
            small = step(small, still)
    return small


def _single_positions(case: Case, still: Callable) -> Case:
    """One row in place of all: often that is enough, and all else is cheap."""
    for dim in loop_dimensions(case.contract):
        for axis, size in enumerate(case.sizes[dim.name]):
            tried = (keep_one(case, dim.name, axis, position) for position in _telling(case, dim.name, axis))
            case = next((c for c in tried if size > 1 and still(c)), case)
    return case


def _telling(case: Case, name: str, axis: int) -> list[int]:
    """A few positions: where whole numbers, as class indices are, stand, the smallest, the largest, and between."""
    order = np.arange(case.sizes[name][axis])
    for argument in case.contract.positional:
        array, layout = case.arguments[argument], case.layout(argument)
        if array is not None and array.dtype != float and array.shape[1:] == case.shape and array.size:
            place = 1 + [d.name for d in layout.layout for _ in case.sizes[d.name]].index(name) + axis
            other = tuple(i for i in range(array.ndim) if i != place)
            order = np.argsort(array.max(axis=other), kind="stable")
    ranks = np.linspace(0, len(order) - 1, FIRST).astype(int) if len(order) else []
    return list(dict.fromkeys(int(order[rank]) for rank in ranks))


def _shrunk_dimensions(case: Case, still: Callable) -> Case:
    """Drop halves, quarters, ... single positions of every dimension, as long as the case fails."""
    progress = True
    while progress:
        before = case
        for name in [n for n in case.sizes if n not in case.contract.sizes]:
            for axis in range(len(case.sizes[name])):
                case = _shrink_axis(case, name, axis, still)
            flat = squeezed(case, name)
            case = flat if still(flat) else case
        progress = case is not before
    return case


def _shrink_axis(case: Case, name: str, axis: int, still: Callable) -> Case:
    chunk = case.sizes[name][axis] // 2
    while chunk >= 1:
        size, start = case.sizes[name][axis], 0
        while start < size and size > 1:
            keep = np.r_[0:start, min(start + chunk, size) : size]
            candidate = take(case, name, axis, keep) if len(keep) else None
            if still(candidate):
                case, size = candidate, len(keep)
            else:
                start += chunk
        chunk //= 2
    return case


def _plainer_options(case: Case, still: Callable) -> Case:
    """Leave out arguments that may be, and give parameters their default."""
    for name, declared in case.contract.arguments.items():
        if declared.optional and case.arguments[name] is not None:
            without = replace(case, arguments=case.arguments | {name: None})
            case = without if still(without) else case
    for name, value in case.parameters.items():
        default = case.contract.defaults.get(name, value)
        if repr(value) != repr(default):
            plain = replace(case, parameters=case.parameters | {name: default})
            case = plain if still(plain) else case
    return case


def _constant_arrays(case: Case, still: Callable) -> Case:
    """Whole arrays of zeros or of ones."""
    for where, name in _arrays(case):
        for simple in (0, 1):
            candidate = _with(case, where, name, slice(None), simple)
            if still(candidate):
                case = candidate
                break
    return case


def _constant_parts(case: Case, still: Callable) -> Case:
    """Halves, quarters, ... of large arrays of zeros or of ones."""
    for where, name in _arrays(case):
        size = getattr(case, where)[name].size
        for simple in (0, 1):
            chunk = size // 2
            while chunk > FIRST:
                for start in range(0, size, chunk):
                    candidate = _with(case, where, name, slice(start, start + chunk), simple)
                    case = candidate if still(candidate) else case
                chunk //= 2
    return case


def _equal_numbers(case: Case, still: Callable) -> Case:
    """Numbers that stand in several arrays, as ties do: all of them together."""
    floats = [k for k, a in case.arguments.items() if a is not None and a.dtype == float]
    found, counts = np.unique(np.concatenate([np.unique(case.arguments[k]) for k in floats]), return_counts=True)
    for number in found[(counts > 1) & (found != 0)][:FIRST]:
        for simple in (0.0, 1.0, 2.0):
            together = case
            for name in floats:
                marks = np.flatnonzero(together.arguments[name].reshape(-1) == number)
                together = _with(together, "arguments", name, marks, simple) or together
            if together is not case and still(together):
                case = together
                break
    return case


def _simpler_numbers(case: Case, still: Callable) -> Case:
    """Replace numbers, one element at a time, by simpler ones: 0, 1, -1, 2, -2, fewer digits."""
    for where, name in _arrays(case):
        array = getattr(case, where)[name]
        for flat in range(array.size):
            tried = (_with(case, where, name, slice(flat, flat + 1), x) for x in _simpler(array.flat[flat]))
            case = next((c for c in tried if still(c)), case)
    return case


def _arrays(case: Case) -> list[tuple[str, str]]:
    """What holds numbers to simplify: arguments and cotangents, by the case's field and their name."""
    found = [("arguments", k) for k, a in case.arguments.items() if a is not None]
    return found + [("cotangents", k) for k in case.cotangents]


def _with(case: Case, where: str, name: str, part: slice | np.ndarray, simple: float) -> Case | None:
    """The case with another number in some elements of an array; None where that changes or means nothing."""
    array = getattr(case, where)[name]
    if not _inside(case, where, name, simple):
        return None
    changed = array.copy()
    changed.reshape(-1)[part] = simple
    if changed.tobytes() == array.tobytes():
        return None
    return replace(case, **{where: getattr(case, where) | {name: changed}})


def _simpler(x: float) -> Iterator[float]:
    if x == 0:
        return
    yield from (simple for simple in (0.0, 1.0, -1.0, 2.0, -2.0) if x != simple)
    if isinstance(x, np.floating) and np.isfinite(x):
        mantissa, exponent = np.frexp(x)
        for bits in (1, 3, 6, 10):
            with np.errstate(over="ignore"):
                rounded = float(np.ldexp(np.rint(mantissa * 2**bits) / 2**bits, exponent))
            if rounded != x:
                yield rounded


def _inside(case: Case, where: str, name: str, x: float) -> bool:
    """Whether a number may stand in an array, whatever stands next to it."""
    if not np.isfinite(x) or case.format.round(np.float64(x)) != x:
        return False
    if where == "cotangents":
        return x != 0
    domain = case.layout(name).domain
    if isinstance(domain, Depends):
        domain = domain.yes if case.parameters[domain.on] else domain.no
    if isinstance(domain, Interval):
        return domain.low <= x <= domain.high and not (domain.open and x == domain.low)
    if isinstance(domain, Index):
        return 0 <= x < case.sizes[domain.of][0]
    return isinstance(domain, Complex) or (isinstance(domain, OneOf) and x in domain.values)


SHRINKING = (_single_positions, _shrunk_dimensions)
STEPS = (
    _single_positions, _constant_arrays, _shrunk_dimensions, _plainer_options, _constant_arrays, _constant_parts,
    _equal_numbers, _simpler_numbers,
)  # fmt: skip
