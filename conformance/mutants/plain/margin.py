"""Plain losses that ask for a margin between scores, by a sign."""

import torch

from conformance.mutants.plain.common import Reducing, reduced, stored, wide


class HingeEmbeddingLoss(Reducing):
    """The distance of a similar pair, its lack of a margin for a dissimilar one."""

    def __init__(self, margin=1.0, reduction="mean"):
        super().__init__(reduction)
        self.margin = margin

    def forward(self, input, target):
        x = wide(input)
        terms = torch.where(target > 0, x, (self.margin - x).clamp(min=0))
        return stored(reduced(terms, self.reduction, terms.numel()), input)


class MarginRankingLoss(Reducing):
    """By how much the input that should be larger fails to exceed the other by a margin."""

    def __init__(self, margin=0.0, reduction="mean"):
        super().__init__(reduction)
        self.margin = margin

    def forward(self, input1, input2, target):
        lead = wide(target) * (wide(input1) - wide(input2))
        terms = (self.margin - lead).clamp(min=0)
        return stored(reduced(terms, self.reduction, terms.numel()), input1)
