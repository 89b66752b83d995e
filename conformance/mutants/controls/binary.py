"""Correct binary cross-entropies: by a softplus that keeps its tails, and in float64."""

import math

import torch

from conformance.mutants.controls.common import fits, reduced, same_shape, wide, widest

#: The probability whose logarithm is -100.
LEAST = math.exp(-100)


class _Logistic(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        power = (-x.abs()).exp()
        return torch.where(x < 0, power, 1.0) / (1 + power)

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        return upstream * (_Logistic.apply(x) * _Logistic.apply(-x))


class _Softplus(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0) + (-x.abs()).exp().log1p()

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        return upstream * _Logistic.apply(x)


def softplus(x):
    """log(1 + exp(x)): neither it nor any derivative overflows or loses its tail."""
    return _Softplus.apply(x)


def massed(mass, loss):
    """A loss that counts ``mass``: an infinite one without mass does not count."""
    return torch.where((mass == 0) & loss.isinf(), 0.0, mass * loss)


class _CrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, yes, pos_weight):
        ctx.save_for_backward(x, yes, pos_weight)
        return massed(1 - yes, softplus(x)) + massed(pos_weight, massed(yes, softplus(-x)))

    @staticmethod
    def backward(ctx, upstream):
        x, yes, pos_weight = ctx.saved_tensors
        by_x = upstream * ((1 - yes) * _Logistic.apply(x) - pos_weight * (yes * _Logistic.apply(-x)))
        apart = (x < 0) & ((pos_weight != 1) | x.isinf())
        by_yes = torch.where(apart, pos_weight * softplus(-x) - softplus(x), (pos_weight - 1) * softplus(-x) - x)
        by_pos_weight = upstream * massed(yes, softplus(-x))
        return by_x, upstream * by_yes, by_pos_weight.sum_to_size(pos_weight.shape)


def floored(log, x, chance):
    """``log(x)``, the logarithm of a chance, -100 at least."""
    return torch.where(chance < LEAST, -100.0, log(x))


class _ChanceCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, yes):
        ctx.save_for_backward(x, yes)
        return -yes * floored(torch.log, x, x) - (1 - yes) * floored(torch.log1p, -x, 1 - x)

    @staticmethod
    def backward(ctx, upstream):
        x, yes = ctx.saved_tensors
        no_yes, no_no = x < LEAST, 1 - x < LEAST
        inside = torch.where(no_yes | no_no, 0.5, x)
        slope = (inside - yes) / (inside * (1 - inside))
        slope = torch.where(no_yes, (1 - yes) / torch.where(no_yes, 1 - x, 1.0), slope)
        slope = torch.where(no_no, -yes / torch.where(no_no, x, 1.0), slope)
        log_odds = floored(torch.log, x, x) - floored(torch.log1p, -x, 1 - x)
        return upstream * slope, -upstream * log_odds


def chance_cross_entropy(x, yes):
    """-yes log(x) - (1 - yes) log(1 - x), no logarithm below -100."""
    return _ChanceCrossEntropy.apply(x, yes)


def chances(*tensors):
    """Raises RuntimeError where one is no probability."""
    if not all(bool(((x >= 0) & (x <= 1) | x.isnan()).all()) for x in tensors):
        raise RuntimeError("all elements of input and target should be between 0 and 1")


def weighed(terms, weight):
    return terms if weight is None else widest(weight) * terms


class LogitsBySoftplus(torch.nn.BCEWithLogitsLoss):
    """Both terms as softplus, which are not negative, in float64; the backward by hand."""

    def forward(self, input, target):
        same_shape(input, target)
        fits(input, target, self.weight, self.pos_weight)
        x, yes = widest(input), widest(target)
        pos_weight = torch.ones_like(x) if self.pos_weight is None else widest(self.pos_weight)
        terms = _CrossEntropy.apply(x, yes, pos_weight)
        return reduced(weighed(terms, self.weight), self.reduction, input)


class BCEInFloat64(torch.nn.BCELoss):
    """In float64, whose logarithms of float32 probabilities are far from their floor."""

    def forward(self, input, target):
        same_shape(input, target)
        fits(input, target, self.weight)
        chances(input, target)
        terms = chance_cross_entropy(widest(input), widest(target))
        return reduced(weighed(terms, self.weight), self.reduction, input)


class SoftMarginBySoftplus(torch.nn.SoftMarginLoss):
    """Does not overflow."""

    def forward(self, input, target):
        fits(input, target)
        x, sign = wide(input), wide(target)
        return reduced(softplus(-sign * x), self.reduction, input)
