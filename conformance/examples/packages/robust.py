"""What do losses promise that packages have and torch.nn has not?  Robust errors, each with a class that keeps it.

    pytest conformance --subject log_cosh_loss=conformance.examples.packages.robust:LogCoshLoss

A formula is the textbook one, in a form that subtracts no nearly equal numbers: where the error is small its terms
would be lost in the 1 that they are added to.
"""

import math

import numpy as np
import torch

from reference import contract
from reference.domains import REAL

#: From here on the logarithm of 2 that is subtracted is less than what it is subtracted from.
NEAR = 1.0


@contract(dtypes=("float32", "float64"), input=REAL["*n"], target=REAL["*n"])
def log_cosh_loss(input, target):
    """Logarithm of the hyperbolic cosine of the error: half its square where it is small, linear where it is large.

    Source: P. Chen et al., Log Hyperbolic Cosine Loss Improves Variational Auto-Encoder, 2019.
    """
    size = abs(input - target)
    small = np.minimum(size, NEAR)
    near = np.log1p(0.5 * np.square(np.expm1(small)) * np.exp(-small))
    return np.where(size < NEAR, near, size + (np.log1p(np.exp(-2 * size)) - np.log(2.0)))


@log_cosh_loss.vjp
def _(cotangent, input, target):
    error = input - target
    lacking = np.expm1(-2 * abs(error))
    slope = cotangent * (np.sign(error) * -lacking / (lacking + 2.0))
    return {"input": slope, "target": -slope}


@contract(dtypes=("float32", "float64"), input=REAL["*n"], target=REAL["*n"])
def charbonnier_loss(input, target):
    """A smooth absolute error, ``sqrt(error ** 2 + 1) - 1``, without the cancellation of that form.

    Source: J. Barron, A General and Adaptive Robust Loss Function, 2019, alpha = 1, c = 1.
    """
    squared = np.square(input - target)
    return squared / (np.sqrt(squared + 1.0) + 1.0)


@charbonnier_loss.vjp
def _(cotangent, input, target):
    error = input - target
    slope = cotangent * (error / np.sqrt(np.square(error) + 1.0))
    return {"input": slope, "target": -slope}


@contract(dtypes=("float32", "float64"), input=REAL["*n"], target=REAL["*n"])
def cauchy_loss(input, target):
    """Negative log-likelihood of the error under a Cauchy distribution, but for a constant.

    Source: J. Barron, A General and Adaptive Robust Loss Function, 2019, alpha = 0, c = 1.
    """
    return np.log1p(0.5 * np.square(input - target))


@cauchy_loss.vjp
def _(cotangent, input, target):
    error = input - target
    slope = cotangent * (error / (0.5 * np.square(error) + 1.0))
    return {"input": slope, "target": -slope}


class Robust(torch.nn.Module):
    """A loss of the error, reduced."""

    def __init__(self, reduction="mean"):
        super().__init__()
        self.reduction = reduction

    def forward(self, input, target):
        loss = self.terms(input - target)
        return loss if self.reduction == "none" else getattr(loss, self.reduction)()


class LogCoshLoss(Robust):
    """The first contract in torch."""

    def terms(self, error):
        size, small = error.abs(), error.abs().clamp(max=NEAR)
        near = torch.log1p(0.5 * small.expm1().square() * (-small).exp())
        return torch.where(size < NEAR, near, size + ((-2 * size).exp().log1p() - math.log(2)))


class CharbonnierLoss(Robust):
    """The second one."""

    def terms(self, error):
        squared = error.square()
        return squared / ((squared + 1).sqrt() + 1)


class CauchyLoss(Robust):
    """The third one."""

    def terms(self, error):
        return (0.5 * error.square()).log1p()
