"""Which shapes contradict the layouts in the header of a contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from conformance.case import Case
from conformance.invalid.invalid import Make, with_array
from reference import Contract


def of_layout(contract: Contract, name: str) -> Iterator[tuple[str, str, Make]]:
    """Shapes that one argument may not have next to those of the others: names, reasons, changes."""
    yield f"{name}-longer", f"{name} one longer than the other arguments", resized(name, lambda n: n + 1)
    yield f"{name}-shorter", f"{name} one shorter than the other arguments", resized(name, lambda n: n - 1)
    if any(kind.broadcasts != "all" or kind.core for kind in contract.arguments[name].kinds):
        yield f"{name}-single", f"{name} of size one where the other arguments are longer", collapsed(name)
    yield f"{name}-extra-dimension", f"one dimension more in {name}", extended(name)
    yield f"{name}-missing-dimension", f"one dimension less in {name}", shortened(name)
    if name == contract.positional[0]:
        if contract.arguments[name].core:
            yield f"{name}-scalar", f"a number without dimensions as {name}", scalar(name)
        if not any(d.starred for k in contract.positional for a in contract.arguments[k].kinds for d in a.layout):
            yield "every-extra-dimension", "one dimension more in every argument", every_extended


def axes_of(case: Case, name: str) -> list[tuple[int, str]]:
    """Every axis of an argument that stands for a dimension, and the name of that dimension."""
    names = [d.name for d in case.layout(name).layout for _ in case.sizes[d.name]]
    start = 0 if case.is_shared(name) else 1
    return [(start + i, dim) for i, dim in enumerate(names)]


def bound_axes(case: Case, name: str, least: int) -> list[int]:
    """The axes, of size ``least`` at least, whose size other arguments determine too."""
    if case.arguments[name] is None:
        return []
    present = [k for k, a in case.arguments.items() if a is not None and k != name]
    elsewhere = {d.name for k in present for d in case.layout(k).layout}
    sizes = case.arguments[name].shape
    return [axis for axis, dim in axes_of(case, name) if dim in elsewhere and sizes[axis] >= least]


def taken(case: Case, name: str, axis: int, size: int) -> Case:
    """The case with an argument of another size along one axis, its elements repeated from the start."""
    array = case.arguments[name]
    return with_array(case, name, np.take(array, np.arange(size) % array.shape[axis], axis=axis))


def resized(name: str, count: Callable[[int], int]) -> Make:
    """Another size along each axis in turn, where neither size is one, which would be broadcast."""
    least = 2 if count(2) > 1 else 3

    def make(case: Case) -> list[Case]:
        sizes = None if case.arguments[name] is None else case.arguments[name].shape
        return [taken(case, name, axis, count(sizes[axis])) for axis in bound_axes(case, name, least)]

    return make


def collapsed(name: str) -> Make:
    """Size one along each axis in turn that the contract does not let be broadcast."""

    def make(case: Case) -> list[Case]:
        layout, own = case.layout(name), axes_of(case, name)
        allowed = {
            "": set(),
            "all": {axis for axis, dim in own if dim not in layout.core},
            "last": {axis for axis, _ in own[-1:]},
        }[layout.broadcasts]
        return [taken(case, name, axis, 1) for axis in bound_axes(case, name, 2) if axis not in allowed]

    return make


def extended(name: str) -> Make:
    """One more dimension of size one, first and last."""

    def make(case: Case) -> list[Case]:
        if not bound_axes(case, name, 2):
            return []
        axes, array = [axis for axis, _ in axes_of(case, name)], case.arguments[name]
        return [with_array(case, name, np.expand_dims(array, at)) for at in (axes[0], axes[-1] + 1)]

    return make


def shortened(name: str) -> Make:
    """Only what is first along the first axis that other arguments have too."""

    def make(case: Case) -> list[Case]:
        axes = bound_axes(case, name, 2)
        return [with_array(case, name, np.take(case.arguments[name], 0, axis=axes[0]))] if axes else []

    return make


def scalar(name: str) -> Make:
    """A single number."""

    def make(case: Case) -> list[Case]:
        array = case.arguments[name]
        return [with_array(case, name, array.reshape(len(array), -1)[:, 0])] if array.size else []

    return make


def every_extended(case: Case) -> list[Case]:
    """A leading dimension of size one in front of every argument of the call, where each has all of its own."""
    positional = case.contract.positional
    if not all(case.sizes[d.name] for k in positional for d in case.layout(k).layout):
        return []
    return [replace(case, arguments=dict(case.arguments) | {k: case.arguments[k][:, None] for k in positional})]
