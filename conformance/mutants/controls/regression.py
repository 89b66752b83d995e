"""Correct losses of a difference: in wider formats, summed in other orders, with a backward written by hand."""

import torch

from conformance.mutants.controls.common import (
    real,
    reduced,
    total_compensated,
    total_pairwise,
    total_reversed,
    wide,
    widest,
)


def check_huber(input, target, delta):
    """Raises RuntimeError for what Huber's loss is not defined for."""
    real(input, target)
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")


class HuberByClamp(torch.nn.HuberLoss):
    """The quadratic part by clamping the error; float32 at least."""

    def forward(self, input, target):
        check_huber(input, target, self.delta)
        error = wide(input) - wide(target)
        inside = error.clamp(-self.delta, self.delta)
        return reduced(inside * (error - 0.5 * inside), self.reduction, input)


class HuberInFloat64(torch.nn.HuberLoss):
    """Two branches, everything in float64."""

    def forward(self, input, target):
        check_huber(input, target, self.delta)
        error = widest(input) - widest(target)
        linear = self.delta * (error.abs() - 0.5 * self.delta)
        inside = error.clamp(-self.delta, self.delta)
        return reduced(torch.where(error.abs() <= self.delta, 0.5 * inside * inside, linear), self.reduction, input)


class _Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input, target):
        ctx.save_for_backward(input, target)
        return (input - target).square()

    @staticmethod
    def backward(ctx, upstream):
        input, target = ctx.saved_tensors
        slope = (2 * upstream) * (input - target)
        return slope.sum_to_size(input.shape), -slope.sum_to_size(target.shape)


class MSEByHand(torch.nn.MSELoss):
    """A backward written by hand, in operations that can be differentiated again; sums of pairs of sums."""

    def forward(self, input, target):
        return reduced(_Square.apply(wide(input), wide(target)), self.reduction, input, total_pairwise)


class L1Reversed(torch.nn.L1Loss):
    """Sums from the last term to the first."""

    def forward(self, input, target):
        return reduced((wide(input) - wide(target)).abs(), self.reduction, input, total_reversed)


class SmoothL1Compensated(torch.nn.SmoothL1Loss):
    """Kahan's sum, in float32 for float32."""

    def forward(self, input, target):
        if self.beta < 0:
            raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
        error = wide(input) - wide(target)
        inside = error.clamp(-self.beta, self.beta)
        terms = (inside / self.beta) * (error - 0.5 * inside) if self.beta else error.abs()
        return reduced(terms, self.reduction, input, total_compensated)
