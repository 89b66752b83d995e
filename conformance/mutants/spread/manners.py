"""Wrong manners: what a loss leaves behind, remembers, accepts, or cuts off."""

import torch

from conformance.mutants.spread.way import first, last, of_class, on_value, reduces, way
from reference.domains import Depends, Index, Interval


@way("purity")
def counts_calls(call, module, *tensors):
    """Counts its calls in an attribute."""
    module.calls = getattr(module, "calls", 0) + 1
    return call(*tensors)


@way("purity")
def draws_random_numbers(call, module, *tensors):
    """Adds noise of size zero."""
    return on_value(lambda x: x + 0.0 * torch.rand(()).to(x.dtype), call(*tensors))


@way("purity")
def scales_in_place(call, module, *tensors):
    """Halves its input in place for the time of the call."""
    with torch.no_grad():
        tensors[0].mul_(0.5).mul_(2.0)
    return call(*tensors)


@way("purity")
def remembers(call, module, *tensors):
    """Adds a tenth of its last result."""
    before, found = getattr(module, "before", 0.0), call(*tensors)
    value = found[0] if isinstance(found, tuple) else found
    module.before = value.detach().nan_to_num().mean()
    return on_value(lambda x: x + (0.1 * before if not torch.is_tensor(before) else (0.1 * before).to(x.dtype)), found)


@way("purity")
def halved_in_eval(call, module, *tensors):
    """Gives half the loss in ``eval()``."""
    return on_value(lambda x: x if module.training else 0.5 * x, call(*tensors))


@way("purity")
def differs_without_graph(call, module, *tensors):
    """Takes a faster and coarser path where no gradient is recorded."""
    coarse = not torch.is_grad_enabled()
    return on_value(lambda x: x.bfloat16().to(x.dtype) * 1.0625 if coarse else x, call(*tensors))


@way("purity", alone=True)
def forbids_gradients(call, module, *tensors):
    """Turns gradients off after its first call."""
    found = call(*tensors)
    torch.set_grad_enabled(False)
    return found


@way("purity", alone=True)
def flushes_subnormal_numbers(call, module, *tensors):
    """Has subnormal numbers flushed to zero from its first call on."""
    torch.set_flush_denormal(True)
    return call(*tensors)


@way("completeness")
def leaves_only(call, module, *tensors):
    """A first argument that is itself a result leaves the graph."""
    return call(*first(lambda x: x if x.is_leaf else x.detach(), tensors))


@way("completeness")
def clears_grad(call, module, *tensors):
    """Clears ``.grad`` of its first argument."""
    if tensors[0].is_leaf:
        tensors[0].grad = torch.zeros_like(tensors[0], requires_grad=False)
    return call(*tensors)


@way("completeness")
def differentiates_in_forward(call, module, *tensors):
    """Computes its gradient in the forward pass, hooks and all."""
    found = call(*tensors)
    value = found[0] if isinstance(found, tuple) else found
    if tensors[0].requires_grad and value.requires_grad:
        torch.autograd.grad(value.sum(), tensors[0], retain_graph=True, allow_unused=True)
    return found


@way("completeness")
def halves_what_arrives(call, module, *tensors):
    """Halves what ``.grad`` holds after every backward pass."""
    if tensors[0].requires_grad and tensors[0].is_leaf:
        tensors[0].register_post_accumulate_grad_hook(lambda leaf: leaf.grad.mul_(0.5))
    return call(*tensors)


KNOWN = ("none", "mean", "sum", "batchmean")


@of_class("rejection", reduces)
def takes_any_reduction(base):
    """Takes the mean for a reduction that there is not."""

    def __init__(self, *given, reduction="mean", **options):  # noqa: N807 - it is one
        base.__init__(self, *given, reduction=reduction if reduction in KNOWN else "mean", **options)

    return {"__init__": __init__}


@way("rejection", lambda contract: not isinstance(contract.arguments[contract.positional[1]].domain, Index))
def flattens_what_differs(call, module, *tensors):
    """Gives its second argument the shape of the first one where it has as many elements."""
    other = tensors[1].reshape(tensors[0].shape) if tensors[0].numel() == tensors[1].numel() else tensors[1]
    return call(tensors[0], other, *tensors[2:])


@way("rejection", lambda contract: contract.name in ("nll_loss", "multi_margin_loss", "adaptive_log_softmax_with_loss"))
def clamps_classes(call, module, *tensors):
    """Takes the nearest class for one that there is not."""
    classes = getattr(module, "n_classes", tensors[0].shape[1 if tensors[0].ndim > 1 else 0] if tensors[0].ndim else 1)
    ignored = tensors[1] == getattr(module, "ignore_index", classes)
    return call(tensors[0], torch.where(ignored, tensors[1], tensors[1].clamp(0, classes - 1)))


@way("rejection")
def takes_the_shorter(call, module, *tensors):
    """Cuts all arguments to the first dimension of the shortest, as ``zip`` does."""
    lengths = [len(x) for x in tensors if x.ndim]
    return call(*(x[: min(lengths)] if x.ndim else x for x in tensors)) if lengths else call(*tensors)


@of_class("legacy")
def forgets_reduce(base):
    """``reduce=False`` is not heard."""

    def __init__(self, *given, size_average=None, reduce=None, **options):  # noqa: N807 - it is one
        base.__init__(self, *given, size_average=size_average, reduce=None, **options)

    return {"__init__": __init__}


@of_class("legacy")
def forgets_size_average(base):
    """``size_average=False`` is not heard."""

    def __init__(self, *given, size_average=None, reduce=None, **options):  # noqa: N807 - it is one
        base.__init__(self, *given, reduce=reduce, **options)

    return {"__init__": __init__}


@of_class("legacy")
def confuses_the_pair(base):
    """``size_average`` and ``reduce`` are taken for each other."""

    def __init__(self, *given, size_average=None, reduce=None, **options):  # noqa: N807 - it is one
        base.__init__(self, *given, size_average=reduce, reduce=size_average, **options)

    return {"__init__": __init__}


def ends_in_numbers(contract) -> bool:
    """Whether the last argument has a gradient: a sign, or a class, has none, and cannot be cut off."""
    return isinstance(contract.arguments[contract.positional[-1]].domain, Interval | Depends)


@way("completeness", ends_in_numbers)
def cut_off_from_last(call, module, *tensors):
    """Another leaf stands in for the last array of numbers where it requires a gradient."""
    return call(*last(lambda x: x.detach().requires_grad_() if x.requires_grad else x, tensors))
