"""Losses of how far apart, or how differently directed, two vectors are."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from reference.arithmetic.plain import plain
from reference.contract import contract
from reference.domains import BOOL, NON_NEGATIVE, POSITIVE, REAL, SIGN, Interval, OneOf
from reference.reductions import ONLY_NONE

#: What composites of several operations promise of 16-bit dtypes.
IN_16_BIT_STEPS = {
    ("*", dtype): ("C", "eager torch stores the result of every step of this composite in 16 bits")
    for dtype in ("float16", "bfloat16")
}

#: Which subgradient torch chooses where triplets are tied.
AT_TIES = (
    "the slope inside the margin also at the margin; half of each of two equally far negatives; of a norm none at zero"
)

DEGREES = OneOf((2.0, 1.0, 3.0, 1.5, math.inf))

#: ``x ** k`` of numbers that are not negative, for the exponents that the degrees lead to.
POWERS = {
    0.5: np.sqrt,
    1.0: lambda x: x,
    1.5: lambda x: x * np.sqrt(x),
    2.0: np.square,
    3.0: lambda x: x * np.square(x),
}


def magnitude(values):
    """A power of two near the largest magnitude of each row, 1 for a row of zeros: shape (R, 1).

    Only a scale: it keeps powers and their sums from overflowing, and cancels out of every formula.
    """
    largest = np.max(abs(values), axis=-1, keepdims=True)
    return np.where(largest > 0, np.ldexp(1.0, np.frexp(largest)[1] - 1), 1.0)


def root(total, p):
    """``total ** (1 / p)``."""
    if p == 2:
        return np.sqrt(total)
    zero = plain(total) == 0
    return np.where(zero, total, np.power(np.where(zero, 1.0, total), np.ones_like(total) / p))


def p_norm(difference, p, scale):
    """The p-norm of every row divided by ``scale``: shape (R, 1)."""
    size = abs(difference) / scale
    if p == math.inf:
        return np.max(size, axis=-1, keepdims=True)
    total = np.sum(POWERS[p](size), axis=-1, keepdims=True)
    return total if p == 1 else root(total, p)


def norm(x):
    """The Euclidean norm of every row: shape (R, 1)."""
    scale = magnitude(plain(x))
    return scale * p_norm(x, 2, scale)


def gap(x1, x2, eps):
    """``x1 - x2 + eps``, and a scale of it."""
    return x1 - x2 + eps, magnitude(plain(x1) - plain(x2) + plain(eps))


def distance(x1, x2, p, eps):
    """The p-norm of ``x1 - x2 + eps``, shape (R,)."""
    difference, scale = gap(x1, x2, eps)
    return np.squeeze(scale * p_norm(difference, p, scale), axis=-1)


def share_of_largest(size):
    """Derivative of the largest element by each: 1 for it, an equal part for each of several."""
    first = np.expand_dims(np.argmax(plain(size), axis=-1), -1) == np.arange(size.shape[-1])
    rival = np.max(np.where(first, 0.0, size), axis=-1, keepdims=True)
    rival = np.where(first, rival, np.max(size, axis=-1, keepdims=True))
    ties = np.sum(plain(size) == np.max(plain(size), axis=-1, keepdims=True), axis=-1, keepdims=True)
    return np.where(size > rival, 1.0, np.where(size == rival, 1.0 / ties, 0.0))


def slope(difference, p, scale):
    """Derivative of the p-norm by each element; at zero anything in the dual ball, enclosed in [-1, 1].

    d||x|| / dx_i = sign(x_i) (|x_i| / ||x||) ** (p - 1).
    """
    direction = np.sign(difference)
    if p == 1:
        return direction
    zero = ~np.any(plain(difference) != 0, axis=-1, keepdims=True)
    if p == math.inf:
        return direction * np.where(zero, 1.0, share_of_largest(abs(difference)))
    length = np.where(zero, 1.0, p_norm(difference, p, scale))
    share = difference / scale / length
    if p < 2:
        share = direction * POWERS[p - 1](abs(share))
    elif p > 2:
        share = share * POWERS[p - 2](abs(share))
    return np.where(zero, direction, share)


def pull_distance(cotangent, x1, x2, p, eps):
    """Gradients of ``distance`` by ``x1`` and ``x2``."""
    difference, scale = gap(x1, x2, eps)
    gradient = np.expand_dims(cotangent, -1) * slope(difference, p, scale)
    return gradient, -gradient


def unit(x, eps):
    """``x / max(||x||, eps)``, its divisor as a number times a scale, and where it is the norm."""
    scale = np.maximum(magnitude(plain(x)), magnitude(np.reshape(plain(eps), (1, 1))))
    scaled, floor = x / scale, eps / scale
    length = norm(scaled)
    divisor = np.maximum(length, floor)
    return scaled / divisor, (divisor, scale), length > floor


def cosine(x1, x2, eps):
    """The cosine of the angle between ``x1`` and ``x2``, their norms at least ``eps``: shape (R,)."""
    return np.sum(unit(x1, eps)[0] * unit(x2, eps)[0], axis=-1)


def pull_cosine(cotangent, x1, x2, eps):
    """Gradients of ``cosine``: what of one unit vector is orthogonal to the other, by the other's norm."""
    cotangent = np.expand_dims(cotangent, -1)
    (u1, by1, free1), (u2, by2, free2) = unit(x1, eps), unit(x2, eps)
    cos = np.sum(u1 * u2, axis=-1, keepdims=True)
    gradient1 = cotangent * ((u2 - np.where(free1, cos * u1, 0.0)) / by1[0]) / by1[1]
    gradient2 = cotangent * ((u1 - np.where(free2, cos * u2, 0.0)) / by2[0]) / by2[1]
    return gradient1, gradient2


@contract(
    torch="PairwiseDistance",
    convention="no slope of a norm where it is zero, equal parts of it among several largest elements",
    reductions=ONLY_NONE,
    x1=REAL["n? (d)"],
    x2=REAL["n? (d)"],
    p=DEGREES,
    eps=NON_NEGATIVE,
    promises=IN_16_BIT_STEPS,
)
def pairwise_distance(x1, x2, *, p=2.0, eps=1e-6):
    """The p-norm of the difference of two vectors, to every element of which ``eps`` is added.

    Source: torch.nn.PairwiseDistance; with ``keepdim`` the result has one more dimension, of size one.
    """
    return distance(x1, x2, p, eps)


@pairwise_distance.vjp
def _(cotangent, x1, x2, *, p, eps):
    return dict(zip(("x1", "x2"), pull_distance(cotangent, x1, x2, p, eps), strict=True))


@contract(
    torch="CosineSimilarity",
    reductions=ONLY_NONE,
    x1=REAL["n (c) *d"],
    x2=REAL["n (c) *d"].broadcast(),
    eps=POSITIVE,
    promises=IN_16_BIT_STEPS,
)
def cosine_similarity(x1, x2, *, eps=1e-8):
    """The cosine of the angle between two vectors, whose norms count as at least ``eps``.

    Source: torch.nn.functional.cosine_similarity.  The page of torch.nn.CosineSimilarity clamps the product
    of the norms instead: that is not what it computes.
    """
    return cosine(x1, x2, eps)


@cosine_similarity.vjp
def _(cotangent, x1, x2, *, eps):
    return dict(zip(("x1", "x2"), pull_cosine(cotangent, x1, x2, eps), strict=True))


#: The documented ``eps`` of the cosine similarity, where a loss has no parameter for it.
EPS_OF_COSINE = 1e-8


@contract(
    torch="CosineEmbeddingLoss",
    convention="the slope beyond the margin also at the margin",
    input1=REAL["n? (d)"],
    input2=REAL["n? (d)"],
    target=SIGN["n?"],
    margin=Interval(-1.0, 1.0),
    promises=IN_16_BIT_STEPS,
)
def cosine_embedding_loss(input1, input2, target, *, margin=0.0):
    """What the cosine lacks to 1 where ``target`` is 1, and what it exceeds ``margin`` by where it is -1.

    Source: torch.nn.CosineEmbeddingLoss, with the cosine of torch.nn.functional.cosine_similarity, which has
    a value for zero vectors too.
    """
    cos = cosine(input1, input2, EPS_OF_COSINE)
    return np.where(plain(target) == 1, 1 - cos, np.maximum(cos - margin, 0.0))


@cosine_embedding_loss.vjp
def _(cotangent, input1, input2, target, *, margin):
    cos = cosine(input1, input2, EPS_OF_COSINE)
    rise = np.where(plain(target) == 1, -1.0, np.where(cos >= margin, 1.0, 0.0))
    gradients = pull_cosine(cotangent * rise, input1, input2, EPS_OF_COSINE)
    return dict(zip(("input1", "input2"), gradients, strict=True))


@dataclass(frozen=True)
class Metric:
    """A distance: ``of(x, y, unit)``, and ``pull(cotangent, x, y, unit)``, the gradients by both.

    Both vectors are given in units of their own, (R, 1), and so is the distance: in ``unit ** degree``.
    """

    degree: int
    of: Callable
    pull: Callable


def lp(p, eps):
    """The p-norm of ``x - y + eps``."""
    return Metric(
        1,
        lambda x, y, unit: distance(x, y, p, eps / unit),
        lambda cotangent, x, y, unit: pull_distance(cotangent, x, y, p, eps / unit),
    )


def squared(x, y, unit):
    """The sum of the squared differences, shape (R,)."""
    return np.sum(np.square(x - y), axis=-1)


def pull_squared(cotangent, x, y, unit):
    """Gradients of ``squared``."""
    gradient = np.expand_dims(cotangent, -1) * (2 * (x - y)) * unit
    return gradient, -gradient


METRICS = {
    None: lp(2.0, 1e-6),
    "manhattan": lp(1.0, 0.0),
    "squared": Metric(2, squared, pull_squared),
    "cosine": Metric(
        0,
        lambda x, y, unit: 1 - cosine(x, y, EPS_OF_COSINE),
        lambda cotangent, x, y, unit: pull_cosine(-cotangent, x, y, EPS_OF_COSINE),
    ),
}


@dataclass(frozen=True, eq=False)
class Triplet:
    """Three vectors per row, (R, D), in units, (R, 1), in which none of their distances overflows."""

    metric: Metric
    anchor: object
    positive: object
    negative: object
    unit: np.ndarray

    @classmethod
    def of(cls, metric, *vectors):
        """Of anchor, positive and negative; the units are 1 except for huge vectors, and cancel out."""
        largest = np.max([magnitude(plain(x)) for x in vectors], axis=0)
        unit = np.maximum(largest / 2.0**48, 1.0) if metric.degree else np.ones_like(largest)
        return cls(metric, *(x / unit for x in vectors), unit)

    def distance(self, x, y):
        return self.metric.of(x, y, self.unit)

    def pull(self, cotangent, x, y):
        return self.metric.pull(cotangent, x, y, self.unit)

    def far(self, swap):
        """The distance of the negative: from the anchor, with ``swap`` from the positive if that is less."""
        far = self.distance(self.anchor, self.negative)
        return np.minimum(far, self.distance(self.positive, self.negative)) if swap else far

    def excess(self, margin, swap):
        """What the hinge cuts off at zero, shape (R,)."""
        unit = np.squeeze(self.unit, axis=-1)
        for _ in range(self.metric.degree):
            margin = margin / unit
        return (margin + self.distance(self.anchor, self.positive)) - self.far(swap)

    def loss(self, margin, swap):
        """The hinge of ``excess``, shape (R,)."""
        loss, unit = np.maximum(self.excess(margin, swap), 0.0), np.squeeze(self.unit, axis=-1)
        for _ in range(self.metric.degree):
            loss = loss * unit
        return loss

    def swapped_share(self, swap):
        """Derivative of ``far`` by the distance of negative and positive: 1 where that is less."""
        if not swap:
            return 0.0
        far = self.distance(self.anchor, self.negative)
        other = self.distance(self.positive, self.negative)
        return np.where(other < far, 1.0, np.where(other == far, 0.5, 0.0))


def pull_triplet(cotangent, triplet, margin, swap):
    """Gradients of ``triplet.loss``."""
    cotangent = np.where(triplet.excess(margin, swap) >= 0, cotangent, 0.0)
    share = triplet.swapped_share(swap)
    anchor1, positive1 = triplet.pull(cotangent, triplet.anchor, triplet.positive)
    anchor2, negative1 = triplet.pull(-cotangent * (1 - share), triplet.anchor, triplet.negative)
    if not swap:
        return {"anchor": anchor1 + anchor2, "positive": positive1, "negative": negative1}
    positive2, negative2 = triplet.pull(-cotangent * share, triplet.positive, triplet.negative)
    return {
        "anchor": anchor1 + anchor2,
        "positive": positive1 + positive2,
        "negative": negative1 + negative2,
    }


@contract(
    torch="TripletMarginLoss",
    convention=AT_TIES,
    anchor=REAL["n? (d)"],
    positive=REAL["n? (d)"],
    negative=REAL["n? (d)"],
    margin=POSITIVE,
    p=DEGREES,
    eps=NON_NEGATIVE,
    swap=BOOL,
    promises=IN_16_BIT_STEPS,
)
def triplet_margin_loss(anchor, positive, negative, *, margin=1.0, p=2.0, eps=1e-6, swap=False):
    """By how much the negative fails to be farther from the anchor than the positive, by ``margin``.

    The distance is that of ``pairwise_distance``; with ``swap`` that of positive and negative counts if less.
    Source: V. Balntas et al., Learning local feature descriptors with triplets and shallow convolutional
    neural networks, 2016 (margin ranking loss, anchor swap).
    """
    return Triplet.of(lp(p, eps), anchor, positive, negative).loss(margin, swap)


@triplet_margin_loss.vjp
def _(cotangent, anchor, positive, negative, *, margin, p, eps, swap):
    return pull_triplet(cotangent, Triplet.of(lp(p, eps), anchor, positive, negative), margin, swap)


@contract(
    torch="TripletMarginWithDistanceLoss",
    convention=AT_TIES,
    anchor=REAL["n (d)"],
    positive=REAL["n (d)"],
    negative=REAL["n (d)"],
    distance_function=OneOf(tuple(METRICS)),
    margin=POSITIVE,
    swap=BOOL,
    promises=IN_16_BIT_STEPS,
)
def triplet_margin_with_distance_loss(anchor, positive, negative, *, distance_function=None, margin=1.0, swap=False):
    """The triplet margin loss of a distance of one's own, by name; None is the pairwise distance.

    Names: "manhattan", the sum of magnitudes; "squared", that of squares; "cosine", 1 less the cosine.
    Source: torch.nn.TripletMarginWithDistanceLoss.
    """
    return Triplet.of(METRICS[distance_function], anchor, positive, negative).loss(margin, swap)


@triplet_margin_with_distance_loss.vjp
def _(cotangent, anchor, positive, negative, *, distance_function, margin, swap):
    triplet = Triplet.of(METRICS[distance_function], anchor, positive, negative)
    return pull_triplet(cotangent, triplet, margin, swap)
