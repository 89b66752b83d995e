"""Where torch's distances and cosines depart: norms that are not scaled, steps that leave the format."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from conformance.deviations.deviation import EVERY, deviation
from conformance.deviations.norms import (
    EPS_OF_SQUARES,
    Cosine,
    EmbeddedCosine,
    difference,
    norm,
    pull_norm,
    pull_scaled_norm,
    sum_of_parts,
    terms,
    truth,
)
from reference.arithmetic.plain import plain
from reference.arithmetic.rounded import Rounded
from reference.in_numpy.distance import EPS_OF_COSINE, cosine, magnitude, pull_cosine, pull_distance, unit
from reference.in_numpy.distance import norm as scaled_norm

WITHOUT_FLOAT16 = ("float32", "float64", "bfloat16")
BOTH = ("grad_x1", "grad_x2")


def opposite(gradient):
    """The gradients by both vectors, of what depends on their difference."""
    return {"x1": gradient, "x2": -gradient}


@deviation(
    "PairwiseDistance",
    of="value",
    dtypes=WITHOUT_FLOAT16,
    steps="storage",
    severity="wrong",
    share=0.25,
    condition="a power of an element, or the sum of the powers, is too large or too small for the format",
    upstream="pytorch/pytorch#193006",
    witness={"x1": [2.0**65, 2.0**65], "x2": [0.0, 0.0]},
)
def unscaled_norm(x1, x2, *, p, eps):
    """The distance is infinite, nought or inaccurate although it is well inside the format.

    The norm sums powers of the elements as they are, in float32 or float64: they overflow, or underflow, long
    before the norm does.  Float16 escapes, since its accumulator is float32.
    """
    return np.squeeze(terms(norm(difference(x1, x2, eps), p)), axis=-1)


@deviation(
    "PairwiseDistance",
    of="gradient",
    quantities=BOTH,
    dtypes=("float16",),
    steps="storage",
    severity="nan",
    share=0.05,
    condition="an element of the difference exceeds the format",
    upstream=None,
    witness={"x1": [60000.0, 0.0], "x2": [-60000.0, 0.0]},
)
def difference_overflows(cotangent, x1, x2, *, p, eps):
    """The gradient is NaN where the difference overflows, though it is a direction.

    The difference is stored: an infinite one, divided by its infinite norm, is NaN, and the other elements,
    divided by that norm, are nought.
    """
    x = difference(x1, x2, eps)
    overflows = ~np.isfinite(plain(x)).all(axis=-1, keepdims=True)
    found = pull_norm(np.expand_dims(cotangent, -1), x, p, norm(x, p))
    right = truth(pull_distance, cotangent, x1, x2, p, eps)[0]
    return opposite(np.where(overflows, found, right))


@deviation(
    "PairwiseDistance",
    of="gradient",
    quantities=BOTH,
    dtypes=EVERY,
    steps="storage",
    severity="wrong",
    share=0.35,
    condition="the norm came out infinite, nought or inaccurate",
    upstream="pytorch/pytorch#193006",
    witness={"x1": [60000.0, 60000.0], "x2": [0.0, 0.0]},
)
def unscaled_norm_gradient(cotangent, x1, x2, *, p, eps):
    """The gradient is nought, or has the wrong length, where the norm is infinite, nought or inaccurate.

    The backward step divides by the stored norm.  One that overflowed gives nought; one whose powers
    underflowed is nought, or too small, and so is wrong what is divided by it.
    """
    x = difference(x1, x2, eps)
    return opposite(pull_scaled_norm(np.expand_dims(cotangent, -1), x, p, norm(x, p)))


@deviation(
    "PairwiseDistance",
    of="gradient",
    quantities=BOTH,
    dtypes=EVERY,
    steps="storage",
    severity="nan",
    share=0.35,
    condition="p is neither 1, 2 nor infinite, and a power of an element or of the norm leaves the format",
    upstream=None,
    witness={"x1": [300.0, 300.0], "x2": [0.0, 0.0], "p": 3.0},
)
def powers_in_the_gradient(cotangent, x1, x2, *, p, eps):
    """The gradient is NaN, infinite or nought where powers in the backward step leave the format.

    It is x |x|^(p-2) times the upstream gradient divided by norm^(p-1), where both powers are stored in the
    dtype: they overflow or underflow, in float16 already above 256, though their quotient is at most one.
    """
    x = difference(x1, x2, eps)
    if p in (1, 2, np.inf):
        return opposite(truth(pull_distance, cotangent, x1, x2, p, eps)[0])
    return opposite(pull_norm(np.expand_dims(cotangent, -1), x, p, norm(x, p)))


def without_eps(x1, x2, eps):
    """Where a zero vector is divided by an ``eps`` that the format rounds to nought: shape (R, 1)."""
    none = [~np.any(plain(x) != 0, axis=-1, keepdims=True) for x in (x1, x2)]
    return (none[0] | none[1]) & (plain(eps) == 0)


@deviation(
    "CosineSimilarity",
    of="value",
    dtypes=("float16",),
    steps="storage",
    severity="nan",
    share=0.05,
    condition="a vector is zero, and eps rounds to nought",
    upstream=None,
    witness={"x1": [[0.0, 0.0]], "x2": [[1.0, 0.0]]},
)
def eps_vanishes(x1, x2, *, eps):
    """The cosine of a zero vector is NaN.

    The default eps, 1e-8, is nought in float16; the norm is held to at least that, and nought is divided by
    nought.
    """
    found = Cosine.of(x1, x2, eps).value
    right = np.expand_dims(truth(cosine, x1, x2, eps), -1)
    return np.squeeze(terms(np.where(without_eps(x1, x2, eps), found, right)), axis=-1)


@deviation(
    "CosineSimilarity",
    of="value",
    dtypes=EVERY,
    steps="storage",
    severity="wrong",
    share=0.4,
    condition="the norm, or a square, leaves the format",
    upstream="pytorch/pytorch#193006",
    witness={"x1": [[60000.0, 60000.0]], "x2": [[1.0, 1.0]]},
)
def unscaled_norm_of_cosine(x1, x2, *, eps):
    """The cosine is nought, or too large, where a norm overflows or underflows.

    The norm sums squares as they are, and is stored: an infinite one makes all of the vector nought; one
    whose squares underflow is too small, and the cosine exceeds one.
    """
    return np.squeeze(terms(Cosine.of(x1, x2, eps).value), axis=-1)


@deviation(
    "CosineSimilarity",
    of="gradient",
    quantities=BOTH,
    dtypes=("float16",),
    steps="storage",
    severity="nan",
    share=0.05,
    condition="a vector is zero, and eps rounds to nought",
    upstream=None,
    witness={"x1": [[0.0, 0.0]], "x2": [[1.0, 0.0]]},
)
def eps_vanishes_in_the_gradient(cotangent, x1, x2, *, eps):
    """The gradient is NaN next to a zero vector.

    As for the value: the default eps, 1e-8, is nought in float16, and nought is divided by nought.
    """
    up, where = np.expand_dims(cotangent, -1), without_eps(x1, x2, eps)
    right = truth(pull_cosine, cotangent, x1, x2, eps)
    pairs = zip(Cosine.of(x1, x2, eps).pull(up), right, strict=True)
    return dict(zip(("x1", "x2"), (np.where(where, *pair) for pair in pairs), strict=True))


def direction(x):
    """``x`` divided by its norm; nought where that is."""
    scaled = x / magnitude(plain(x))
    length = scaled_norm(scaled)
    return np.where(plain(length) == 0, 0.0, scaled / length)


@deviation(
    "CosineSimilarity",
    of="gradient",
    quantities=BOTH,
    dtypes=EVERY,
    steps="storage",
    severity="wrong",
    share=0.45,
    condition="the norm of a vector is below eps",
    upstream=None,
    witness={"x1": [[0.5, 0.25]], "x2": [[1.0, 0.0]], "eps": 8.0},
)
def clamp_without_gradient(cotangent, x1, x2, *, eps):
    """The gradient below eps is not that of the value, whose divisor is the constant eps there.

    The norm is held to at least eps without recording it, and the backward step takes the divisor for the
    norm everywhere: it subtracts a part along the vector that the value does not have.
    """
    (u1, by1, _), (u2, by2, _) = unit(x1, eps), unit(x2, eps)
    up, cos = np.expand_dims(cotangent, -1), np.sum(u1 * u2, axis=-1, keepdims=True)
    gradient1 = up * ((u2 - cos * direction(x1)) / by1[0]) / by1[1]
    gradient2 = up * ((u1 - cos * direction(x2)) / by2[0]) / by2[1]
    return {"x1": gradient1, "x2": gradient2}


@deviation(
    "CosineSimilarity",
    of="gradient",
    quantities=BOTH,
    dtypes=EVERY,
    steps="storage",
    severity="wrong",
    share=0.65,
    condition="the norm, a square, or a quotient by the norm leaves the format",
    upstream="pytorch/pytorch#193006",
    witness={"x1": [[60000.0, 60000.0]], "x2": [[1.0, 0.0]]},
)
def unscaled_norm_in_the_gradient_of_cosine(cotangent, x1, x2, *, eps):
    """The gradient is nought, NaN or of the wrong size where a norm overflows or underflows.

    The backward step divides by the stored norm, and by it again: an infinite one makes nought of everything.
    """
    gradients = Cosine.of(x1, x2, eps).pull(np.expand_dims(cotangent, -1))
    return {k: terms(g) for k, g in zip(("x1", "x2"), gradients, strict=True)}


def embedding_loss(cos, target, margin):
    """The terms of the cosine embedding loss, (R,), of cosines, (R, 1)."""
    cos = np.squeeze(cos, axis=-1)
    return terms(np.where(plain(target) == 1, 1 - cos, np.maximum(cos - margin, 0.0)))


def pull_embedding_loss(pull, cos, cotangent, target, margin):
    """The gradients by both vectors, given the cosines, (R, 1), and ``pull``, how theirs come about."""
    cos = np.squeeze(cos, axis=-1)
    rise = np.where(plain(target) == 1, -1.0, np.where(cos - margin >= 0, 1.0, 0.0))
    gradients = pull(np.expand_dims(cotangent * rise, -1))
    return dict(zip(("input1", "input2"), map(terms, gradients), strict=True))


@dataclass(frozen=True, eq=False)
class ShiftedCosine:
    """The cosine with the squares of the norms a little larger, otherwise without loss: all scaled."""

    vectors: tuple
    scales: tuple
    squares: tuple
    value: object
    divisor: object

    @classmethod
    def of(cls, x1, x2):
        scales = tuple(np.maximum(magnitude(plain(x)), 2.0**-20) for x in (x1, x2))
        vectors = tuple(x / scale for x, scale in zip((x1, x2), scales, strict=True))
        eps = Rounded.nearest(EPS_OF_SQUARES, x1.model)
        squares = tuple(
            np.sum(np.square(x), axis=-1, keepdims=True) + eps / scale / scale
            for x, scale in zip(vectors, scales, strict=True)
        )
        divisor = np.sqrt(squares[0]) * np.sqrt(squares[1])
        value = np.sum(vectors[0] * vectors[1], axis=-1, keepdims=True) / divisor
        return cls(vectors, scales, squares, value, divisor)

    def pull(self, up):
        """The gradients by both vectors, of ``up``, (R, 1)."""
        return [
            up * (self.vectors[1 - i] / self.divisor - self.value * x / self.squares[i]) / self.scales[i]
            for i, x in enumerate(self.vectors)
        ]


@deviation(
    "CosineEmbeddingLoss",
    of="value",
    dtypes=WITHOUT_FLOAT16,
    steps="storage",
    severity="wrong",
    share=0.8,
    condition="always in float64; in other dtypes where the norm of a vector is below 0.01",
    upstream=None,
    witness={"input1": [2.0**-20, 0.0], "input2": [2.0**-20, 0.0], "target": 1.0},
)
def eps_in_the_squares(input1, input2, target, *, margin):
    """The cosine is that of longer vectors: the square of each norm has 1e-12 added.

    It is not documented, and more than the eps of 1e-8 that the cosine similarity holds norms to: the loss of
    two equal vectors of length 1e-6 is a half, and in float64 every cosine is off by 1e-12 of itself.
    """
    return embedding_loss(ShiftedCosine.of(input1, input2).value, target, margin)


@deviation(
    "CosineEmbeddingLoss",
    of="value",
    dtypes=("float16",),
    steps="storage",
    severity="nan",
    share=0.2,
    condition="the product of the squares of both norms rounds to nought",
    upstream=None,
    witness={"input1": [0.0, 0.0], "input2": [1.0, 0.0], "target": 1.0},
)
def division_by_nought(input1, input2, target, *, margin):
    """The loss of zero or short vectors is NaN or infinite.

    The 1e-12 added to the squares of the norms is nought in float16, and so is the product of two small
    squares: vectors of length 0.01 already give minus infinity.
    """
    torchs = EmbeddedCosine.of(input1, input2)
    right = np.expand_dims(truth(cosine, input1, input2, EPS_OF_COSINE), -1)
    return embedding_loss(np.where(plain(torchs.divisor) == 0, torchs.value, right), target, margin)


@deviation(
    "CosineEmbeddingLoss",
    of="value",
    dtypes=EVERY,
    steps="storage",
    severity="nan",
    share=0.75,
    condition="a product, a square, or the product of two squares leaves the format",
    upstream=None,
    witness={"input1": [20.0, 0.0], "input2": [20.0, 0.0], "target": 1.0},
)
def squares_of_norms(input1, input2, target, *, margin):
    """The loss is 1, NaN or infinite where the product of the squares of both norms leaves the format.

    The divisor is the root of the product of two squares, a fourth power: it overflows in float16 where the
    norms' product exceeds 256, in float32 1.8e19, and underflows likewise.
    """
    return embedding_loss(EmbeddedCosine.of(input1, input2).value, target, margin)


@deviation(
    "CosineEmbeddingLoss",
    of="value",
    dtypes=WITHOUT_FLOAT16,
    steps="storage",
    severity="nan",
    share=0.05,
    condition="the products of one sign overflow, though with those of the other they would not",
    upstream=None,
    witness={"input1": [1.0, 1.0, 1.0], "input2": [3e38, 3e38, -3e38], "target": 1.0},
)
def partial_sums(input1, input2, target, *, margin):
    """The loss is NaN or infinite where a partial sum of the product of both vectors overflows.

    The products are summed as they are: whether an infinite partial sum comes up on the way to a finite
    one depends on the order.
    """
    return embedding_loss(EmbeddedCosine.of(input1, input2, sum_of_parts).value, target, margin)


OF_INPUTS = ("grad_input1", "grad_input2")


@deviation(
    "CosineEmbeddingLoss",
    of="gradient",
    quantities=OF_INPUTS,
    dtypes=WITHOUT_FLOAT16,
    steps="storage",
    severity="wrong",
    share=0.7,
    condition="always in float64; in other dtypes where the norm of a vector is below 0.01",
    upstream=None,
    witness={"input1": [2.0**-20, 0.0], "input2": [2.0**-20, 0.0], "target": 1.0},
)
def eps_in_the_squares_gradient(cotangent, input1, input2, target, *, margin):
    """The gradient is that of the cosine of longer vectors: the square of each norm has 1e-12 added.

    As for the value; the gradient of two parallel vectors, which is nought, is 1e-12 of the inverse norm.
    """
    cos = ShiftedCosine.of(input1, input2)
    return pull_embedding_loss(cos.pull, cos.value, cotangent, target, margin)


@deviation(
    "CosineEmbeddingLoss",
    of="gradient",
    quantities=OF_INPUTS,
    dtypes=EVERY,
    steps="storage",
    severity="nan",
    share=0.9,
    condition="a square, the product of two squares, or a quotient by their root leaves the format",
    upstream=None,
    witness={"input1": [20.0, 0.0], "input2": [0.0, 20.0], "target": 1.0},
)
def squares_of_norms_gradient(cotangent, input1, input2, target, *, margin):
    """The gradient is NaN, infinite or nought where squares of norms leave the format.

    It passes through the root of the product of the two squares, a fourth power, and its inverse: in float16
    they overflow above 256, and are nought, where the 1e-12 that is added vanishes too, below 2e-4.
    """
    cos = EmbeddedCosine.of(input1, input2)
    return pull_embedding_loss(cos.pull, cos.compared, cotangent, target, margin)


@deviation(
    "CosineEmbeddingLoss",
    of="gradient",
    quantities=OF_INPUTS[::-1],
    dtypes=WITHOUT_FLOAT16,
    steps="storage",
    severity="nan",
    share=0.05,
    condition="the products of one sign overflow, though with those of the other they would not",
    upstream=None,
    witness={"input1": [1.0, 1.0, 1.0], "input2": [3e38, 3e38, -3e38], "target": 1.0},
)
def partial_sums_gradient(cotangent, input1, input2, target, *, margin):
    """The gradient is NaN where a partial sum of the product of both vectors overflows.

    As for the value: it depends on the order of the sum.
    """
    cos = EmbeddedCosine.of(input1, input2, sum_of_parts)
    return pull_embedding_loss(cos.pull, cos.compared, cotangent, target, margin)
