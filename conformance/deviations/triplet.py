"""Where torch's triplet margin losses depart: distances not scaled, and stored before they cancel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from conformance.deviations.deviation import EVERY, deviation
from conformance.deviations.norms import (
    Cosine,
    difference,
    exactly,
    norm,
    pull_norm,
    pull_scaled_norm,
    stored_sum,
    terms,
    truth,
)
from reference.arithmetic.plain import plain
from reference.arithmetic.rounded import Rounded
from reference.in_numpy.distance import triplet_margin_with_distance_loss

ARGUMENTS = ("anchor", "positive", "negative")
GRADIENTS = tuple(f"grad_{name}" for name in ARGUMENTS)
WITHOUT_FLOAT16 = ("float32", "float64", "bfloat16")
FAMILY = ("TripletMarginLoss", "TripletMarginWithDistanceLoss")


@dataclass(frozen=True)
class Metric:
    """A distance as torch evaluates it: ``of(x, y)``, (R, 1); ``pull(up, x, y)``, the gradients by both."""

    of: Callable
    pull: Callable


def lp(p: float, eps, pull: Callable = pull_norm) -> Metric:
    """The pairwise distance; ``pull`` is how the gradient of its norm is taken."""

    def pull_distance(up, x, y):
        gap = difference(x, y, eps)
        gradient = pull(up, gap, p, norm(gap, p))
        return gradient, -gradient

    return Metric(lambda x, y: norm(difference(x, y, eps), p), pull_distance)


def pull_squared(up, x, y):
    gradient = up * (exactly(x - y) * 2.0)
    return gradient, -gradient


def metric_of(name: str | None, like: Rounded, pull: Callable = pull_norm) -> Metric:
    """The distance function of a name, as ``conformance.construction.DISTANCES`` has them."""
    constant = partial(Rounded.nearest, model=like.model)
    if name == "squared":
        return Metric(lambda x, y: stored_sum(exactly(np.square(exactly(x - y)))), pull_squared)
    if name == "cosine":
        eps = constant(1e-8)
        return Metric(lambda x, y: 1 - Cosine.of(x, y, eps).value, lambda up, x, y: Cosine.of(x, y, eps).pull(-up))
    return lp(1.0, 0.0, pull) if name == "manhattan" else lp(2.0, constant(1e-6), pull)


@dataclass(frozen=True, eq=False)
class Triplet:
    """The distances, (R, 1), of one triplet per row: to the positive, to the negative, between those two."""

    vectors: tuple
    metric: Metric
    near: Rounded
    far: Rounded
    other: Rounded | None

    @classmethod
    def of(cls, metric: Metric, anchor, positive, negative, swap: bool) -> Triplet:
        other = metric.of(positive, negative) if swap else None
        near, far = metric.of(anchor, positive), metric.of(anchor, negative)
        return cls((anchor, positive, negative), metric, near, far, other)

    def excess(self, margin) -> Rounded:
        """What the hinge cuts off at zero, (R, 1)."""
        far = self.far if self.other is None else np.minimum(self.far, self.other)
        return (margin + self.near) - far

    def loss(self, margin) -> Rounded:
        """The terms, (R,)."""
        return terms(np.squeeze(np.maximum(self.excess(margin), 0.0), axis=-1))

    def passes(self, margin):
        """Where the hinge passes the gradient, (R, 1): unsure where the order of the sums may decide."""
        excess, model = self.excess(margin), replace(self.near.model, kinks=False)
        sizes = abs(plain(margin)) + abs(plain(self.near)) + abs(plain(self.far))
        error = np.where(np.isfinite(sizes), 4 * model.unit * sizes, 0.0)
        return Rounded(plain(excess), error, model) >= 0

    def pull(self, cotangent, margin) -> dict:
        """The gradients by all three."""
        up = np.where(self.passes(margin), np.expand_dims(cotangent, -1), 0.0)
        share = self.share_of_other()
        anchor, positive, negative = self.vectors
        by_anchor, by_positive = self.metric.pull(up, anchor, positive)
        more, by_negative = self.metric.pull(-up * (1 - share), anchor, negative)
        if self.other is not None:
            more_positive, more_negative = self.metric.pull(-up * share, positive, negative)
            by_positive, by_negative = by_positive + more_positive, by_negative + more_negative
        found = (by_anchor + more, by_positive, by_negative)
        return dict(zip(ARGUMENTS, map(terms, found), strict=True))

    def share_of_other(self):
        """The derivative of the lesser distance by the one between positive and negative."""
        if self.other is None:
            return 0.0
        return np.where(self.other < self.far, 1.0, np.where(plain(self.other) == plain(self.far), 0.5, 0.0))


def triplet(anchor, positive, negative, swap, pull=pull_norm, **options) -> Triplet:
    """The triplet of either loss, by the arguments of its contract."""
    if "p" in options:
        metric = lp(options["p"], options["eps"], pull)
    else:
        metric = metric_of(options["distance_function"], anchor, pull)
    return Triplet.of(metric, anchor, positive, negative, swap)


@deviation(
    "TripletMarginWithDistanceLoss",
    of="value",
    dtypes=EVERY,
    steps="storage",
    severity="nan",
    share=0.2,
    condition="the distance is the cosine's, and the norm of a vector or eps leaves the format",
    upstream="pytorch/pytorch#193006",
    witness={
        "anchor": [[0.0, 0.0]], "positive": [[1.0, 0.0]], "negative": [[0.0, 1.0]],
        "distance_function": "cosine",
    },
)  # fmt: skip
def cosine_distance(anchor, positive, negative, *, distance_function, margin, swap):
    """The loss departs as the cosine similarity does that it takes for a distance.

    A norm that overflows or underflows makes the cosine nought or too large, and a zero vector NaN in
    float16, where eps is nought.
    """
    given = {"distance_function": distance_function, "margin": margin, "swap": swap}
    if distance_function != "cosine":
        return truth(triplet_margin_with_distance_loss.formula, anchor, positive, negative, **given)
    return triplet(anchor, positive, negative, swap, distance_function=distance_function).loss(margin)


@deviation(
    "TripletMarginWithDistanceLoss",
    of="gradient",
    quantities=GRADIENTS,
    dtypes=EVERY,
    steps="storage",
    severity="nan",
    share=0.4,
    condition="the distance is the cosine's, and the norm of a vector is below eps or leaves the format",
    upstream="pytorch/pytorch#193006",
    witness={
        "anchor": [[0.0, 0.0]], "positive": [[1.0, 0.0]], "negative": [[0.0, 1.0]],
        "distance_function": "cosine",
    },
)  # fmt: skip
def cosine_distance_gradient(cotangent, anchor, positive, negative, *, distance_function, margin, swap):
    """The gradient departs as that of the cosine similarity does that it takes for a distance.

    Below eps it is not that of the value; a norm that overflows makes it nought, and a zero vector NaN in
    float16, where eps is nought.
    """
    given = {"distance_function": distance_function, "margin": margin, "swap": swap}
    if distance_function != "cosine":
        right = triplet_margin_with_distance_loss.pullback
        return truth(right, cotangent, anchor, positive, negative, **given)
    found = triplet(anchor, positive, negative, swap, distance_function=distance_function)
    return found.pull(cotangent, margin)


for _loss in FAMILY:

    @deviation(
        _loss,
        of="value",
        dtypes=WITHOUT_FLOAT16,
        steps="storage",
        severity="nan",
        share=0.3,
        condition="a power of an element of a difference, or the sum of the powers, leaves the format",
        upstream="pytorch/pytorch#193006",
        witness={"anchor": [[2.0**65, 0.0]], "positive": [[0.0, 0.0]], "negative": [[0.0, 1.0]]},
    )
    def unscaled_distance(anchor, positive, negative, *, margin, swap, **options):
        """The loss is NaN, infinite or nought although both distances are well inside the format.

        The distances sum powers of the elements as they are, which overflow or underflow long before the norm
        does: two infinite distances make NaN, an infinite one to the negative makes nought.
        """
        return triplet(anchor, positive, negative, swap, **options).loss(margin)

    @deviation(
        _loss,
        of="value",
        dtypes=("float16",),
        steps="storage",
        severity="nan",
        share=0.3,
        condition="a difference, a distance, or the margin exceeds the format",
        upstream=None,
        witness={"anchor": [[60000.0, 0.0]], "positive": [[-60000.0, 0.0]], "negative": [[-60000.0, 0.0]]},
    )
    def stored_distance(anchor, positive, negative, *, margin, swap, **options):
        """The loss is NaN or infinite where distances that exceed float16 would cancel.

        Every difference, distance and sum is stored: two infinite distances make NaN.
        """
        return triplet(anchor, positive, negative, swap, **options).loss(margin)

    @deviation(
        _loss,
        of="gradient",
        quantities=GRADIENTS,
        dtypes=WITHOUT_FLOAT16,
        steps="storage",
        severity="wrong",
        share=0.3,
        condition="a distance came out infinite, nought or inaccurate",
        upstream="pytorch/pytorch#193006",
        witness={
            "anchor": [[2.0**65, 0.0]],
            "positive": [[0.0, 2.0**65]],
            "negative": [[2.0**65, 1.0]],
        },
    )
    def unscaled_distance_gradient(cotangent, anchor, positive, negative, *, margin, swap, **options):
        """The gradient is nought or has the wrong length where a distance is infinite, nought or inaccurate.

        Powers that are not scaled make it so; the backward step divides by it, and the hinge goes by it:
        where it is NaN, it passes nothing.
        """
        found = triplet(anchor, positive, negative, swap, pull_scaled_norm, **options)
        return found.pull(cotangent, margin)


@deviation(
    "TripletMarginLoss",
    of="gradient",
    quantities=GRADIENTS,
    dtypes=EVERY,
    steps="storage",
    severity="nan",
    share=0.35,
    condition="a power of an element or of a distance leaves the format in the backward step",
    upstream=None,
    witness={"anchor": [[300.0, 300.0]], "positive": [[0.0, 0.0]], "negative": [[0.0, 1.0]], "p": 3.0},
)
def powers_in_the_gradient(cotangent, anchor, positive, negative, *, margin, swap, **options):
    """The gradient is NaN, infinite or nought where powers in the backward step leave the format.

    It is that of the pairwise distance: a product of powers of the elements and of the norm.  It is NaN
    also where the hinge passes nothing, since nought is multiplied with infinity.
    """
    return triplet(anchor, positive, negative, swap, **options).pull(cotangent, margin)


@deviation(
    "TripletMarginWithDistanceLoss",
    of="gradient",
    quantities=GRADIENTS,
    dtypes=("float16",),
    steps="storage",
    severity="nan",
    share=0.2,
    condition="a difference, a distance, or the margin exceeds the format",
    upstream=None,
    witness={
        "anchor": [[60000.0, 0.0]],
        "positive": [[60000.0, 0.0]],
        "negative": [[-60000.0, 0.0]],
        "distance_function": "squared",
    },
)
def stored_distance_gradient(cotangent, anchor, positive, negative, *, margin, swap, **options):
    """The gradient is NaN or nought where differences or distances exceed float16.

    Every difference and distance is stored.  Where the hinge passes nothing, nought is multiplied with an
    infinite difference; where both distances are infinite, the hinge is NaN and passes nothing.
    """
    return triplet(anchor, positive, negative, swap, **options).pull(cotangent, margin)
