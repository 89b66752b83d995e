"""The plain loss of every class under a softmax, and a linear map to its logits."""

import torch


def at_largest(values):
    """Where a largest magnitude along the last dimension is: the first of several."""
    classes = torch.arange(values.shape[-1], device=values.device)
    return classes == values.abs().argmax(-1, keepdim=True)


def sum_of_others(values):
    """For every element along the last dimension the sum of all others, of values of one sign."""
    top = at_largest(values)
    rest = torch.where(top, 0.0, values).sum(-1, keepdim=True)
    largest = torch.where(top, values, 0.0).sum(-1, keepdim=True)
    return torch.where(top, rest, (rest + largest) - values)


class ClassLosses(torch.autograd.Function):
    """-log softmax over the last dimension: the largest exponential, an exact one, goes into log1p."""

    @staticmethod
    def forward(ctx, logits):
        ctx.save_for_backward(logits)
        shifted = logits - logits.amax(-1, keepdim=True)
        powers = torch.exp(shifted)
        rest = torch.where(at_largest(powers), 0.0, powers).sum(-1, keepdim=True)
        return torch.log1p(rest) - shifted

    @staticmethod
    def backward(ctx, mass):
        (logits,) = ctx.saved_tensors
        powers = torch.exp(logits - logits.amax(-1, keepdim=True))
        total = powers.sum(-1, keepdim=True)
        return (powers * sum_of_others(mass) - mass * sum_of_others(powers)) / total


def affine(weight, input, bias=None):
    """``weight @ input + bias`` over the last dimension of ``input``."""
    product = (weight * input.unsqueeze(-2)).sum(-1)
    return product if bias is None else product + bias
