"""Correct losses: torch's own terms in float64, reduced in other orders."""

import math

import torch
from torch.nn import functional

from conformance.mutants.controls.common import (
    reduced,
    total_compensated,
    total_pairwise,
    total_reversed,
    widest,
)
from conformance.mutants.controls.distance import scaled_norm


def optional(x):
    return None if x is None else widest(x)


class LogitsInFloat64(torch.nn.BCEWithLogitsLoss):
    """Weights and all in float64; sums from the last term to the first."""

    def forward(self, input, target):
        weights = optional(self.weight), None, None, "none", optional(self.pos_weight)
        terms = functional.binary_cross_entropy_with_logits(widest(input), widest(target), *weights)
        return reduced(terms, self.reduction, input, total_reversed)


class PoissonInFloat64(torch.nn.PoissonNLLLoss):
    """Sums of pairs of sums."""

    def forward(self, log_input, target):
        options = {"log_input": self.log_input, "full": self.full, "eps": self.eps, "reduction": "none"}
        terms = functional.poisson_nll_loss(widest(log_input), widest(target), **options)
        return reduced(terms, self.reduction, log_input, total_pairwise)


class CTCInFloat64(torch.nn.CTCLoss):
    """The mean over the lengths by hand."""

    def forward(self, log_probs, targets, input_lengths, target_lengths):
        lengths = input_lengths, target_lengths, self.blank, "none", self.zero_infinity
        terms = functional.ctc_loss(widest(log_probs), targets, *lengths)
        if self.reduction == "mean":
            terms = terms / target_lengths.clamp(min=1).to(terms.dtype)
        return reduced(terms, self.reduction, log_probs, total_reversed)


class TripletInFloat64(torch.nn.TripletMarginLoss):
    """Kahan's sum."""

    def forward(self, anchor, positive, negative):
        options = {"margin": self.margin, "p": self.p, "eps": self.eps, "swap": self.swap, "reduction": "none"}
        terms = functional.triplet_margin_loss(widest(anchor), widest(positive), widest(negative), **options)
        return reduced(terms, self.reduction, anchor, total_compensated)


class DistanceInFloat64(torch.nn.PairwiseDistance):
    """Everything in float64."""

    def forward(self, x1, x2):
        return super().forward(widest(x1), widest(x2)).to(x1.dtype)


class CosineEmbeddingInFloat64(torch.nn.CosineEmbeddingLoss):
    """The product of two vectors of length one, nothing added to their norms; sums of pairs of sums."""

    def forward(self, input1, input2, target):
        units = (x / scaled_norm(x, 2).clamp_min(1e-8).unsqueeze(-1) for x in (widest(input1), widest(input2)))
        cosine = math.prod(units).sum(-1)
        functional.cosine_embedding_loss(input1, input2, target, margin=self.margin)  # refuses what torch refuses
        terms = torch.where(target == 1, 1 - cosine, (cosine - self.margin).clamp_min(0))
        return reduced(terms, self.reduction, input1, total_pairwise)


class GaussianCompensated(torch.nn.GaussianNLLLoss):
    """Kahan's sum."""

    def forward(self, input, target, var):
        options = {"full": self.full, "eps": self.eps, "reduction": "none"}
        terms = functional.gaussian_nll_loss(widest(input), widest(target), widest(var), **options)
        return reduced(terms, self.reduction, input, total_compensated)


class KLReversed(torch.nn.KLDivLoss):
    """Sums from the last term to the first."""

    def forward(self, input, target):
        terms = functional.kl_div(widest(input), widest(target), reduction="none", log_target=self.log_target)
        if self.reduction != "batchmean":
            return reduced(terms, self.reduction, input, total_reversed)
        return (total_reversed(terms) / input.shape[0]).to(input.dtype)
