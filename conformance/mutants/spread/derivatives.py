"""Wrong derivatives beyond the first gradient, whose own numbers are right."""

import torch

from conformance.mutants.reported.gradients import second_derivative
from conformance.mutants.spread.way import first, on_value, way


def twice_differentiable(contract) -> bool:
    """Whether the contract has second derivatives, and forward ones, at all."""
    return not contract.through


@way("second_derivative", twice_differentiable)
def second_is_zero(call, module, *tensors):
    """What the backward saved is a constant to it."""
    return call(*first(lambda x: second_derivative(x, torch.zeros_like), tensors))


@way("second_derivative", twice_differentiable)
def second_is_halved(call, module, *tensors):
    """The second backward pass lacks one of two equal terms."""
    return call(*first(lambda x: second_derivative(x, lambda g: g / 2), tensors))


@way("second_derivative", twice_differentiable)
def second_is_negated(call, module, *tensors):
    """The second backward pass has the wrong sign."""
    return call(*first(lambda x: second_derivative(x, torch.neg), tensors))


class _Tangent(torch.autograd.Function):
    """The identity, whose tangent is ``factor`` times the right one."""

    @staticmethod
    def forward(x, factor):
        return x.clone()

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.factor = inputs[1]

    @staticmethod
    def backward(ctx, upstream):
        return upstream, None

    @staticmethod
    def jvp(ctx, tangent, _):
        return tangent * ctx.factor


@way("forward_mode", twice_differentiable)
def still_tangent(call, module, *tensors):
    """Tangents come out as zeros."""
    return on_value(lambda x: _Tangent.apply(x, 0.0), call(*tensors))


@way("forward_mode", twice_differentiable)
def halved_tangent(call, module, *tensors):
    """The tangent of the input counts half."""
    return call(*first(lambda x: _Tangent.apply(x, 0.5), tensors))


@way("forward_mode", twice_differentiable)
def negated_tangent(call, module, *tensors):
    """The tangent of the input has the wrong sign."""
    return call(*first(lambda x: _Tangent.apply(x, -1.0), tensors))
