"""From a failing case to a small one: fewer calls, rows and classes, then simpler numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from conformance.case import Case
from reference.domains import Index, Interval, Labels, LabelSet, Length

#: Evaluations that minimising one failure may take.
EFFORT = 400


def minimise(case: Case, call: int, fails: Callable[[Case], bool], effort: int = EFFORT) -> Case:
    """The smallest case found that still fails; ``case`` itself, where nothing smaller does."""
    budget = [effort]

    def still(candidate: Case | None) -> bool:
        if candidate is None or budget[0] <= 0:
            return False
        budget[0] -= 1
        return fails(candidate)

    single = case.select(np.array([call]))
    small = single if still(single) else case
    small = _shrink_dimensions(small, still)
    return _simplify_numbers(small, still)


def _shrink_dimensions(case: Case, still: Callable) -> Case:
    """Drop halves, quarters, ... single positions of every dimension, as long as the case fails."""
    progress = True
    while progress:
        progress = False
        for name, sizes in case.sizes.items():
            for axis in range(len(sizes)):
                smaller = _shrink_axis(case, name, axis, still)
                progress |= smaller is not case
                case = smaller
    return case


def _shrink_axis(case: Case, name: str, axis: int, still: Callable) -> Case:
    chunk = case.sizes[name][axis] // 2
    while chunk >= 1:
        size, start = case.sizes[name][axis], 0
        while start < size and size > 1:
            keep = np.r_[0:start, min(start + chunk, size) : size]
            candidate = take(case, name, axis, keep) if len(keep) else None
            if candidate is not None and still(candidate):
                case, size = candidate, len(keep)
            else:
                start += chunk
        chunk //= 2
    return case


def take(case: Case, name: str, axis: int, keep: np.ndarray) -> Case | None:
    """The case with only some positions of a dimension; None where an index needs another one."""
    arguments: dict[str, np.ndarray | None] = {}
    for argument, array in case.arguments.items():
        reduced = None if array is None else _take_from(case, argument, array, name, axis, keep)
        if array is not None and reduced is None:
            return None
        arguments[argument] = reduced
    sizes = dict(case.sizes)
    sizes[name] = (*sizes[name][:axis], len(keep), *sizes[name][axis + 1 :])
    smaller = replace(case, sizes=sizes, arguments=arguments)
    cotangents = {}
    for field, up in case.cotangents.items():
        if up.shape[1:] == smaller.result_shape(field):
            cotangents[field] = up
        else:
            position = _terms_axis(case, name, axis)
            cotangents[field] = up if position is None else np.take(up, keep, axis=1 + position)
    return replace(smaller, cotangents=cotangents)


def _terms_axis(case: Case, name: str, axis: int) -> int | None:
    position = 0
    for dim in case.contract.arguments[case.contract.positional[0]].loops:
        if dim.name == name:
            return position + axis
        position += len(case.sizes[dim.name])
    return None


def _take_from(case: Case, argument: str, array: np.ndarray, name: str, axis: int, keep) -> np.ndarray | None:
    layout, position = case.layout(argument), 0 if case.is_shared(argument) else 1
    for dim in layout.layout:
        if dim.name == name and array.shape[position + axis] == case.sizes[name][axis]:
            array = np.take(array, keep, axis=position + axis)
        position += len(case.sizes[dim.name])
    domain = layout.domain
    if isinstance(domain, Length) and domain.of == name:
        return np.minimum(array, len(keep))
    if isinstance(domain, Index | Labels | LabelSet) and domain.of == name:
        return _renumber(case, domain, array, keep)
    return array


def _renumber(case: Case, domain, array: np.ndarray, keep: np.ndarray) -> np.ndarray | None:
    """Class indices after some classes are gone; None where one that is needed is."""
    blank = case.parameters.get(getattr(domain, "blank", None) or "")
    if blank is not None and blank >= len(keep):
        return None
    new = np.full(int(max(array.max(initial=0), keep.max())) + 1, -999)
    new[keep] = np.arange(len(keep))
    special = (array < 0) | (array >= len(new))
    found = np.where(special, array, new[np.where(special, 0, array)])
    return None if (found == -999).any() else found


def _simplify_numbers(case: Case, still: Callable) -> Case:
    """Replace floats, one element at a time, by simpler ones: 0, 1, -1, fewer digits."""
    for where, name in _float_arrays(case):
        array = getattr(case, where)[name]
        for flat in range(array.size):
            for simple in _simpler(float(array.flat[flat])):
                if not _inside(case, where, name, simple):
                    continue
                changed = array.copy()
                changed.flat[flat] = simple
                candidate = replace(case, **{where: getattr(case, where) | {name: changed}})
                if still(candidate):
                    case, array = candidate, changed
                    break
    return case


def _float_arrays(case: Case) -> list[tuple[str, str]]:
    found = [("arguments", k) for k, a in case.arguments.items() if a is not None and a.dtype == float]
    return found + [("cotangents", k) for k in case.cotangents]


def _simpler(x: float) -> Iterator[float]:
    if not np.isfinite(x) or x == 0:
        return
    mantissa, exponent = np.frexp(x)
    for simple in (0.0, 1.0, -1.0):
        if x != simple:
            yield simple
    for bits in (1, 3, 6, 10):
        rounded = float(np.ldexp(np.rint(mantissa * 2**bits) / 2**bits, exponent))
        if rounded != x:
            yield rounded


def _inside(case: Case, where: str, name: str, x: float) -> bool:
    if not np.isfinite(x) or case.format.round(x) != x:
        return False
    if where == "cotangents":
        return x != 0
    domain = case.layout(name).domain
    return isinstance(domain, Interval) and domain.low <= x <= domain.high and not (domain.open and x == domain.low)
