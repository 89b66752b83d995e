"""Plain negative log-likelihoods, element by element."""

import math

import torch

from conformance.mutants.plain.common import Elementwise, Reducing, reduced, stored, wide
from conformance.mutants.plain.logistic import CrossEntropyOfLogOdds, Softplus


class CrossEntropyOfYes(torch.autograd.Function):
    """-target log(input) - (1 - target) log(1 - input), no logarithm below -100."""

    @staticmethod
    def logs(input):
        yes = torch.log(input).clamp(min=-100)
        no = torch.log1p(-input).clamp(min=-100)
        return yes, no

    @staticmethod
    def forward(ctx, input, target):
        ctx.save_for_backward(input, target)
        yes, no = CrossEntropyOfYes.logs(input)
        return -target * yes - (1 - target) * no

    @staticmethod
    def backward(ctx, upstream):
        input, target = ctx.saved_tensors
        yes, no = CrossEntropyOfYes.logs(input)
        low, high = yes <= -100, no <= -100
        inside = torch.where(low | high, 0.5, input)
        slope = upstream * (inside - target) / inside / (1 - inside)
        slope = torch.where(low, upstream * (1 - target), slope)
        slope = torch.where(high, -upstream * target, slope)
        return slope, upstream * (no - yes)


class BCELoss(Reducing):
    """Binary cross-entropy of probabilities."""

    def __init__(self, weight=None, reduction="mean"):
        super().__init__(reduction)
        self.register_buffer("weight", weight)

    def forward(self, input, target):
        terms = CrossEntropyOfYes.apply(wide(input), wide(target))
        if self.weight is not None:
            terms = wide(self.weight) * terms
        return stored(reduced(terms, self.reduction, terms.numel()), input)


class BCEWithLogitsLoss(Reducing):
    """Binary cross-entropy of log-odds; ``pos_weight`` multiplies the term of the yes."""

    def __init__(self, weight=None, reduction="mean", pos_weight=None):
        super().__init__(reduction)
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input, target):
        x = wide(input)
        yes = torch.ones_like(x) if self.pos_weight is None else wide(self.pos_weight).expand_as(x)
        terms = CrossEntropyOfLogOdds.apply(x, wide(target), yes)
        if self.weight is not None:
            terms = wide(self.weight) * terms
        return stored(reduced(terms, self.reduction, terms.numel()), input)


class SoftMarginLoss(Elementwise):
    """The softplus of log-odds of the wrong sign."""

    def terms(self, input, target):
        return Softplus.apply(-target * input)


class Divergence(torch.autograd.Function):
    """Mass times log(mass) - input, where 0 log 0 is 0."""

    @staticmethod
    def forward(ctx, input, target):
        ctx.save_for_backward(input, target)
        none = target == 0
        log = torch.log(torch.where(none, 1.0, target))
        return torch.where(none, 0.0, target * (log - input))

    @staticmethod
    def backward(ctx, upstream):
        input, target = ctx.saved_tensors
        return -upstream * target, upstream * (torch.log(target) - input + 1)


class DivergenceOfLogs(torch.autograd.Function):
    """The same of the logarithm of the mass; the difference is halved, lest it overflow."""

    @staticmethod
    def forward(ctx, input, target):
        ctx.save_for_backward(input, target)
        return 2 * torch.exp(target) * (target / 2 - input / 2)

    @staticmethod
    def backward(ctx, upstream):
        input, target = ctx.saved_tensors
        mass = torch.exp(target)
        rise = 2 * mass * (target / 2 - input / 2) + mass
        return -upstream * mass, upstream * rise


class KLDivLoss(Reducing):
    """Kullback-Leibler divergence of log-probabilities from probabilities or their logarithms."""

    def __init__(self, reduction="mean", log_target=False):
        super().__init__(reduction)
        self.log_target = log_target

    def forward(self, input, target):
        divergence = DivergenceOfLogs if self.log_target else Divergence
        terms = divergence.apply(wide(input), wide(target))
        if self.reduction == "batchmean":
            return stored(terms.sum() / input.shape[0], input)
        return stored(reduced(terms, self.reduction, terms.numel()), input)


class LossOfLogRate(torch.autograd.Function):
    """exp(input) - target input, infinite where the rate is."""

    @staticmethod
    def forward(ctx, input, target):
        ctx.save_for_backward(input, target)
        rate = torch.exp(input)
        return torch.where(rate.isinf(), rate, rate - target * input)

    @staticmethod
    def backward(ctx, upstream):
        input, target = ctx.saved_tensors
        return upstream * (torch.exp(input) - target), -upstream * input


class Stirling(torch.autograd.Function):
    """Stirling's approximation of log(count!), nothing for counts up to 1."""

    @staticmethod
    def forward(ctx, count):
        ctx.save_for_backward(count)
        large = count > 1
        count = torch.where(large, count, 1.0)
        log = torch.log(count)
        return torch.where(large, count * (log - 1) + 0.5 * (log + math.log(2 * math.pi)), 0.0)

    @staticmethod
    def backward(ctx, upstream):
        (count,) = ctx.saved_tensors
        large = count > 1
        count = torch.where(large, count, 1.0)
        return upstream * torch.where(large, torch.log(count) + 0.5 / count, 0.0)


class PoissonNLLLoss(torch.nn.Module):
    """Negative log-probability of a count, given its rate or the logarithm of that."""

    def __init__(self, log_input=True, full=False, eps=1e-8, reduction="mean"):
        super().__init__()
        self.log_input, self.full, self.eps, self.reduction = log_input, full, eps, reduction

    def forward(self, input, target):
        x, count = wide(input), wide(target)
        terms = LossOfLogRate.apply(x, count) if self.log_input else x - count * torch.log(x + self.eps)
        if self.full:
            terms = terms + Stirling.apply(count)
        return stored(reduced(terms, self.reduction, terms.numel()), input)


class Floor(torch.autograd.Function):
    """At least ``least``; the gradient does not know."""

    @staticmethod
    def forward(ctx, x, least):
        return x.clamp(min=least)

    @staticmethod
    def backward(ctx, upstream):
        return upstream, None


class Deviance(torch.autograd.Function):
    """(log(variance) + error^2 / variance) / 2."""

    @staticmethod
    def forward(ctx, error, variance):
        ctx.save_for_backward(error, variance)
        return 0.5 * (torch.log(variance) + error * (error / variance))

    @staticmethod
    def backward(ctx, upstream):
        error, variance = ctx.saved_tensors
        slope = error / variance
        return upstream * slope, upstream * (0.5 * (1 / variance - slope.square()))


class GaussianNLLLoss(torch.nn.Module):
    """Negative log-density of a normal distribution, given its mean and variance."""

    def __init__(self, *, full=False, eps=1e-6, reduction="mean"):
        super().__init__()
        self.full, self.eps, self.reduction = full, eps, reduction

    def forward(self, input, target, var):
        error = wide(input) - wide(target)
        terms = Deviance.apply(error, Floor.apply(wide(var), self.eps).expand_as(error))
        if self.full:
            terms = terms + 0.5 * math.log(2 * math.pi)
        return stored(reduced(terms, self.reduction, terms.numel()), input)
