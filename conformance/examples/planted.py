"""Which bugs do losses like the examples have?  One wrong implementation each; the self-tests see it found."""

import torch

from conformance.examples.combined import CombinedLoss
from conformance.examples.contrastive import ContrastiveLoss
from conformance.examples.focal import FocalLoss, softplus


class FocalDetached(FocalLoss):
    """The modulating factor is taken for a constant: the value is right, the gradient is not."""

    def terms(self, odds, share):
        return share * (-self.gamma * softplus(odds)).exp().detach() * softplus(-odds)


class FocalSwapped(FocalLoss):
    """Alpha weighs the negatives."""

    def terms(self, odds, share):
        return super().terms(odds, 1 - share)


class FocalPower(FocalLoss):
    """A power of a probability that rounds to nought: with gamma below 1 its slope is infinite, times nought."""

    def terms(self, odds, share):
        return share * (1 - odds.sigmoid()) ** self.gamma * softplus(-odds)


def weighted_mse_without_slope(input, target, weight):
    """No gradient reaches the weights."""
    return weight.detach() * (input - target) ** 2


class CombinedSteep(CombinedLoss):
    """The absolute error by the root of the square, whose slope is infinite, times nought, at a tie."""

    def __init__(self, share=0.5, reduction="mean"):
        super().__init__(share, reduction)
        self.reduction = reduction

    def forward(self, input, target):
        error = input - target
        loss = self.share * error.square() + (1 - self.share) * error.square().sqrt()
        return loss if self.reduction == "none" else getattr(loss, self.reduction)()


class ContrastiveSquared(ContrastiveLoss):
    """Compares the margin with the squared distance."""

    def forward(self, input1, input2, target):
        squared = (input1 - input2).square().sum(-1)
        loss = torch.where(target > 0, squared, (self.margin - squared).clamp(min=0))
        return loss if self.reduction == "none" else getattr(loss, self.reduction)()
