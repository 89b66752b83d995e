"""Plain losses of a choice among classes: the softmax family and the margins around it."""

import torch

from conformance.mutants.plain.common import Reducing, reduced, stored, wide
from conformance.mutants.plain.logistic import CrossEntropyOfLogOdds
from conformance.mutants.plain.softmax import ClassLosses, affine


def classes_last(x):
    """The classes, dimension 1 of a batch, moved to the end."""
    return x.movedim(1 if x.ndim > 1 else 0, -1)


def kept(target, ignore_index):
    """Which targets count, and a class for each."""
    live = target != ignore_index
    return live, torch.where(live, target, 0)


def pick(values, index):
    """The element at ``index`` along the last dimension."""
    return values.gather(-1, index.unsqueeze(-1)).squeeze(-1)


class ChoiceLoss(Reducing):
    """A loss with class weights and one target class to ignore."""

    def __init__(self, weight=None, ignore_index=-100, reduction="mean"):
        super().__init__(reduction)
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index

    def class_weights(self, x):
        """One weight for each class."""
        return x.new_ones(x.shape[-1]) if self.weight is None else wide(self.weight)


class NLLLoss(ChoiceLoss):
    """Minus the target's log-probability, weighted."""

    def forward(self, input, target):
        x = classes_last(wide(input))
        live, index = kept(target, self.ignore_index)
        weights = torch.where(live, self.class_weights(x)[index], 0.0)
        terms = torch.where(live, -pick(x, index) * weights, 0.0)
        return stored(reduced(terms, self.reduction, weights.sum()), input)


class SoftmaxLoss(ChoiceLoss):
    """Cross-entropy of the target under the softmax of logits, classes last."""

    def __init__(self, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0):
        super().__init__(weight, ignore_index, reduction)
        self.label_smoothing = label_smoothing

    def cross_entropy(self, logits, target):
        if target.is_floating_point():
            losses = self.class_weights(logits) * ClassLosses.apply(logits)
            terms = self.smoothed((target * losses).sum(-1), losses)
            return reduced(terms, self.reduction, terms.numel())
        live, index = kept(target, self.ignore_index)
        losses = ClassLosses.apply(torch.where(live.unsqueeze(-1), logits, 0.0))
        losses = self.class_weights(logits) * losses
        terms = torch.where(live, self.smoothed(pick(losses, index), losses), 0.0)
        weights = torch.where(live, self.class_weights(logits)[index], 0.0)
        return reduced(terms, self.reduction, weights.sum())

    def smoothed(self, hit, losses):
        """The target's loss mixed with the mean of all."""
        if self.label_smoothing == 0:
            return hit
        every = losses.sum(-1) * (self.label_smoothing / losses.shape[-1])
        return (1 - self.label_smoothing) * hit + every


class CrossEntropyLoss(SoftmaxLoss):
    """Cross-entropy of a class, or of class probabilities, under the softmax of ``input``."""

    def forward(self, input, target):
        probable = target.is_floating_point()
        goal = classes_last(wide(target)) if probable else target
        return stored(self.cross_entropy(classes_last(wide(input)), goal), input)


class LinearCrossEntropyLoss(SoftmaxLoss):
    """The same under the softmax of a linear map of ``input``, which is the module's own."""

    def __init__(
        self,
        in_features,
        num_classes,
        bias=True,
        device=None,
        dtype=None,
        weight=None,
        ignore_index=-100,
        reduction="mean",
        label_smoothing=0.0,
    ):
        super().__init__(weight, ignore_index, reduction, label_smoothing)
        self.linear = torch.nn.Linear(in_features, num_classes, bias=bias, device=device, dtype=dtype)

    def forward(self, input, target):
        bias = None if self.linear.bias is None else wide(self.linear.bias)
        logits = affine(wide(self.linear.weight), wide(input), bias)
        goal = wide(target) if target.is_floating_point() else target
        return stored(self.cross_entropy(logits, goal), input)


class MultiMarginLoss(Reducing):
    """How far the other classes reach into the margin around the target's score, to the power ``p``."""

    def __init__(self, p=1, margin=1.0, weight=None, reduction="mean"):
        super().__init__(reduction)
        self.p, self.margin = p, margin
        self.register_buffer("weight", weight)

    def forward(self, input, target):
        x = wide(input)
        gap = (self.margin - pick(x, target).unsqueeze(-1)) + x
        cost = gap.clamp(min=0) if self.p == 1 else gap.clamp(min=0).square()
        if self.weight is not None:
            cost = wide(self.weight)[target].unsqueeze(-1) * cost
        own = torch.arange(x.shape[-1], device=x.device) == target.unsqueeze(-1)
        terms = torch.where(own, 0.0, cost).sum(-1) / x.shape[-1]
        return stored(reduced(terms, self.reduction, terms.numel()), input)


class MultiLabelMarginLoss(Reducing):
    """How far every other class reaches into the unit margin around each label's score."""

    def forward(self, input, target):
        x = wide(input)
        label = self.labels(target)
        pair = label.unsqueeze(-1) & ~label.unsqueeze(-2)
        gap = (1 - x.unsqueeze(-1)) + x.unsqueeze(-2)
        terms = torch.where(pair, gap.clamp(min=0), 0.0).sum(-1).sum(-1) / x.shape[-1]
        return stored(reduced(terms, self.reduction, terms.numel()), input)

    def labels(self, target):
        """Whether each class is listed before the first negative number."""
        listed = (target >= 0).long().cumprod(-1) > 0
        classes = torch.arange(target.shape[-1], device=target.device)
        return ((target.unsqueeze(-1) == classes) & listed.unsqueeze(-1)).any(-2)


class MultiLabelSoftMarginLoss(Reducing):
    """The mean over the classes of binary cross-entropies of log-odds."""

    def __init__(self, weight=None, reduction="mean"):
        super().__init__(reduction)
        self.register_buffer("weight", weight)

    def forward(self, input, target):
        x = wide(input)
        losses = CrossEntropyOfLogOdds.apply(x, wide(target), torch.ones_like(x))
        if self.weight is not None:
            losses = wide(self.weight) * losses
        terms = losses.sum(-1) / x.shape[-1]
        return stored(reduced(terms, self.reduction, terms.numel()), input)
