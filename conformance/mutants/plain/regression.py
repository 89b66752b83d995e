"""Plain losses of the difference between a prediction and a target."""

import torch

from conformance.mutants.plain.common import Elementwise, Reducing, reduced, stored, wide


class L1Loss(Reducing):
    """The absolute error; of complex numbers its modulus."""

    def forward(self, input, target):
        terms = (wide(input) - wide(target)).abs()
        return stored(reduced(terms, self.reduction, terms.numel()), input.real)


class MSELoss(Elementwise):
    """The squared error."""

    def terms(self, input, target):
        error = input - target
        return error * error


class SmoothL1Loss(Elementwise):
    """The absolute error less half of ``beta``; a parabola within ``beta``."""

    def __init__(self, reduction="mean", beta=1.0):
        super().__init__(reduction)
        self.beta = beta

    def terms(self, input, target):
        error = (input - target).abs()
        if self.beta == 0:
            return error
        inside = error.clamp(max=self.beta)
        return (inside / self.beta) * (error - 0.5 * inside)


class HuberLoss(Elementwise):
    """Half the squared error within ``delta``, linear beyond."""

    def __init__(self, reduction="mean", delta=1.0):
        super().__init__(reduction)
        self.delta = delta

    def terms(self, input, target):
        error = (input - target).abs()
        small = error <= self.delta
        inside = torch.where(small, error, self.delta)
        return torch.where(small, 0.5 * inside.square(), self.delta * (error - 0.5 * self.delta))
