"""Correct likelihoods and divergences in float64."""

import math

import torch

from conformance.mutants.controls.common import real, reduced, widest


class _Floor(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, least):
        return x.clamp(min=least)

    @staticmethod
    def backward(ctx, upstream):
        return upstream, None


class _Normal(torch.autograd.Function):
    @staticmethod
    def forward(ctx, error, spread):
        ctx.save_for_backward(error, spread)
        return 0.5 * (spread.log() + error * (error / spread))

    @staticmethod
    def backward(ctx, upstream):
        error, spread = ctx.saved_tensors
        ratio = error / spread
        return upstream * ratio, (0.5 * upstream) * ((1 - error * ratio) / spread)


class GaussianInFloat64(torch.nn.GaussianNLLLoss):
    """The floor of the variance has a gradient of its own, and the term one written by hand."""

    def forward(self, input, target, var):
        if (var < 0).any():
            raise ValueError("var has negative entry/entries")
        if var.shape != input.shape:
            if input.shape[:-1] == var.shape:
                var = var.unsqueeze(-1)
            elif input.ndim != var.ndim or sum(v for n, v in zip(input.shape, var.shape, strict=True) if n != v) != 1:
                raise ValueError("var is of incorrect size")
        spread = _Floor.apply(widest(var), self.eps)
        terms = _Normal.apply(*torch.broadcast_tensors(widest(input) - widest(target), spread))
        return reduced(terms + 0.5 * math.log(2 * math.pi) if self.full else terms, self.reduction, input)


class KLInFloat64(torch.nn.KLDivLoss):
    """The definition, with 0 log 0 = 0."""

    def forward(self, input, target):
        real(input, target)
        log_q, t = widest(input), widest(target)
        terms = t.exp() * (t - log_q) if self.log_target else torch.xlogy(t, t) - t * log_q
        if self.reduction != "batchmean":
            return reduced(terms, self.reduction, input)
        return (terms.sum() / input.shape[0] if input.ndim else terms).to(input.dtype)
