"""Where torch's cosine embedding loss departs: products and squares of norms, and eps among them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from conformance.deviations.deviation import EVERY, deviation
from conformance.deviations.norms import (
    EPS_OF_SQUARES,
    EmbeddedCosine,
    sum_of_parts,
    terms,
    truth,
)
from reference.arithmetic.plain import plain
from reference.arithmetic.rounded import Rounded
from reference.in_numpy.distance import EPS_OF_COSINE, cosine, magnitude

WITHOUT_FLOAT16 = ("float32", "float64", "bfloat16")


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
    witness={"input1": [1.0, 1.0, 1.0], "input2": [1.5 * 2.0**127, 1.5 * 2.0**127, -1.5 * 2.0**127], "target": 1.0},
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
    witness={"input1": [1.0, 1.0, 1.0], "input2": [1.5 * 2.0**127, 1.5 * 2.0**127, -1.5 * 2.0**127], "target": 1.0},
)
def partial_sums_gradient(cotangent, input1, input2, target, *, margin):
    """The gradient is NaN where a partial sum of the product of both vectors overflows.

    As for the value: it depends on the order of the sum.
    """
    cos = EmbeddedCosine.of(input1, input2, sum_of_parts)
    return pull_embedding_loss(cos.pull, cos.compared, cotangent, target, margin)
