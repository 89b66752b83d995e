"""Correct losses written differently: none may be flagged."""

import torch

from conformance.mutants.planted import Reducing


class Wide(Reducing):
    """Computes in a wider format than its input has, and rounds once at the end."""

    def forward(self, input, target):
        return super().forward(self.widen(input), self.widen(target)).to(input.dtype)

    def widen(self, x):
        return x.to(torch.promote_types(x.dtype, torch.float32))


class HuberByClamp(Wide):
    """The quadratic part by clamping the error; float32 at least."""

    def terms(self, input, target):
        error = (input - target).abs()
        inside = error.clamp(max=self.delta)
        return inside * (error - 0.5 * inside)


class HuberInFloat64(Wide):
    """Two branches, everything in float64."""

    def widen(self, x):
        return x.double()

    def terms(self, input, target):
        error = (input - target).abs()
        linear = self.delta * (error - 0.5 * self.delta)
        return torch.where(error < self.delta, 0.5 * error * error, linear)


class CrossEntropyByLogSumExp(torch.nn.Module):
    """logsumexp minus the logit, in float32 at least; smoothing and weights by a mass over the classes."""

    def __init__(self, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0):
        super().__init__()
        self.weight, self.ignore_index = weight, ignore_index
        self.reduction, self.label_smoothing = reduction, label_smoothing

    def forward(self, input, target):
        wide = torch.promote_types(input.dtype, torch.float32)
        logits = input.to(wide).movedim(1 if input.ndim > 1 else 0, -1)
        mass, weight, live, divisor = self.mass(logits, target, wide)
        pivot = logits.detach().amax(-1, keepdim=True)
        gap = (pivot - logits) + torch.log((logits - pivot).exp().sum(-1, keepdim=True))
        terms = torch.where(live, (mass * (weight * gap)).sum(-1), 0.0)
        if self.reduction == "mean":
            terms = terms.sum() / divisor
        elif self.reduction == "sum":
            terms = terms.sum()
        return terms.to(input.dtype)

    def mass(self, logits, target, wide):
        """The mass and weight of every class, which terms count, and what the mean divides by."""
        classes = logits.shape[-1]
        weight = logits.new_ones(classes) if self.weight is None else self.weight.to(wide)
        if target.is_floating_point():
            hot = target.to(wide).movedim(1 if target.ndim > 1 else 0, -1)
            live = torch.ones(hot.shape[:-1], dtype=torch.bool)
            divisor = float(live.numel())
        else:
            live = target != self.ignore_index
            index = torch.where(live, target, 0)
            hot = torch.nn.functional.one_hot(index, classes).to(wide)
            divisor = torch.where(live, weight[index], 0.0).sum()
        mass = (1 - self.label_smoothing) * hot + self.label_smoothing / classes
        return mass, weight, live, divisor


#: The loss that each control is.
CONTROLS = {
    "HuberByClamp": "HuberLoss",
    "HuberInFloat64": "HuberLoss",
    "CrossEntropyByLogSumExp": "CrossEntropyLoss",
}
