"""Reported bugs of distances, cosines, and the losses of pairs and triplets."""

import torch
from torch.nn import functional

from conformance.mutants.planted import reduce
from conformance.mutants.reported.bug import Bug
from conformance.mutants.reported.gradients import with_gradient, with_leak


class DistanceBySquareRoot(torch.nn.PairwiseDistance):
    """The square root of a sum of squares, whose gradient is NaN at 0 (huggingface/sentence-transformers#4033)."""

    def forward(self, x1, x2):
        if self.norm != 2:
            return super().forward(x1, x2)
        wide = (x1 - x2 + self.eps).to(torch.promote_types(x1.dtype, torch.float32))
        return wide.square().sum(-1).sqrt().to(x1.dtype)


class DistanceEpsInRoot(torch.nn.PairwiseDistance):
    """eps is added under the root, not to the difference, as asked for in pytorch/pytorch#61538."""

    def forward(self, x1, x2):
        plain = functional.pairwise_distance(x1, x2, self.norm, 0.0)
        return (plain**self.norm + self.eps) ** (1 / self.norm) if 0 < self.norm < float("inf") else plain


class DistanceCutOff(torch.nn.PairwiseDistance):
    """No gradient where the input is not contiguous (cornellius-gp/gpytorch#1543)."""

    def forward(self, x1, x2):
        return super().forward(*(x if x.is_contiguous() else x.detach() for x in (x1, x2)))


class CosineSquaredEps(torch.nn.CosineSimilarity):
    """eps bounds the squared norms (google-deepmind/optax#1703)."""

    def forward(self, x1, x2):
        x1, x2 = torch.broadcast_tensors(x1, x2)
        squares = [x.square().sum(self.dim).clamp(min=self.eps) for x in (x1, x2)]
        return (x1 * x2).sum(self.dim) / (squares[0].sqrt() * squares[1].sqrt())


class CosineWithoutEps(torch.nn.CosineSimilarity):
    """The cosine of a zero vector is 0 / 0 (google-deepmind/optax#946)."""

    def forward(self, x1, x2):
        x1, x2 = torch.broadcast_tensors(x1, x2)
        return (x1 * x2).sum(self.dim) / (x1.norm(dim=self.dim) * x2.norm(dim=self.dim))


class CosinePullsBelowMargin(torch.nn.CosineEmbeddingLoss):
    """Negative pairs have a gradient below the margin too (torch/nn#169)."""

    def forward(self, input1, input2, target):
        loss = super().forward(input1, input2, target)
        cosine = functional.cosine_similarity(input1, input2, dim=-1)
        leak = torch.where((target < 0) & (cosine <= self.margin), cosine, 0)
        return with_leak(loss, reduce(leak, self.reduction))


class CosineBatchNegated(torch.nn.CosineEmbeddingLoss):
    """The gradient of a batch has the wrong sign (torch/nn#287)."""

    def forward(self, input1, input2, target):
        loss = super().forward(input1, input2, target)
        return with_gradient(loss, torch.neg) if target.ndim else loss


class HingeMarginOne(torch.nn.HingeEmbeddingLoss):
    """The margin is always 1 (pytorch/pytorch#1378)."""

    def forward(self, input, target):
        return functional.hinge_embedding_loss(input, target, reduction=self.reduction)


class RankingDetached(torch.nn.MarginRankingLoss):
    """The inputs get no gradient (flagos-ai/FlagGems#2458)."""

    def forward(self, input1, input2, target):
        return super().forward(input1.detach(), input2.detach(), target)


class RankingBatchOfOne(torch.nn.MarginRankingLoss):
    """Takes a batch of one for a number, and fails (torch/nn#813)."""

    def forward(self, input1, input2, target):
        if input1.numel() == 1 and input1.ndim:
            raise TypeError("bad argument #2 to 'max' (number expected)")
        return super().forward(input1, input2, target)


class TripletSwapAdds(torch.nn.TripletMarginLoss):
    """``swap`` adds the loss of the swapped pair, in place of the smaller distance (edgarriba/examples#2)."""

    def forward(self, anchor, positive, negative):
        options = {"margin": self.margin, "p": self.p, "eps": self.eps, "reduction": self.reduction}
        loss = functional.triplet_margin_loss(anchor, positive, negative, **options)
        if self.swap:
            loss = loss + functional.triplet_margin_loss(positive, anchor, negative, **options)
        return loss


class TripletDetached(torch.nn.TripletMarginLoss):
    """Anchor and positive leave the graph (liorshk/facenet_pytorch#6)."""

    def forward(self, anchor, positive, negative):
        return super().forward(anchor.detach(), positive.detach(), negative)


class TripletMeanOfActive(torch.nn.TripletMarginLoss):
    """The mean is over terms above zero, 0 / 0 where there is none (KevinMusgrave/pytorch-metric-learning#107)."""

    def forward(self, anchor, positive, negative):
        options = {"margin": self.margin, "p": self.p, "eps": self.eps, "swap": self.swap}
        terms = functional.triplet_margin_loss(anchor, positive, negative, reduction="none", **options)
        return terms.sum() / (terms > 0).sum() if self.reduction == "mean" else reduce(terms, self.reduction)


class TripletReseeds(torch.nn.TripletMarginWithDistanceLoss):
    """Seeds the generator of the process (huggingface/diffusers#175)."""

    def forward(self, anchor, positive, negative):
        torch.manual_seed(0)
        return super().forward(anchor, positive, negative)


BUGS = {
    "DistanceBySquareRoot": Bug("PairwiseDistance", "huggingface/sentence-transformers#4033", "convention"),
    "DistanceEpsInRoot": Bug("PairwiseDistance", "pytorch/pytorch#61538", "value"),
    "DistanceCutOff": Bug("PairwiseDistance", "cornellius-gp/gpytorch#1543", "layout"),
    "CosineSquaredEps": Bug("CosineSimilarity", "google-deepmind/optax#1703", "value"),
    "CosineWithoutEps": Bug("CosineSimilarity", "google-deepmind/optax#946", "value"),
    "CosinePullsBelowMargin": Bug("CosineEmbeddingLoss", "torch/nn#169", "gradient"),
    "CosineBatchNegated": Bug("CosineEmbeddingLoss", "torch/nn#287", "gradient"),
    "HingeMarginOne": Bug("HingeEmbeddingLoss", "pytorch/pytorch#1378", "value"),
    "RankingDetached": Bug("MarginRankingLoss", "flagos-ai/FlagGems#2458", "completeness"),
    "RankingBatchOfOne": Bug("MarginRankingLoss", "torch/nn#813", "shape"),
    "TripletSwapAdds": Bug("TripletMarginLoss", "edgarriba/examples#2", "value"),
    "TripletDetached": Bug("TripletMarginLoss", "liorshk/facenet_pytorch#6", "completeness"),
    "TripletMeanOfActive": Bug("TripletMarginLoss", "KevinMusgrave/pytorch-metric-learning#107", "reduction"),
    "TripletReseeds": Bug("TripletMarginWithDistanceLoss", "huggingface/diffusers#175", "purity"),
}
