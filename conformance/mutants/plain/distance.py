"""Plain losses of how far apart, or how differently directed, two vectors are."""

import math

import torch

from conformance.mutants.plain.common import Reducing, reduced, stored, wide


def magnitude(x):
    """A power of two near the largest magnitude along the last dimension, 1 if that has none: only a scale."""
    largest = x.detach().abs().amax(-1, keepdim=True)
    largest = torch.where((largest == 0) | largest.isinf(), 1.0, largest)
    return largest / (2 * torch.frexp(largest).mantissa)


class Length(torch.autograd.Function):
    """The Euclidean norm over the last dimension, which is kept; of zeros with a gradient of zero."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        scale = magnitude(x)
        return scale * (x / scale).square().sum(-1, keepdim=True).sqrt()

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        share = x / magnitude(x)
        length = share.square().sum(-1, keepdim=True).sqrt()
        return upstream * (share / torch.where(length == 0, 1.0, length))


class Norm(torch.autograd.Function):
    """The same for other powers than 2, or for the largest magnitude."""

    @staticmethod
    def forward(ctx, x, p):
        ctx.save_for_backward(x)
        ctx.p = p
        if p == math.inf:
            return x.abs().amax(-1, keepdim=True)
        scale = magnitude(x)
        return scale * (x / scale).abs().pow(p).sum(-1, keepdim=True).pow(1 / p)

    @staticmethod
    def backward(ctx, upstream):
        (x,), p = ctx.saved_tensors, ctx.p
        if p == math.inf:
            largest = x.abs() == x.abs().amax(-1, keepdim=True)
            return upstream * torch.where(largest, x.sign() / largest.sum(-1, keepdim=True), 0.0), None
        share = (x / magnitude(x)).abs()
        total = share.pow(p).sum(-1, keepdim=True)
        share = share / torch.where(total == 0, 1.0, total).pow(1 / p)
        return upstream * (x.sign() * share.pow(p - 1)), None


def distance(x1, x2, p, eps):
    """The p-norm of ``x1 - x2 + eps``, the last dimension kept."""
    difference = x1 - x2 + eps
    return Length.apply(difference) if p == 2 else Norm.apply(difference, p)


def unit(x, eps):
    """``x`` over its Euclidean norm, or over ``eps`` where that is larger; last dimension."""
    scale = torch.maximum(magnitude(x), magnitude(torch.tensor([eps], dtype=x.dtype, device=x.device)))
    scaled = x / scale
    return scaled / torch.maximum(Length.apply(scaled), eps / scale)


def cosine(x1, x2, eps):
    """The cosine of the angle between vectors along the last dimension."""
    return (unit(x1, eps) * unit(x2, eps)).sum(-1)


class PairwiseDistance(torch.nn.Module):
    """The p-norm of a difference, to every element of which ``eps`` is added."""

    def __init__(self, p=2.0, eps=1e-6, keepdim=False):
        super().__init__()
        self.p, self.eps, self.keepdim = p, eps, keepdim

    def forward(self, x1, x2):
        result = distance(wide(x1), wide(x2), self.p, self.eps)
        return stored(result if self.keepdim else result.squeeze(-1), x1)


class CosineSimilarity(torch.nn.Module):
    """The cosine of the angle between vectors along ``dim``."""

    def __init__(self, dim=1, eps=1e-8):
        super().__init__()
        self.dim, self.eps = dim, eps

    def forward(self, x1, x2):
        x1, x2 = torch.broadcast_tensors(x1, x2)
        return stored(cosine(wide(x1).movedim(self.dim, -1), wide(x2).movedim(self.dim, -1), self.eps), x1)


class CosineEmbeddingLoss(Reducing):
    """What the cosine lacks to 1 for similar vectors, what it exceeds a margin by for dissimilar ones."""

    def __init__(self, margin=0.0, reduction="mean"):
        super().__init__(reduction)
        self.margin = margin

    def forward(self, input1, input2, target):
        cos = cosine(wide(input1), wide(input2), 1e-8)
        terms = torch.where(target > 0, 1 - cos, (cos - self.margin).clamp(min=0))
        return stored(reduced(terms, self.reduction, terms.numel()), input1)


class Triplet(Reducing):
    """A hinge on how much farther the negative is from the anchor than the positive."""

    def __init__(self, margin=1.0, swap=False, reduction="mean"):
        super().__init__(reduction)
        self.margin, self.swap = margin, swap

    def hinge(self, near, far, other):
        """``other`` is the distance of positive and negative."""
        if self.swap:
            far = torch.minimum(far, other)
        terms = (self.margin + near - far).clamp(min=0)
        return reduced(terms, self.reduction, terms.numel())


class TripletMarginLoss(Triplet):
    """With the pairwise distance."""

    def __init__(self, margin=1.0, p=2.0, eps=1e-6, swap=False, reduction="mean"):
        super().__init__(margin, swap, reduction)
        self.p, self.eps = p, eps

    def forward(self, anchor, positive, negative):
        a, b, c = wide(anchor), wide(positive), wide(negative)
        pairs = (a, b), (a, c), (b, c)
        distances = [distance(x, y, self.p, self.eps).squeeze(-1) for x, y in pairs]
        return stored(self.hinge(*distances), anchor)


class TripletMarginWithDistanceLoss(Triplet):
    """With a distance of one's own."""

    def __init__(self, *, distance_function=None, margin=1.0, swap=False, reduction="mean"):
        super().__init__(margin, swap, reduction)
        self.distance_function = distance_function

    def forward(self, anchor, positive, negative):
        a, b, c = wide(anchor), wide(positive), wide(negative)
        pairs = (a, b), (a, c), (b, c)
        return stored(self.hinge(*[self.apart(x, y) for x, y in pairs]), anchor)

    def apart(self, x, y):
        if self.distance_function is not None:
            return self.distance_function(x, y)
        return Length.apply(x - y + 1e-6).squeeze(-1)
