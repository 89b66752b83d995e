"""In which memory layouts can the same numbers be handed to a subject?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count

import torch

from conformance.case import Case

#: What stands in memory next to the numbers: whoever reads it is found out.
POISON = float("nan")
POISONOUS_INDEX = 2**40

Arrange = Callable[[torch.Tensor], torch.Tensor]


def buffer(like: torch.Tensor, shape) -> torch.Tensor:
    """Memory that holds nothing but poison."""
    poison = POISON if like.is_floating_point() or like.is_complex() else POISONOUS_INDEX
    return torch.full(tuple(shape), poison, dtype=like.dtype, device=like.device)


def as_it_is(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.clone(memory_format=torch.contiguous_format)


def transposed(tensor: torch.Tensor) -> torch.Tensor:
    """Contiguous in the reverse order of dimensions."""
    order = tuple(reversed(range(tensor.ndim)))
    return tensor.permute(order).clone(memory_format=torch.contiguous_format).permute(order)


def stepped(tensor: torch.Tensor) -> torch.Tensor:
    """Every second element of a larger buffer, in every dimension."""
    window = buffer(tensor, (2 * n + 1 for n in tensor.shape))[tuple(slice(1, None, 2) for _ in tensor.shape)]
    return window.copy_(tensor)


def padded(tensor: torch.Tensor) -> torch.Tensor:
    """The left columns of a wider matrix."""
    if tensor.ndim == 0:
        return stepped(tensor)
    width = tensor.shape[-1]
    return buffer(tensor, (*tensor.shape[:-1], width + 3))[..., :width].copy_(tensor)


def offset(tensor: torch.Tensor) -> torch.Tensor:
    """Contiguous, at an odd place in the middle of a larger buffer."""
    start = 3
    whole = buffer(tensor, (tensor.numel() + 2 * start,))
    return whole[start : start + tensor.numel()].view(tensor.shape).copy_(tensor)


def expanded(tensor: torch.Tensor) -> torch.Tensor:
    """With a stride of nought along every dimension in which the numbers do not change."""
    for axis in range(tensor.ndim):
        first = tensor.narrow(axis, 0, min(1, tensor.shape[axis]))
        if tensor.shape[axis] > 1 and same(first.expand_as(tensor), tensor):
            tensor = first.expand_as(tensor)
    return tensor


def channels_last(tensor: torch.Tensor) -> torch.Tensor:
    """The second dimension innermost, where there are four."""
    return tensor.contiguous(memory_format=torch.channels_last) if tensor.ndim == 4 else as_it_is(tensor)


def channels_last_3d(tensor: torch.Tensor) -> torch.Tensor:
    """The second dimension innermost, where there are five."""
    return tensor.contiguous(memory_format=torch.channels_last_3d) if tensor.ndim == 5 else as_it_is(tensor)


def negative(tensor: torch.Tensor) -> torch.Tensor:
    """The opposite numbers, and a mark that says so, as imaginary parts of conjugates have it."""
    floating = tensor.is_floating_point() or tensor.is_complex()
    return torch._neg_view(tensor.neg()) if floating else as_it_is(tensor)


def conjugate(tensor: torch.Tensor) -> torch.Tensor:
    """The conjugate numbers, and a mark that says so."""
    return tensor.conj().resolve_conj().conj() if tensor.is_complex() else as_it_is(tensor)


def same(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether two tensors hold the same numbers, NaN included."""
    return bool(((a == b) | (a != a) & (b != b)).all())


#: The layouts that concern one tensor at a time, by name.
LAYOUTS: Mapping[str, Arrange] = {
    "transposed": transposed,
    "stepped": stepped,
    "padded": padded,
    "offset": offset,
    "expanded": expanded,
    "channels-last": channels_last,
    "channels-last-3d": channels_last_3d,
    "negative": negative,
    "conjugate": conjugate,
}
#: What the tensors of one call get in turn where every one has another layout.
TURNS = (transposed, stepped, expanded, offset, negative, padded)


def arrangement(case: Case, question: str) -> Callable[[str, torch.Tensor], torch.Tensor]:
    """``arrange(name, tensor)``, as a session takes it, for the layout that a question names."""
    if question == "view":
        return lambda name, tensor: view(tensor, name in case.differentiable)
    if question == "mixed":
        turn = dict(zip([*case.arguments, *case.cotangents], count(int(case.digest()[:4], 16))))
        return lambda name, tensor: TURNS[turn[name] % len(TURNS)](tensor)
    return lambda name, tensor: LAYOUTS[question](tensor)


def view(tensor: torch.Tensor, differentiable: bool) -> torch.Tensor:
    """A part of a tensor that itself requires a gradient: no leaf."""
    if not differentiable:
        return stepped(tensor)
    return stepped(tensor).detach().requires_grad_().view_as(tensor)
