"""What do the functions of torch.nn.functional promise of a ``weight`` that the modules do not take?

Each term is multiplied by its own weight.  The mean of ``mse_loss`` and ``l1_loss`` divides by the sum of the weights,
that of ``huber_loss`` by their number.  Source: torch.nn.functional, torch 2.13.
"""

import numpy as np

from reference.contract import contract
from reference.domains import NON_NEGATIVE, POSITIVE, REAL
from reference.reductions import STANDARD, Reduction

STEPS = ("C", "eager torch rounds every step of this composite to 16 bits")
PROMISES = {("*", dtype): STEPS for dtype in ("float16", "bfloat16")}
BY_WEIGHT = STANDARD | {"mean": Reduction(weight=lambda given: given["weight"])}


@contract(reductions=BY_WEIGHT, promises=PROMISES, input=REAL["*n"], target=REAL["*n"], weight=NON_NEGATIVE["*n"])
def weighted_mse_loss(input, target, *, weight):
    """Squared difference of input and target, times a weight.

    Source: torch.nn.functional.mse_loss.
    """
    return weight * np.square(input - target)


@weighted_mse_loss.vjp
def _(cotangent, input, target, *, weight):
    slope = (2 * (cotangent * weight)) * (input - target)
    return {"input": slope, "target": -slope}


@contract(
    reductions=BY_WEIGHT,
    promises=PROMISES,
    convention="no slope where input and target are equal",
    input=REAL["*n"],
    target=REAL["*n"],
    weight=NON_NEGATIVE["*n"],
)
def weighted_l1_loss(input, target, *, weight):
    """Absolute difference of input and target, times a weight.

    Source: torch.nn.functional.l1_loss.
    """
    return weight * abs(input - target)


@weighted_l1_loss.vjp
def _(cotangent, input, target, *, weight):
    slope = (cotangent * weight) * np.sign(input - target)
    return {"input": slope, "target": -slope}


def huber(error, delta):
    """The terms without their weight."""
    size = abs(error)
    return np.where(size <= delta, 0.5 * np.square(size), delta * (size - 0.5 * delta))


@contract(promises=PROMISES, input=REAL["*n"], target=REAL["*n"], weight=NON_NEGATIVE["*n"], delta=POSITIVE)
def weighted_huber_loss(input, target, *, weight, delta=1.0):
    """Squared error within ``delta`` of the target, linear beyond it, times a weight.

    Source: torch.nn.functional.huber_loss.
    """
    return weight * huber(input - target, delta)


@weighted_huber_loss.vjp
def _(cotangent, input, target, *, weight, delta):
    error = input - target
    slope = np.where(abs(error) <= delta, error, delta * np.sign(error))
    carried = cotangent * weight
    return {"input": carried * slope, "target": -(carried * slope), "weight": cotangent * huber(error, delta)}
