"""Losses on the difference between a prediction and a target."""

import numpy as np

from reference.contract import contract
from reference.domains import POSITIVE, REAL


@contract(torch="HuberLoss", input=REAL["*n"], target=REAL["*n"], delta=POSITIVE)
def huber_loss(input, target, *, delta=1.0):
    """Squared error within ``delta`` of the target, linear beyond it.

    Source: P. J. Huber, Robust estimation of a location parameter, 1964, eq. (1.2) with k = delta.
    """
    error = abs(input - target)
    return np.where(error <= delta, 0.5 * np.square(error), delta * (error - 0.5 * delta))


@huber_loss.vjp
def _(cotangent, input, target, *, delta):
    slope = cotangent * np.clip(input - target, -delta, delta)
    return {"input": slope, "target": -slope}
