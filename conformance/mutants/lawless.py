"""Wrong calls of torch's own losses, each of which breaks some identities; each docstring says how."""

import torch

from conformance.construction import call_like_torch, make_like_torch
from conformance.subject import Subject, torch_subject
from reference import Contract


def on_value(change, result):
    """A result with its first field, or itself, changed."""
    return result._replace(output=change(result.output)) if isinstance(result, tuple) else change(result)


def first(inputs) -> str:
    """The first argument of floating-point numbers."""
    return next(k for k, x in inputs.items() if x.is_floating_point() or x.is_complex())


def offset(case, module, inputs):
    """A quarter too much."""
    return on_value(lambda x: x + 0.25, call_like_torch(case, module, inputs))


def tilted(case, module, inputs):
    """The first input counts more the later it comes."""
    name = first(inputs)
    ramp = 1 + torch.arange(inputs[name].numel()).reshape(inputs[name].shape) / 64
    tilt = inputs[name] * ramp.to(inputs[name].dtype)
    return call_like_torch(case, module, {**inputs, name: tilt.clamp(max=1) if "BCELoss" in str(module) else tilt})


def by_rank(case, module, inputs):
    """The loss grows with the number of dimensions of its input."""
    return on_value(lambda x: x * (1 + inputs[first(inputs)].ndim), call_like_torch(case, module, inputs))


def peeking(case, module, inputs):
    """The mean of all the input is added, also of what should not count."""
    seen = inputs[first(inputs)].float().mean().to(inputs[first(inputs)].dtype)
    return on_value(lambda x: x + seen, call_like_torch(case, module, inputs))


def target_counts(case, module, inputs):
    """The numbers of the classes are added as if they were quantities."""
    return on_value(lambda x: x + 0.01 * inputs["target"].sum(), call_like_torch(case, module, inputs))


def probabilities_count_more(case, module, inputs):
    """A tenth is added where the target holds probabilities."""
    more = 1.1 if inputs["target"].is_floating_point() else 1.0
    return on_value(lambda x: x * more, call_like_torch(case, module, inputs))


def weights_count_more(case, module, inputs):
    """The loss is half as much again where there is a weight."""
    more = 1.0 if case.arguments["weight"] is None else 1.5
    return on_value(lambda x: x * more, call_like_torch(case, module, inputs))


class _Bent(torch.autograd.Function):
    """The identity, whose gradient is ``bend(upstream)``."""

    @staticmethod
    def forward(ctx, x, bend):
        ctx.bend = bend
        return x.clone()

    @staticmethod
    def backward(ctx, upstream):
        return ctx.bend(upstream), None


def bent_gradient(case, module, inputs):
    """The gradient is not linear in the upstream one."""
    return on_value(lambda x: _Bent.apply(x, lambda g: g * g.abs()), call_like_torch(case, module, inputs))


def steep_sum(case, module, inputs):
    """The gradient of a sum is twice too large."""
    steep = 2.0 if case.reduction == "sum" else 1.0
    return on_value(lambda x: _Bent.apply(x, lambda g: g * steep), call_like_torch(case, module, inputs))


def squared_weights(factory, case, tensors):
    """The weight is squared."""
    squared = {k: x * x if k == "weight" and x is not None else x for k, x in tensors.items()}
    return make_like_torch(factory, case, squared)


def squared_smoothing(factory, case, tensors):
    """The smoothing is squared."""

    def squaring(label_smoothing=0.0, **rest):
        return factory(label_smoothing=label_smoothing**2, **rest)

    return make_like_torch(squaring, case, tensors)


CALLS = {
    way.__name__: way
    for way in (
        offset, tilted, by_rank, peeking, target_counts, probabilities_count_more, weights_count_more, bent_gradient,
        steep_sum,
    )
}  # fmt: skip
MAKES = {way.__name__: way for way in (squared_weights, squared_smoothing)}


def lawless(name: str, contract: Contract) -> Subject:
    """The wrong subject of that name, for one contract."""
    return Subject(torch_subject(contract).factory, name=name, make=MAKES.get(name), call=CALLS.get(name))
