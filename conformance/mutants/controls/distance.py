"""Correct distances and cosines: norms of scaled vectors, and float64."""

import torch

from conformance.mutants import mechanical
from conformance.mutants.controls.common import real, reduced, wide, widest

#: Beyond this power of two a third power, or a sum of them, may leave float32.
FAR = 36


def scaled_norm(x, p, dim=-1):
    """The p-norm of ``x``, none of whose powers leaves the format: a power of two is taken out first where needed."""
    largest = x.detach().abs().amax(dim, keepdim=True)
    exponent = torch.where(largest.isfinite() & (largest > 0), torch.frexp(largest).exponent, 0)
    exponent = torch.where(exponent.abs() > FAR, exponent.clamp(-120, 120), 0)
    scale = torch.ldexp(torch.ones_like(largest), exponent)
    return torch.linalg.vector_norm(x / scale, p, dim) * scale.squeeze(dim)


class DistanceScaled(torch.nn.PairwiseDistance):
    """The norm of the scaled difference."""

    def forward(self, x1, x2):
        found = scaled_norm(wide(x1) - wide(x2) + self.eps, self.norm).to(x1.dtype)
        return found.unsqueeze(-1) if self.keepdim else found


class TripletScaled(torch.nn.TripletMarginLoss):
    """Norms of scaled differences."""

    def forward(self, anchor, positive, negative):
        if not anchor.ndim == positive.ndim == negative.ndim:
            raise RuntimeError(
                "The anchor, positive, and negative tensors are expected to have one number of dimensions"
            )
        a, p, n = (wide(x) for x in (anchor, positive, negative))
        far = scaled_norm(a - n + self.eps, self.p)
        if self.swap:
            far = torch.minimum(far, scaled_norm(p - n + self.eps, self.p))
        terms = (self.margin + scaled_norm(a - p + self.eps, self.p) - far).clamp_min(0)
        return reduced(terms, self.reduction, anchor)


class CosineInFloat64(torch.nn.CosineSimilarity):
    """The product of two vectors of length one."""

    def forward(self, x1, x2):
        real(x1, x2)
        if self.eps < 0:
            raise RuntimeError(f"eps must be non-negative, got: {self.eps}")
        x1, x2 = torch.broadcast_tensors(x1, x2)
        units = []
        for x in (widest(x1), widest(x2)):
            units.append(x / scaled_norm(x, 2, self.dim).clamp_min(self.eps).unsqueeze(self.dim))
        return (units[0] * units[1]).sum(self.dim).to(x1.dtype)


class CosineStepByStep(torch.nn.CosineSimilarity):
    """A mechanical change of the plain cosine: every step is stored in the dtype of the inputs.

    Of 16-bit dtypes the contract promises no more than that, so that it is as correct as the unchanged one.
    """

    def forward(self, x1, x2):
        real(x1, x2)
        if self.eps < 0:
            raise RuntimeError(f"eps must be non-negative, got: {self.eps}")
        return mechanical.build("CosineSimilarity_change_accumulator_10").forward(self, x1, x2)
