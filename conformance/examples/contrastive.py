"""How is a loss of vectors judged with nothing but its formula?  A margin between embeddings of different things.

    pytest conformance --subject contrastive_loss=conformance.examples.contrastive:ContrastiveLoss

Dimensions in parentheses are those that the formula sees: here the features of an embedding.  The others are rows,
one term each.
"""

import numpy as np
import torch

from reference import contract
from reference.domains import POSITIVE, REAL, SIGN


@contract(
    dtypes=("float32", "float64"),
    least={"d": 1},
    input1=REAL["n? (d)"],
    input2=REAL["n? (d)"],
    target=SIGN["n?"],
    margin=POSITIVE,
)
def contrastive_loss(input1, input2, target, *, margin=1.0):
    """The squared distance of similar pairs (1), that by which dissimilar ones (-1) are nearer than ``margin``.

    Source: R. Hadsell, S. Chopra, Y. LeCun, Dimensionality Reduction by Learning an Invariant Mapping, 2006, eq. (4).
    """
    squared = np.sum(np.square(input1 - input2), axis=-1)
    return np.where(target > 0, squared, np.square(np.maximum(margin - np.sqrt(squared), 0.0)))


class ContrastiveLoss(torch.nn.Module):
    """The same in torch."""

    def __init__(self, margin=1.0, reduction="mean"):
        super().__init__()
        self.margin, self.reduction = margin, reduction

    def forward(self, input1, input2, target):
        difference, similar = input1 - input2, target > 0
        other = torch.where(similar[..., None], 1, difference)  # a root has no second derivative at nought
        lacking = (self.margin - torch.linalg.vector_norm(other, dim=-1)).clamp(min=0)
        loss = torch.where(similar, difference.square().sum(-1), lacking.square())
        return loss if self.reduction == "none" else getattr(loss, self.reduction)()
