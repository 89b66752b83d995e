"""Plain functions of log-odds, accurate in both tails: the logistic function and its integral."""

import torch


def excess(x):
    """log(1 + exp(-|x|))."""
    return torch.log1p(torch.exp(-x.abs()))


class Logistic(torch.autograd.Function):
    """1 / (1 + exp(-x))."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        power = torch.exp(-x.abs())
        return torch.where(x < 0, power, 1.0) / (1 + power)

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        return upstream * Logistic.apply(x) * Logistic.apply(-x)


class Softplus(torch.autograd.Function):
    """log(1 + exp(x))."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0) + excess(x)

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        return upstream * Logistic.apply(x)


def weighed(mass, loss):
    """``mass * loss``, of no mass nothing even where the loss is infinite."""
    return torch.where((mass == 0) & loss.isinf(), 0.0, mass * loss)


class CrossEntropyOfLogOdds(torch.autograd.Function):
    """Binary cross-entropy of log-odds, a sum of terms that are not negative; the yes counts ``yes`` times."""

    @staticmethod
    def forward(ctx, input, target, yes):
        ctx.save_for_backward(input, target, yes)
        return weighed(yes * target, Softplus.apply(-input)) + weighed(1 - target, Softplus.apply(input))

    @staticmethod
    def backward(ctx, upstream):
        input, target, yes = ctx.saved_tensors
        slope = (1 - target) * Logistic.apply(input) - yes * target * Logistic.apply(-input)
        left = input < 0
        rise = (yes - 1) * Softplus.apply(torch.where(left, input, -input)) - torch.where(left, yes * input, input)
        return upstream * slope, upstream * rise, upstream * weighed(target, Softplus.apply(-input))
