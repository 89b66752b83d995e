"""How are the arguments of one call brought into row form, and its terms back into their shape?"""

from __future__ import annotations

import math

import torch

from conformance.adapters.wrapping import Loss, adapted
from conformance.subject import Subject
from conformance.supports import Supports
from reference.domains import Array


def by_rows(loss: Loss, like: str | None = None) -> Subject:
    """A loss of arguments in row form: (rows, core dimensions), as many rows as the next power of two.

    Rows are repeated up to that number; what becomes of those is not looked at.
    """

    def call(before, case, module, inputs):
        shape = shape_of_terms(case, inputs)
        rows = math.prod(shape)
        if rows == 0:
            return next(x for x in inputs.values() if x.is_floating_point()).new_zeros(shape) + _nothing(inputs)
        moved = {k: filled(in_rows(layout(case, k, x), x)) for k, x in inputs.items()}
        return before(case, module, moved)[:rows].reshape(shape)

    return adapted(loss, like, call=call, supports=Supports(when=_has_all_dimensions, why="arguments that broadcast"))


def _has_all_dimensions(case) -> bool:
    """Whether every argument of the call has all dimensions of the terms, and the constructor holds no array."""
    loops = [d.name for d in case.layout(case.contract.positional[0]).loops]
    own = all([d.name for d in case.layout(k).loops] == loops for k in case.contract.positional)
    full = all(case.in_rows(k).size == case.arguments[k].size for k in case.contract.positional)
    return own and full and all(case.arguments[k] is None for k in case.arguments if case.is_shared(k))


def layout(case, name: str, x: torch.Tensor) -> Array:
    """The kind of array that an argument of a call is."""
    kinds = case.contract.arguments[name].kinds
    return next((k for k in kinds if k.floating == x.is_floating_point()), kinds[0])


def core_axes(array: Array, ndim: int) -> list[int]:
    """Where the core dimensions of an array of so many dimensions are."""
    spare = ndim - sum(1 for d in array.layout if not d.starred and not d.optional)
    axes, place = [], 0
    for dim in array.layout:
        count = spare if dim.starred else min(spare, 1) if dim.optional else 1
        spare -= count if dim.starred or dim.optional else 0
        axes += range(place, place + count) if dim.core else []
        place += count
    return axes


def shape_of_terms(case, inputs) -> torch.Size:
    """The shape of the terms of one call."""
    first = next(iter(inputs))
    cores = core_axes(layout(case, first, inputs[first]), inputs[first].ndim)
    return torch.Size(n for i, n in enumerate(inputs[first].shape) if i not in cores)


def in_rows(array: Array, x: torch.Tensor) -> torch.Tensor:
    """The array in row form."""
    cores = core_axes(array, x.ndim)
    moved = x.movedim(cores, list(range(-len(cores), 0))) if cores else x
    loops = moved.shape[: moved.ndim - len(cores)]
    return moved.reshape(math.prod(loops), *moved.shape[moved.ndim - len(cores) :])


def filled(rows: torch.Tensor) -> torch.Tensor:
    """The rows, and more of them up to a power of two, through which no gradient flows."""
    count = len(rows)
    more = torch.arange((1 << (count - 1).bit_length()) - count, device=rows.device) % count
    return torch.cat([rows, rows.detach()[more]])


def _nothing(inputs) -> torch.Tensor:
    """Nought, on which every argument has an influence of nought."""
    return sum(x.sum() * 0 for x in inputs.values() if x.is_floating_point())
