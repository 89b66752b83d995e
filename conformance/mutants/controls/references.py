"""Correct losses: torch's own reference implementations, those that conform."""

import torch
import torch._refs.nn.functional as refs


class L1Reference(torch.nn.L1Loss):
    """torch._refs."""

    def forward(self, input, target):
        return refs.l1_loss(input, target, reduction=self.reduction)


class HingeReference(torch.nn.HingeEmbeddingLoss):
    """torch._refs."""

    def forward(self, input, target):
        return refs.hinge_embedding_loss(input, target, margin=self.margin, reduction=self.reduction)


class RankingReference(torch.nn.MarginRankingLoss):
    """torch._refs."""

    def forward(self, input1, input2, target):
        return refs.margin_ranking_loss(input1, input2, target, margin=self.margin, reduction=self.reduction)


class PoissonReference(torch.nn.PoissonNLLLoss):
    """torch._refs."""

    def forward(self, log_input, target):
        if not isinstance(self.eps, float):
            raise TypeError(f"eps is {type(self.eps).__name__}, not float")
        return refs.poisson_nll_loss(
            log_input, target, log_input=self.log_input, full=self.full, eps=self.eps, reduction=self.reduction
        )
