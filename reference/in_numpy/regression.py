"""Losses on the difference between a prediction and a target."""

import numpy as np

from reference.arithmetic.plain import plain
from reference.contract import COMPLEX_DTYPES, contract
from reference.domains import COMPLEX, NON_NEGATIVE, POSITIVE, REAL

STEPS = ("C", "eager torch rounds every step of this composite to 16 bits")


@contract(
    torch="L1Loss",
    convention="no slope where input and target are equal",
    input=REAL["*n"],
    target=REAL["*n"],
)
def l1_loss(input, target):
    """Absolute difference of input and target.

    Source: torch.nn.L1Loss.
    """
    return abs(input - target)


@l1_loss.vjp
def _(cotangent, input, target):
    slope = cotangent * np.sign(input - target)
    return {"input": slope, "target": -slope}


def modulus(z):
    """Absolute value of complex rows (R, 2), shape (R,), without overflow or underflow of the squares."""
    parts = abs(z)
    large, small = np.max(parts, axis=-1), np.min(parts, axis=-1)
    ratio = small / np.where(large > 0, large, 1.0)
    return large * np.sqrt(1 + np.square(ratio))


@contract(
    torch="L1Loss",
    dtypes=COMPLEX_DTYPES,
    convention="no slope where input and target are equal",
    input=COMPLEX["*n"],
    target=COMPLEX["*n"],
)
def l1_loss_complex(input, target):
    """Modulus of the difference of input and target, (R, 2) each: real, imaginary.

    Source: torch.nn.L1Loss; C. B. Moler and D. Morrison, Replacing square roots by Pythagorean sums, 1983.
    """
    return modulus(input - target)


@l1_loss_complex.vjp
def _(cotangent, input, target):
    # dL/dre + i dL/dim: the direction of the difference, or anything in the unit disc where there is none.
    error = input - target
    apart = np.any(plain(input) != plain(target), axis=-1, keepdims=True)
    size = np.expand_dims(modulus(np.where(apart, error, 1.0)), -1)
    cosine = np.where(apart, abs(error) / size, 1.0)
    slope = np.expand_dims(cotangent, -1) * (np.sign(error) * cosine)
    return {"input": slope, "target": -slope}


@contract(
    torch="MSELoss",
    promises={("*", "float16"): STEPS, ("*", "bfloat16"): STEPS},
    input=REAL["*n"],
    target=REAL["*n"],
)
def mse_loss(input, target):
    """Squared difference of input and target.

    Source: torch.nn.MSELoss.
    """
    return np.square(input - target)


@mse_loss.vjp
def _(cotangent, input, target):
    slope = (2 * cotangent) * (input - target)
    return {"input": slope, "target": -slope}


@contract(
    torch="SmoothL1Loss",
    promises={("value", "float16"): STEPS},
    convention="with beta 0 no slope where input and target are equal",
    input=REAL["*n"],
    target=REAL["*n"],
    beta=NON_NEGATIVE,
)
def smooth_l1_loss(input, target, *, beta=1.0):
    """Absolute error less ``beta / 2``, with a parabola of slope 1 at its ends within ``beta`` of the target.

    Source: R. Girshick, Fast R-CNN, 2015, eq. (3), with ``beta`` as in torch.nn.SmoothL1Loss.
    """
    error = abs(input - target)
    if beta == 0:
        return error
    return np.where(error < beta, 0.5 * (error * (error / beta)), error - 0.5 * beta)


@smooth_l1_loss.vjp
def _(cotangent, input, target, *, beta):
    error = input - target
    slope = np.sign(error)
    if beta != 0:
        slope = np.where(abs(error) < beta, error / beta, slope)
    slope = cotangent * slope
    return {"input": slope, "target": -slope}


@contract(
    torch="HuberLoss",
    promises={
        ("value", "bfloat16"): STEPS,
        **{(f"grad_{x}", dtype): STEPS for x in ("input", "target") for dtype in ("float16", "bfloat16")},
    },
    input=REAL["*n"],
    target=REAL["*n"],
    delta=POSITIVE,
)
def huber_loss(input, target, *, delta=1.0):
    """Squared error within ``delta`` of the target, linear beyond it.

    Source: P. J. Huber, Robust estimation of a location parameter, 1964, eq. (1.2) with k = delta.
    """
    error = abs(input - target)
    return np.where(error <= delta, 0.5 * np.square(error), delta * (error - 0.5 * delta))


@huber_loss.vjp
def _(cotangent, input, target, *, delta):
    error = input - target
    slope = cotangent * np.where(abs(error) <= delta, error, delta * np.sign(error))
    return {"input": slope, "target": -slope}
