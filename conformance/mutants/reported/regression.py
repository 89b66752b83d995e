"""Reported bugs of losses of a difference: absolute, squared, Huber's."""

import torch
from torch.nn import functional

from conformance.mutants.planted import reduce, running_total
from conformance.mutants.reported.bug import Bug
from conformance.mutants.reported.gradients import as_if_dense, second_derivative, with_gradient


class L1WithoutAbs(torch.nn.L1Loss):
    """Sums the signed differences (mlpack/mlpack#3144)."""

    def forward(self, input, target):
        return reduce(input - target, self.reduction)


class L1Reshapes(torch.nn.L1Loss):
    """Takes a target of another shape with as many elements (pytorch/pytorch#5007)."""

    def forward(self, input, target):
        alike = input.numel() == target.numel()
        return super().forward(input, target.reshape(input.shape) if alike else target)


class L1TieSlope(torch.nn.L1Loss):
    """At a tie the slope is -1, as if the difference were negative (linkedin/Liger-Kernel#1373)."""

    def forward(self, input, target):
        if input.is_complex():
            return super().forward(input, target)
        error = input - target
        return reduce(torch.where(error > 0, error, -error), self.reduction)


class MSETargetZero(torch.nn.MSELoss):
    """A target that requires a gradient gets zeros (pytorch/pytorch#3876)."""

    def forward(self, input, target):
        return super().forward(input, with_gradient(target, torch.zeros_like))


class MSENaNToZero(torch.nn.MSELoss):
    """Terms that are not a number count as zero (facebookresearch/fairchem#441)."""

    def forward(self, input, target):
        unknown = input.isnan() | target.isnan()
        return super().forward(*(torch.where(unknown, 0, x) for x in (input, target)))


class MSESecondZero(torch.nn.MSELoss):
    """What the backward saved is a constant to it, so the second derivative is zero (pytorch/pytorch#76185)."""

    def forward(self, input, target):
        return super().forward(second_derivative(input, torch.zeros_like), target)


class MSEDenseUpstream(torch.nn.MSELoss):
    """Reads an expanded upstream gradient as if it were dense (ROCm/TransformerEngine#623)."""

    def forward(self, input, target):
        return with_gradient(super().forward(input, target), as_if_dense)


class MSEFirstBuffer(torch.nn.MSELoss):
    """Keeps a buffer of the size of its first batch, which no other batch fits (hughperkins/clnn#19)."""

    buffer = None

    def forward(self, input, target):
        if self.buffer is None:
            self.buffer = torch.empty_like(input, requires_grad=False)
        self.buffer.copy_((input - target).detach())
        return super().forward(input, target)


class _SquareOfFirstTangent(torch.autograd.Function):
    @staticmethod
    def forward(input, target):
        return (input - target) ** 2

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx, upstream):
        input, target = ctx.saved_tensors
        slope = 2 * upstream * (input - target)
        return slope, -slope

    @staticmethod
    def jvp(ctx, tangent, _):
        input, target = ctx.saved_tensors
        tangent_of_target = tangent
        return 2 * (input - target) * (tangent - tangent_of_target)


class MSEFirstTangent(torch.nn.MSELoss):
    """The tangent of the first argument stands for that of the second one too (ml-explore/mlx#3634)."""

    def forward(self, input, target):
        return reduce(_SquareOfFirstTangent.apply(input, target), self.reduction)


class HuberIgnoresUpstream(torch.nn.HuberLoss):
    """The upstream gradient counts as ones (chainer/chainer#1175)."""

    def forward(self, input, target):
        return with_gradient(super().forward(input, target), torch.ones_like)


class HuberHalfTotal(torch.nn.HuberLoss):
    """Accumulates in the dtype of the input, where 256 + 1 is 256 in bfloat16 (pytorch/executorch#20089)."""

    def forward(self, input, target):
        terms = functional.huber_loss(input, target, delta=self.delta, reduction="none")
        if self.reduction == "none":
            return terms
        total = running_total(terms)
        return total / terms.numel() if self.reduction == "mean" else total


class HuberEmptyZero(torch.nn.HuberLoss):
    """The mean over nothing is zero, as asked for in pytorch/pytorch#50224."""

    def forward(self, input, target):
        empty = self.reduction == "mean" and not input.numel()
        return input.sum() if empty else super().forward(input, target)


class _ParabolaByQuotient(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input, target, beta):
        ctx.save_for_backward(input - target)
        ctx.beta = beta
        return functional.smooth_l1_loss(input, target, beta=beta, reduction="none")

    @staticmethod
    def backward(ctx, upstream):
        (error,) = ctx.saved_tensors
        slope = upstream * torch.where(error.abs() <= ctx.beta, error / ctx.beta, error.sign())
        return slope, -slope, None


class SmoothL1ZeroBeta(torch.nn.SmoothL1Loss):
    """At a tie and with beta = 0 the slope is 0 / 0 (pytorch/pytorch#96813)."""

    def forward(self, input, target):
        return reduce(_ParabolaByQuotient.apply(input, target, self.beta), self.reduction)


class SmoothL1NegativeBeta(torch.nn.SmoothL1Loss):
    """Takes a negative beta for zero (pytorch/pytorch#45532)."""

    def forward(self, input, target):
        return functional.smooth_l1_loss(input, target, reduction=self.reduction, beta=max(self.beta, 0.0))


class SmoothL1RunningMean(torch.nn.SmoothL1Loss):
    """A mean is that of all calls so far (keras-team/keras#22617)."""

    calls, total = 0, 0.0

    def forward(self, input, target):
        loss = super().forward(input, target)
        if self.reduction != "mean":
            return loss
        self.calls += 1
        before, self.total = self.total, self.total + float(loss.detach())
        return loss if self.calls == 1 else (before + loss) / self.calls


class _StillTangent(torch.autograd.Function):
    @staticmethod
    def forward(x):
        return x.clone()

    @staticmethod
    def setup_context(ctx, inputs, output):
        pass

    @staticmethod
    def backward(ctx, upstream):
        return upstream

    @staticmethod
    def jvp(ctx, tangent):
        return torch.zeros_like(tangent)


class SmoothL1StillTangent(torch.nn.SmoothL1Loss):
    """Tangents come out as zeros (raven-ml/raven#153)."""

    def forward(self, input, target):
        return _StillTangent.apply(super().forward(input, target))


BUGS = {
    "L1WithoutAbs": Bug("L1Loss", "mlpack/mlpack#3144", "value"),
    "L1Reshapes": Bug("L1Loss", "pytorch/pytorch#5007", "rejection"),
    "L1TieSlope": Bug("L1Loss", "linkedin/Liger-Kernel#1373", "convention"),
    "MSETargetZero": Bug("MSELoss", "pytorch/pytorch#3876", "gradient"),
    "MSENaNToZero": Bug("MSELoss", "facebookresearch/fairchem#441", "special_values"),
    "MSESecondZero": Bug("MSELoss", "pytorch/pytorch#76185", "second_derivative"),
    "MSEDenseUpstream": Bug("MSELoss", "ROCm/TransformerEngine#623", "layout"),
    "MSEFirstBuffer": Bug("MSELoss", "hughperkins/clnn#19", "purity"),
    "MSEFirstTangent": Bug("MSELoss", "ml-explore/mlx#3634", "forward_mode"),
    "HuberIgnoresUpstream": Bug("HuberLoss", "chainer/chainer#1175", "gradient"),
    "HuberHalfTotal": Bug("HuberLoss", "pytorch/executorch#20089", "value"),
    "HuberEmptyZero": Bug("HuberLoss", "pytorch/pytorch#50224", "shape"),
    "SmoothL1ZeroBeta": Bug("SmoothL1Loss", "pytorch/pytorch#96813", "gradient"),
    "SmoothL1NegativeBeta": Bug("SmoothL1Loss", "pytorch/pytorch#45532", "rejection"),
    "SmoothL1RunningMean": Bug("SmoothL1Loss", "keras-team/keras#22617", "purity"),
    "SmoothL1StillTangent": Bug("SmoothL1Loss", "raven-ml/raven#153", "forward_mode"),
}
