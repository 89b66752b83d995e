"""How does a function of other arrays take part in autograd?  As one operation, whose derivative is one again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import ml_dtypes
import numpy as np
import torch


def to_numpy(tensor: torch.Tensor) -> np.ndarray:
    """The same numbers in the same format; bfloat16 is that of ml_dtypes."""
    tensor = tensor.detach().resolve_conj().resolve_neg().cpu().contiguous()
    if tensor.dtype == torch.bfloat16:
        return tensor.view(torch.int16).numpy().view(ml_dtypes.bfloat16).copy()
    return tensor.numpy().copy()


def to_torch(array) -> torch.Tensor:
    """The same back, with memory of its own."""
    array = np.array(array)
    if array.dtype == ml_dtypes.bfloat16:
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    return torch.as_tensor(array)


@dataclass(frozen=True)
class Pull:
    """The derivative of functions of arrays: ``of(function, count)`` is the function of their ``count`` arrays and of
    the upstream gradients that returns the gradients of those of floating-point numbers, in order.

    ``again``: whether it differentiates what it returns as well.
    """

    of: Callable[[Callable, int], Callable]
    again: bool = False


class Bridge(torch.autograd.Function):
    """``Bridge.apply(function, pull, *tensors)``: a function that takes arrays and returns several; None: no pull."""

    @staticmethod
    def forward(ctx, function: Callable, pull: Pull | None, *tensors):
        ctx.function, ctx.pull = function, pull
        ctx.save_for_backward(*tensors)
        device = tensors[0].device
        return tuple(to_torch(x).to(device) for x in function(*(to_numpy(t) for t in tensors)))

    @staticmethod
    def backward(ctx, *upstream):
        tensors = ctx.saved_tensors
        if ctx.pull is None:
            raise NotImplementedError("not supported: there is no derivative of this derivative")
        found = iter(
            Bridge.apply(
                ctx.pull.of(ctx.function, len(tensors)), ctx.pull if ctx.pull.again else None, *tensors, *upstream
            )
        )
        return None, None, *(next(found) if t.is_floating_point() else None for t in tensors)
