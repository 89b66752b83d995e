"""Reported bugs of likelihoods and divergences."""

import math

import torch
from torch.nn import functional

from conformance.mutants.planted import reduce
from conformance.mutants.reported.bug import Bug
from conformance.mutants.reported.gradients import second_derivative


class PoissonNeverFull(torch.nn.PoissonNLLLoss):
    """``full`` is forgotten where the input is a rate (pytorch/pytorch#28575)."""

    def forward(self, log_input, target):
        return functional.poisson_nll_loss(
            log_input, target, log_input=self.log_input, full=self.full and self.log_input, eps=self.eps,
            reduction=self.reduction,
        )  # fmt: skip


class PoissonStirlingAboveOne(torch.nn.PoissonNLLLoss):
    """Adds Stirling's term where that, not the target, exceeds 1 (PaddlePaddle/Paddle#56733)."""

    def forward(self, log_input, target):
        options = {"log_input": self.log_input, "eps": self.eps}
        terms = functional.poisson_nll_loss(log_input, target, reduction="none", **options)
        if self.full:
            stirling = target * target.log() - target + 0.5 * (2 * math.pi * target).log()
            terms = terms + torch.where(stirling > 1, stirling, 0)
        return reduce(terms, self.reduction)


class GaussianVarPlusEps(torch.nn.GaussianNLLLoss):
    """eps is added to the variance, as documented before pytorch/pytorch#190058."""

    def forward(self, input, target, var):
        return super().forward(input, target, var + self.eps)


class GaussianSumsRows(torch.nn.GaussianNLLLoss):
    """Unreduced terms are summed over all but the first dimension (pytorch/pytorch#53964)."""

    def forward(self, input, target, var):
        loss = super().forward(input, target, var)
        return loss.reshape(len(loss), -1).sum(1) if self.reduction == "none" and loss.ndim > 1 else loss


class GaussianSetsDefault(torch.nn.GaussianNLLLoss):
    """Makes float64 the default dtype of the process (cics-nd/gptorch#14)."""

    def forward(self, input, target, var):
        torch.set_default_dtype(torch.float64)
        return super().forward(input, target, var)


class KLBatchMeanOfAll(torch.nn.KLDivLoss):
    """``batchmean`` divides by all elements (HikariTJU/LD#74)."""

    def forward(self, input, target):
        terms = functional.kl_div(input, target, reduction="none", log_target=self.log_target)
        return reduce(terms, "mean" if self.reduction == "batchmean" else self.reduction)


class KLLogOfZero(torch.nn.KLDivLoss):
    """0 log 0 is NaN (Lightning-AI/torchmetrics#1029)."""

    def forward(self, input, target):
        if self.log_target:
            return super().forward(input, target)
        terms = target * (target.log() - input)
        if self.reduction == "batchmean":
            return terms.sum() / max(len(input), 1)
        return reduce(terms, self.reduction)


class KLSecondOfTarget(torch.nn.KLDivLoss):
    """The second derivative with respect to the target is zero (pytorch/pytorch#65466)."""

    def forward(self, input, target):
        return super().forward(input, second_derivative(target, torch.zeros_like))


BUGS = {
    "PoissonNeverFull": Bug("PoissonNLLLoss", "pytorch/pytorch#28575", "value"),
    "PoissonStirlingAboveOne": Bug("PoissonNLLLoss", "PaddlePaddle/Paddle#56733", "value"),
    "GaussianVarPlusEps": Bug("GaussianNLLLoss", "pytorch/pytorch#190058", "value"),
    "GaussianSumsRows": Bug("GaussianNLLLoss", "pytorch/pytorch#53964", "shape"),
    "GaussianSetsDefault": Bug("GaussianNLLLoss", "cics-nd/gptorch#14", "purity"),
    "KLBatchMeanOfAll": Bug("KLDivLoss", "HikariTJU/LD#74", "reduction"),
    "KLLogOfZero": Bug("KLDivLoss", "Lightning-AI/torchmetrics#1029", "value"),
    "KLSecondOfTarget": Bug("KLDivLoss", "pytorch/pytorch#65466", "second_derivative"),
}
