"""Reported bugs of binary cross-entropies."""

import torch
from torch.nn import functional

from conformance.mutants.planted import reduce
from conformance.mutants.reported.bug import Bug
from conformance.mutants.reported.gradients import second_derivative


def weighed(terms, weight):
    return terms if weight is None else weight * terms


class BCEUnclampedLog(torch.nn.BCELoss):
    """Logarithms of 0 are not clamped: 0 * -inf (ml-explore/mlx#1280)."""

    def forward(self, input, target):
        terms = -(target * input.log() + (1 - target) * (1 - input).log())
        return reduce(weighed(terms, self.weight), self.reduction)


class BCEEpsilonInLog(torch.nn.BCELoss):
    """1e-12 is added in the logarithms, in place of the clamp at -100 (pytorch/pytorch#4867)."""

    def forward(self, input, target):
        terms = -(target * (input + 1e-12).log() + (1 - target) * (1 - input + 1e-12).log())
        return reduce(weighed(terms, self.weight), self.reduction)


class BCETargetDetached(torch.nn.BCELoss):
    """No derivative with respect to the target (pytorch/pytorch#56683)."""

    def forward(self, input, target):
        return super().forward(input, target.detach())


class BCEAnyTarget(torch.nn.BCELoss):
    """Takes what is no probability (pytorch/pytorch#15262)."""

    def forward(self, input, target):
        if all(bool(((x >= 0) & (x <= 1)).all()) for x in (input, target)):
            return super().forward(input, target)
        terms = -(target * input.log().clamp(min=-100) + (1 - target) * (1 - input).log().clamp(min=-100))
        return reduce(weighed(terms, self.weight), self.reduction)


class BCEFloat32(torch.nn.BCELoss):
    """Computes in float32 whatever comes, and returns that (artemmavrin/focal-loss#16)."""

    def forward(self, input, target):
        weight = None if self.weight is None else self.weight.float()
        return functional.binary_cross_entropy(input.float(), target.float(), weight, reduction=self.reduction)


class BCESecondOfSum(torch.nn.BCELoss):
    """The second derivative of a sum is that of the mean (pytorch/pytorch#59477)."""

    def forward(self, input, target):
        if self.reduction == "sum":
            input = second_derivative(input, lambda upstream: upstream / max(target.numel(), 1))
        return super().forward(input, target)


class LogitsUnstablePosWeight(torch.nn.BCEWithLogitsLoss):
    """With pos_weight, exp(-x) has no shift: overflows for a logit of -120 (pytorch/pytorch#13773)."""

    def forward(self, input, target):
        if self.pos_weight is None:
            return super().forward(input, target)
        log_weight = 1 + (self.pos_weight - 1) * target
        terms = (1 - target) * input + log_weight * (1 + (-input).exp()).log()
        return reduce(weighed(terms, self.weight), self.reduction)


class LogitsByAbs(torch.nn.BCEWithLogitsLoss):
    """The derivative of abs is 0 and that of clamp 1 at a logit of 0 (pytorch/pytorch#1792)."""

    def forward(self, input, target):
        if self.pos_weight is not None:
            return super().forward(input, target)
        terms = input.clamp(min=0) - input * target + (-input.abs()).exp().log1p()
        return reduce(weighed(terms, self.weight), self.reduction)


class LogitsLogOfSigmoid(torch.nn.BCEWithLogitsLoss):
    """Logarithms of a rounded sigmoid: 0 * -inf for a logit of 100 (kornia/kornia#2115)."""

    def forward(self, input, target):
        hit = target if self.pos_weight is None else self.pos_weight * target
        terms = -(hit * input.sigmoid().log() + (1 - target) * (-input).sigmoid().log())
        return reduce(weighed(terms, self.weight), self.reduction)


class LogitsPosWeightOnBoth(torch.nn.BCEWithLogitsLoss):
    """pos_weight weighs both terms of a soft target (unifyai/ivy#17033)."""

    def forward(self, input, target):
        terms = functional.binary_cross_entropy_with_logits(input, target, self.weight, reduction="none")
        if self.pos_weight is not None:
            terms = terms * ((self.pos_weight - 1) * target + 1)
        return reduce(terms, self.reduction)


class LogitsWeightDetached(torch.nn.BCEWithLogitsLoss):
    """The weight gets no gradient (vandit15/Class-balanced-loss-pytorch#13)."""

    def forward(self, input, target):
        weight = None if self.weight is None else self.weight.detach()
        return functional.binary_cross_entropy_with_logits(
            input, target, weight, pos_weight=self.pos_weight, reduction=self.reduction
        )


class MultiLabelLogOfSigmoid(torch.nn.MultiLabelSoftMarginLoss):
    """Logarithms of a rounded sigmoid, and gradients of 0 (pytorch/pytorch#1516)."""

    def forward(self, input, target):
        chance = input.sigmoid()
        terms = -(target * chance.log() + (1 - target) * (1 - chance).log())
        return reduce(weighed(terms, self.weight).mean(-1), self.reduction)


class SoftMarginSecondBackward(torch.nn.SoftMarginLoss):
    """The backward overwrites what it saved, so that a second one is wrong (axolotl-ai-cloud/axolotl#3892)."""

    def forward(self, input, target):
        return super().forward(_Consumed.apply(input), target)


class _Consumed(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.saved = torch.ones_like(x)
        return x.clone()

    @staticmethod
    def backward(ctx, upstream):
        ctx.saved = ctx.saved * upstream
        return ctx.saved.clone()


BUGS = {
    "BCEUnclampedLog": Bug("BCELoss", "ml-explore/mlx#1280", "value"),
    "BCEEpsilonInLog": Bug("BCELoss", "pytorch/pytorch#4867", "value"),
    "BCETargetDetached": Bug("BCELoss", "pytorch/pytorch#56683", "completeness"),
    "BCEAnyTarget": Bug("BCELoss", "pytorch/pytorch#15262", "rejection"),
    "BCEFloat32": Bug("BCELoss", "artemmavrin/focal-loss#16", "result_type"),
    "BCESecondOfSum": Bug("BCELoss", "pytorch/pytorch#59477", "second_derivative"),
    "LogitsUnstablePosWeight": Bug("BCEWithLogitsLoss", "pytorch/pytorch#13773", "value"),
    "LogitsByAbs": Bug("BCEWithLogitsLoss", "pytorch/pytorch#1792", "gradient"),
    "LogitsLogOfSigmoid": Bug("BCEWithLogitsLoss", "kornia/kornia#2115", "value"),
    "LogitsPosWeightOnBoth": Bug("BCEWithLogitsLoss", "unifyai/ivy#17033", "value"),
    "LogitsWeightDetached": Bug("BCEWithLogitsLoss", "vandit15/Class-balanced-loss-pytorch#13", "completeness"),
    "MultiLabelLogOfSigmoid": Bug("MultiLabelSoftMarginLoss", "pytorch/pytorch#1516", "value"),
    "SoftMarginSecondBackward": Bug("SoftMarginLoss", "axolotl-ai-cloud/axolotl#3892", "purity"),
}
