"""What is left of a case when some positions of a dimension are dropped: arrays, indices, lengths, sizes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from conformance.case import Case
from reference.domains import Index, Labels, LabelSet, Length


def keep_one(case: Case, name: str, axis: int, position: int) -> Case | None:
    """The case with only one position of a dimension."""
    return take(case, name, axis, np.array([position]))


def take(case: Case, name: str, axis: int, keep: np.ndarray) -> Case | None:
    """The case with only some positions of a dimension; None where an index needs another one.

    Dimensions whose sizes follow from this one's keep their first positions, and the indices that fit.
    """
    case = _taken(case, name, axis, keep)
    if case is None or not case.contract.sizes:
        return case
    plain = {n: s[0] for n, s in case.sizes.items() if s and n not in case.contract.sizes}
    for derived, function in case.contract.sizes.items():
        if case is not None and case.sizes[derived] != (function(plain),):
            case = _taken(_clamped(case, derived, function(plain)), derived, 0, np.arange(function(plain)))
    return case


def _clamped(case: Case, name: str, size: int) -> Case:
    """The case with indices along a dimension of at most its new size."""
    arguments = {
        k: np.minimum(a, size - 1) if a is not None and getattr(case.layout(k).domain, "of", None) == name else a
        for k, a in case.arguments.items()
    }
    return replace(case, arguments=arguments)


def _taken(case: Case, name: str, axis: int, keep: np.ndarray) -> Case | None:
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


def squeezed(case: Case, name: str) -> Case | None:
    """The case without those of several dimensions of one name that have size one; None where there is none."""
    sizes = case.sizes[name]
    gone = [axis for axis, size in enumerate(sizes) if size == 1][: len(sizes) - 1]
    if len(sizes) < 2 or not gone:
        return None
    arguments = {
        k: None if a is None else np.squeeze(a, axis=_axes_of(case, k, name, gone)) for k, a in case.arguments.items()
    }
    kept = tuple(size for axis, size in enumerate(sizes) if axis not in gone)
    smaller = replace(case, sizes=dict(case.sizes) | {name: kept}, arguments=arguments)
    ups = {f: up.reshape(up.shape[0], *smaller.result_shape(f)) for f, up in case.cotangents.items()}
    return replace(smaller, cotangents=ups)


def _axes_of(case: Case, argument: str, name: str, gone: list[int]) -> tuple[int, ...]:
    """Where the axes ``gone`` of a dimension stand in an argument's array."""
    position, found = 0 if case.is_shared(argument) else 1, []
    for dim in case.layout(argument).layout:
        found += [position + axis for axis in gone] if dim.name == name else []
        position += len(case.sizes[dim.name])
    return tuple(found)
