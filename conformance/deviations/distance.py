"""Where torch's distances depart: norms and powers that are not scaled, steps that leave the format."""

from __future__ import annotations

import numpy as np

from conformance.deviations.deviation import EVERY, deviation
from conformance.deviations.norms import (
    difference,
    norm,
    pull_norm,
    pull_scaled_norm,
    terms,
    truth,
)
from reference.arithmetic.plain import plain
from reference.in_numpy.distance import pull_distance

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
    of="value",
    dtypes=("float16",),
    steps="storage",
    severity="accuracy",
    share=0.1,
    condition="eps nearly cancels the difference of the vectors",
    upstream=None,
    witness={"x1": [-6.890625], "x2": [93.125], "p": 3.0, "eps": 100.0},
)
def rounded_before_eps(x1, x2, *, p, eps):
    """The distance has no right digit where eps nearly cancels the difference.

    The difference is stored in 16 bits before eps is added to it.
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
