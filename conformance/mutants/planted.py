"""One wrong loss for each bug that the gate must find; each docstring says what is wrong."""

import torch
from torch.nn import functional


def reduce(terms, reduction):
    return terms if reduction == "none" else getattr(terms, reduction)()


def running_total(terms):
    """A sum in the dtype of the terms, one after the other."""
    total = terms.new_zeros(())
    for term in terms.reshape(-1):
        total = total + term
    return total


class Reducing(torch.nn.Module):
    """A loss of two arguments, by its terms."""

    def __init__(self, reduction="mean", **parameters):
        super().__init__()
        self.reduction = reduction
        for name, value in parameters.items():
            setattr(self, name, value)

    def terms(self, input, target):
        raise AssertionError("a subclass says what the terms are")

    def forward(self, input, target):
        return reduce(self.terms(input, target), self.reduction)


class HuberIgnoresDelta(Reducing):
    """The threshold is always 1."""

    def terms(self, input, target):
        return functional.huber_loss(input, target, reduction="none")


class HuberSignedThreshold(Reducing):
    """Compares the signed difference with delta (BobMcDear/attorch#13)."""

    delta = 1.0

    def terms(self, input, target):
        error = input - target
        linear = self.delta * (error.abs() - 0.5 * self.delta)
        return torch.where(error <= self.delta, 0.5 * error**2, linear)


class MSEWrongCount(Reducing):
    """The mean divides by the first dimension only."""

    def forward(self, input, target):
        terms = (input - target) ** 2
        if self.reduction == "mean":
            return terms.sum() / (terms.shape[0] if terms.ndim else 1)
        return reduce(terms, self.reduction)


class _SteepSign(torch.autograd.Function):
    @staticmethod
    def forward(ctx, difference):
        ctx.save_for_backward(difference)
        return difference.abs()

    @staticmethod
    def backward(ctx, upstream):
        (difference,) = ctx.saved_tensors
        return upstream * torch.where(difference == 0, 1.5, difference.sign())


class L1SteepTie(Reducing):
    """At a tie the slope is 1.5, outside the subdifferential [-1, 1]."""

    def terms(self, input, target):
        return _SteepSign.apply(input - target)


class MSELeakyGradient(Reducing):
    """Right value; the gradient of the input is 0.1 % too large."""

    def terms(self, input, target):
        input = input.detach() + 1.001 * (input - input.detach())
        return functional.mse_loss(input, target, reduction="none")


class L1HalfAccumulator(Reducing):
    """Sums in the dtype of the input, one term after the other."""

    def forward(self, input, target):
        terms = (input - target).abs()
        if self.reduction == "none":
            return terms
        total = running_total(terms)
        return total / terms.numel() if self.reduction == "mean" else total


class CrossEntropy(torch.nn.Module):
    """Shaped like torch.nn.CrossEntropyLoss; wrong subclasses change one step."""

    def __init__(self, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0):
        super().__init__()
        self.weight, self.reduction = weight, reduction
        self.options = {"ignore_index": ignore_index, "label_smoothing": label_smoothing}

    def forward(self, input, target):
        return functional.cross_entropy(input, target, weight=self.weight, reduction=self.reduction, **self.options)


class UnstableLogSumExp(CrossEntropy):
    """exp without a shift: overflows for large logits, loses everything for small ones."""

    def forward(self, input, target):
        dim = 1 if input.ndim > 1 else 0
        logs = input - input.exp().sum(dim, keepdim=True).log()
        if target.is_floating_point() or self.options["label_smoothing"]:
            return super().forward(input, target)
        return functional.nll_loss(
            logs,
            target,
            weight=self.weight,
            reduction=self.reduction,
            ignore_index=self.options["ignore_index"],
        )


class IgnoredCounted(CrossEntropy):
    """The mean divides by all targets, ignored ones included."""

    def forward(self, input, target):
        if self.reduction != "mean" or target.is_floating_point():
            return super().forward(input, target)
        terms = functional.cross_entropy(input, target, weight=self.weight, reduction="none", **self.options)
        live = torch.ones_like(target, dtype=input.dtype)
        weights = live if self.weight is None else self.weight[target.clamp(0, len(self.weight) - 1)]
        return terms.sum() / weights.sum()


class WeightsNotNormalised(CrossEntropy):
    """The mean divides by the number of targets, not by the sum of their weights."""

    def forward(self, input, target):
        if self.reduction != "mean" or target.is_floating_point():
            return super().forward(input, target)
        terms = functional.cross_entropy(input, target, weight=self.weight, reduction="none", **self.options)
        return terms.sum() / (target != self.options["ignore_index"]).sum()


#: The loss that each bug belongs to.
PLANTED = {
    "HuberIgnoresDelta": "HuberLoss",
    "HuberSignedThreshold": "HuberLoss",
    "MSEWrongCount": "MSELoss",
    "L1SteepTie": "L1Loss",
    "MSELeakyGradient": "MSELoss",
    "L1HalfAccumulator": "L1Loss",
    "UnstableLogSumExp": "CrossEntropyLoss",
    "IgnoredCounted": "CrossEntropyLoss",
    "WeightsNotNormalised": "CrossEntropyLoss",
}
