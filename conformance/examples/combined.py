"""How is a loss judged with nothing but its formula?  Half a squared and half an absolute error.

    pytest conformance --subject combined_loss=conformance.examples.combined:CombinedLoss

Without pullback and mirror the gradient that is expected is that of certified differences, and both slopes are right
where input and target are equal.
"""

import numpy as np
from torch import nn

from reference import contract
from reference.domains import REAL, UNIT


@contract(dtypes=("float32", "float64"), input=REAL["*n"], target=REAL["*n"], share=UNIT)
def combined_loss(input, target, *, share=0.5):
    """A ``share`` of the squared error, and the rest of the absolute one.

    Source: the elastic mixture of both, as in H. Zou, T. Hastie, 2005, on errors in place of coefficients.
    """
    error = input - target
    return share * np.square(error) + (1 - share) * abs(error)


class CombinedLoss(nn.Module):
    """The same out of two losses of torch."""

    def __init__(self, share=0.5, reduction="mean"):
        super().__init__()
        self.share, self.mse, self.mae = share, nn.MSELoss(reduction=reduction), nn.L1Loss(reduction=reduction)

    def forward(self, input, target):
        return self.share * self.mse(input, target) + (1 - self.share) * self.mae(input, target)
