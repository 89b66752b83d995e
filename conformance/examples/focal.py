"""How is a loss with a mirror judged?  The focal loss: the gradient that is expected is that of a JAX function.

    pytest conformance --subject focal_loss=conformance.examples.focal:FocalLoss

The power of the focal loss, (1 - p)^gamma, has an infinite slope at p = 1 where gamma is below 1.  The loss itself
has not: in log-odds it is exp(-gamma softplus(x)) softplus(-x), smooth everywhere.  Written with a power of a
probability, which rounds to 1, autograd multiplies that infinity by nought: NaN for confident predictions.
"""

import jax
import numpy as np
import torch

from reference import contract
from reference.domains import BINARY, REAL, UNIT, Interval


@contract(
    dtypes=("float32", "float64"),
    input=REAL["*n"],
    target=BINARY["*n"],
    gamma=Interval(0.0, 5.0),
    alpha=UNIT,
)
def focal_loss(input, target, *, gamma=2.0, alpha=0.25):
    """Binary cross-entropy of log-odds, by how surprising the target is, and by ``alpha`` or what it lacks to 1.

    Source: T.-Y. Lin et al., Focal Loss for Dense Object Detection, 2017, eq. (5).
    """
    odds = np.where(target > 0.5, input, -input)
    share = np.where(target > 0.5, alpha, 1 - alpha)
    return share * (np.exp(-gamma * np.logaddexp(odds, 0.0)) * np.logaddexp(-odds, 0.0))


@focal_loss.mirror
def _(input, target, *, gamma, alpha):
    log_p = jax.nn.log_sigmoid((2 * target - 1) * input)
    log_q = jax.nn.log_sigmoid((1 - 2 * target) * input)
    return -(alpha * target + (1 - alpha) * (1 - target)) * jax.numpy.exp(gamma * log_q) * log_p


def softplus(x):
    """log(1 + exp(x)), whose derivatives are accurate also where they are tiny: those of logsigmoid are not."""
    return torch.where(x > 0, x, 0) + torch.where(x > 0, -x, x).exp().log1p()


class FocalLoss(torch.nn.Module):
    """The same in torch, shaped like the losses of torch.nn."""

    def __init__(self, gamma=2.0, alpha=0.25, reduction="mean"):
        super().__init__()
        self.gamma, self.alpha, self.reduction = gamma, alpha, reduction

    def forward(self, input, target):
        odds = (2 * target - 1) * input
        share = self.alpha * target + (1 - self.alpha) * (1 - target)
        loss = self.terms(odds, share)
        return loss if self.reduction == "none" else getattr(loss, self.reduction)()

    def terms(self, odds, share):
        held = odds.clamp(-1000, 1000)  # beyond that the factor is 1, or what it multiplies is 0
        return share * (-self.gamma * softplus(held)).exp() * softplus(-odds)
