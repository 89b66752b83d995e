"""How does a loss get slower without getting wrong?  Each way calls it as reviews of real changes have seen it called.

A way is ``f(loss, input, target)``; ``loss`` is a module of torch.nn that reduces to a mean.
"""

from __future__ import annotations

import copy
import inspect

import torch
from torch.nn import functional
from torch.utils.checkpoint import checkpoint


def plain(loss, input, target):
    return loss(input, target)


def extra_clone(loss, input, target):
    return loss(input.clone(), target)


def cloned_target(loss, input, target):
    return loss(input, target.clone())


def useless_view(loss, input, target):
    return loss(input.view(input.shape), target)


def float64_inside(loss, input, target):
    return loss(input.double(), target.double() if target.is_floating_point() else target).to(input.dtype)


def python_loop(loss, input, target):
    loss.reduction = "sum"
    parts = zip(input.chunk(4), target.chunk(4), strict=True)
    return torch.stack([loss(i, t) for i, t in parts]).sum() / counted(loss, target)


def counted(loss, target):
    """How many terms the mean is over: all that are not ignored."""
    ignored = getattr(loss, "ignore_index", None)
    return target.numel() if ignored is None else (target != ignored).sum()


def read_by_item(loss, input, target):
    result = loss(input, target)
    loss.seen = result.item()
    return result


def kept_temporary(loss, input, target):
    loss.kept = input.detach() - target if input.shape == target.shape else input.detach() * 2
    return loss(input, target)


def saved_twice(loss, input, target):
    return loss(input * torch.ones_like(input), target)


def computed_twice(loss, input, target):
    loss(input, target)
    return loss(input, target)


def finite_check(loss, input, target):
    if not torch.isfinite(input).all():
        raise ValueError("the input is not finite")
    return loss(input, target)


def split_and_joined(loss, input, target):
    return loss(torch.cat(input.chunk(2)), target)


def flipped_twice(loss, input, target):
    return loss(input.flip(0).flip(0), target)


def multiplied_by_one(loss, input, target):
    return loss(input * 1.0, target)


def zeros_added(loss, input, target):
    return loss(input + torch.zeros_like(input), target)


def masked_by_index(loss, input, target):
    mask = target == target
    return loss(input[mask], target[mask])


def statistic_for_a_log(loss, input, target):
    loss.largest = input.detach().abs().max()
    return loss(input, target)


def reduced_apart(loss, input, target):
    loss.reduction = "none"
    return loss(input, target).sum() / counted(loss, target)


def summed_in_float64(loss, input, target):
    loss.reduction = "none"
    terms = loss(input, target)
    return (terms.sum(dtype=torch.float64) / counted(loss, target)).to(input.dtype)


def expanded_and_copied(loss, input, target):
    return loss(input, target.unsqueeze(0).expand(2, *target.shape).contiguous()[0])


def through_numpy(loss, input, target):
    return loss(input, torch.from_numpy(target.numpy().copy()))


def transposed_copy(loss, input, target):
    matrix = square(input)
    return loss(matrix.t().contiguous().t().view_as(matrix).reshape(input.shape), target)


def gradient_copied(loss, input, target):
    seen = input.view_as(input)
    seen.register_hook(lambda gradient: gradient * 1.0)
    return loss(seen, target)


def computed_again_for_gradients(loss, input, target):
    return checkpoint(loss, input, target, use_reentrant=False)


def module_built_each_call(loss, input, target):
    return type(loss)(reduction="mean")(input, target)


def module_copied_each_call(loss, input, target):
    return copy.deepcopy(loss)(input, target)


def signature_inspected(loss, input, target):
    inspect.signature(type(loss).forward).bind(loss, input, target)
    return loss(input, target)


def by_rows(loss, input, target):
    """A buffer of rows: what :func:`by_columns` is compared with."""
    return held(loss, input, target, lambda n, m: (m, 1))


def by_columns(loss, input, target):
    """The transposed operand: the same operators on the same bytes, in another order of memory."""
    return held(loss, input, target, lambda n, m: (1, n))


def held(loss, input, target, steps):
    """The target, or where it is of classes the input, in a buffer of some order of memory."""
    matrix = square(input)
    buffer = torch.empty_strided(matrix.shape, steps(*matrix.shape))
    if target.shape != input.shape:
        return loss(buffer.copy_(matrix), target)
    return loss(matrix, buffer.copy_(target.view(matrix.shape)))


def square(tensor):
    """A vector as a square matrix; a matrix as it is."""
    side = round(tensor.numel() ** 0.5)
    return tensor.view(side, side) if tensor.ndim == 1 else tensor


def unfused_bce(loss, input, target):
    return (functional.softplus(-input.abs()) + input.clamp(min=0) - input * target).mean()


def unfused_cross_entropy(loss, input, target):
    kept = target != loss.ignore_index
    terms = functional.log_softmax(input, 1).gather(1, torch.where(kept, target, 0)[:, None]).squeeze(1)
    return -torch.where(kept, terms, 0.0).sum() / kept.sum()


def unfused_small_huber(loss, input, target):
    error = (input - target).abs()
    return torch.where(error <= 1, 0.5 * error.square(), error - 0.5).mean()


def unfused_mse(loss, input, target):
    return (input - target).square().mean()


def unfused_smooth_l1(loss, input, target):
    error = (input - target).abs()
    return torch.where(error < 1, 0.5 * error * error, error - 0.5).mean()


def square_by_power(loss, input, target):
    return torch.pow(input - target, 2.0).mean()


def square_by_product(loss, input, target):
    error = input - target
    return (error * error).mean()


#: What torch itself does with a loss, and so no regression.
ITS_OWN = {"l1": (reduced_apart,)}
#: Ways that any loss can take, ways that only gradients notice, and what Python alone does, which only a small call
#: is slowed by.
ANY = (
    extra_clone, cloned_target, useless_view, float64_inside, python_loop, read_by_item, kept_temporary, saved_twice,
    computed_twice, finite_check, split_and_joined, flipped_twice, multiplied_by_one, zeros_added, masked_by_index,
    statistic_for_a_log, reduced_apart, summed_in_float64, expanded_and_copied, through_numpy, transposed_copy,
    by_columns,
)  # fmt: skip
OF_GRADIENTS = (gradient_copied, computed_again_for_gradients)
OF_PYTHON = (module_built_each_call, module_copied_each_call, signature_inspected)
UNFUSED = {
    "bce": (unfused_bce,), "cross_entropy": (unfused_cross_entropy,), "small_huber": (unfused_small_huber,),
    "mse": (unfused_mse, square_by_power, square_by_product), "smooth_l1": (unfused_smooth_l1,), "l1": (),
}  # fmt: skip
