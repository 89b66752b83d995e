"""Where torch's cosine similarity departs: norms that are not scaled, and how they are held to eps."""

from __future__ import annotations

import numpy as np

from conformance.deviations.deviation import EVERY, deviation
from conformance.deviations.norms import (
    Cosine,
    terms,
    truth,
)
from reference.arithmetic.dual import Dual
from reference.arithmetic.plain import plain
from reference.in_numpy.distance import cosine, magnitude, pull_cosine, unit
from reference.in_numpy.distance import norm as scaled_norm

BOTH = ("grad_x1", "grad_x2")


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


def unit_by_norm(x, eps):
    """``unit``, whose divisor changes as the norm does."""
    scaled_unit, (divisor, scale), _ = unit(x, eps)
    if not isinstance(x, Dual):
        return scaled_unit, divisor, scale
    divisor = Dual(divisor.primal, scaled_norm(x / scale).tangent)
    return x / scale / divisor, divisor, scale


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
    (u1, d1, scale1), (u2, d2, scale2) = unit_by_norm(x1, eps), unit_by_norm(x2, eps)
    up, cos = np.expand_dims(cotangent, -1), np.sum(u1 * u2, axis=-1, keepdims=True)
    gradient1 = up * ((u2 - cos * direction(x1)) / d1) / scale1
    gradient2 = up * ((u1 - cos * direction(x2)) / d2) / scale2
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
