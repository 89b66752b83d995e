"""How is a plain function judged?  A weighted squared error, with a pullback written by hand.

    pytest conformance --subject weighted_mse=conformance.examples.weighted_mse:weighted_mse_loss

A function that needs arguments is called with them, and with the parameters as keywords, as those of
torch.nn.functional are; this one has no ``reduction``, so its contract has none either.
"""

import numpy as np

from reference import contract
from reference.domains import NON_NEGATIVE, REAL
from reference.reductions import ONLY_NONE


@contract(
    reductions=ONLY_NONE, dtypes=("float32", "float64"), input=REAL["*n"], target=REAL["*n"], weight=NON_NEGATIVE["*n"]
)
def weighted_mse(input, target, weight):
    """Squared error, times a weight of one's own for each element.

    Source: weighted least squares.
    """
    return weight * np.square(input - target)


@weighted_mse.vjp
def _(cotangent, input, target, weight):
    slope = 2 * (cotangent * weight) * (input - target)
    return {"input": slope, "target": -slope, "weight": cotangent * np.square(input - target)}


def weighted_mse_loss(input, target, weight):
    """The same in torch."""
    return weight * (input - target) ** 2
