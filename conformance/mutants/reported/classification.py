"""Reported bugs of the cross-entropy of classes: smoothing, ignored targets, layouts, saved logits."""

import torch
from torch.nn import functional

from conformance.mutants.reported.bug import Bug
from conformance.mutants.reported.gradients import first_for_all, read_as_dense, with_gradient, with_leak


def class_dim(input):
    return 1 if input.ndim > 1 else 0


class FirstUpstream(torch.nn.CrossEntropyLoss):
    """The first upstream gradient scales every row (NVIDIA/TransformerEngine#2139)."""

    def forward(self, input, target):
        return with_gradient(super().forward(input, target), first_for_all)


class SmoothingOfOthers(torch.nn.CrossEntropyLoss):
    """Takes eps c / (c - 1), not eps, off the target's class (fastai/fastai#1814)."""

    def forward(self, input, target):
        loss, classes = super().forward(input, target), input.shape[class_dim(input)]
        if not self.label_smoothing or classes < 2:
            return loss
        ignored = {} if target.is_floating_point() else {"ignore_index": self.ignore_index}
        hit = functional.cross_entropy(input, target, self.weight, reduction=self.reduction, **ignored)
        return loss - self.label_smoothing / (classes - 1) * hit


class SmoothingNeedsClass(torch.nn.CrossEntropyLoss):
    """Weights, smoothing and an ignored target together raise (pytorch/pytorch#69339)."""

    def forward(self, input, target):
        if self.weight is not None and self.label_smoothing and not target.is_floating_point():
            self.weight[target]
        return super().forward(input, target)


class SmoothingAtZero(torch.nn.CrossEntropyLoss):
    """Adds 0 times the mean over all classes, NaN where a logit is -inf (candle-org/MindAct#1633)."""

    def forward(self, input, target):
        loss = super().forward(input, target)
        if self.label_smoothing or target.is_floating_point():
            return loss
        dim = class_dim(input)
        mean = -functional.log_softmax(input, dim).mean(dim)
        nothing = torch.where(target == self.ignore_index, 0, 0 * mean)
        return loss + (nothing if self.reduction == "none" else nothing.sum())


class IgnoredClassPulls(torch.nn.CrossEntropyLoss):
    """The logits of ignored rows get a gradient where ignore_index is a class (PaddlePaddle/Paddle#28622)."""

    def forward(self, input, target):
        loss = super().forward(input, target)
        if target.is_floating_point() or not 0 <= self.ignore_index < input.shape[class_dim(input)]:
            return loss
        terms = functional.cross_entropy(input, target, ignore_index=-1, reduction="none")
        leak = torch.where(target == self.ignore_index, terms, 0)
        return with_leak(loss, leak if self.reduction == "none" else leak.sum())


class IgnoredRowTimesZero(torch.nn.CrossEntropyLoss):
    """An ignored row counts 0 times what it holds, NaN for NaN (sooftware/kospeech#37)."""

    def forward(self, input, target):
        loss = super().forward(input, target)
        if target.is_floating_point():
            return loss
        row = (0 * input).sum(class_dim(input))
        nothing = torch.where(target == self.ignore_index, row, 0)
        return loss + (nothing if self.reduction == "none" else nothing.sum())


class OutOfRangeIsZero(torch.nn.CrossEntropyLoss):
    """A class that does not exist costs nothing (tensorflow/tensorflow#3739)."""

    def forward(self, input, target):
        if target.is_floating_point():
            return super().forward(input, target)
        exists = (target >= 0) & (target < input.shape[class_dim(input)])
        return super().forward(input, torch.where(exists, target, self.ignore_index))


class StrideGuard(torch.nn.CrossEntropyLoss):
    """Checks the last stride only, then reads rows as if they followed each other (NVIDIA/TransformerEngine#2734)."""

    def forward(self, input, target):
        dense = input if input.ndim and input.stride(-1) == 1 else input.contiguous()
        return super().forward(read_as_dense(dense), target)


class _Overwriting(torch.autograd.Function):
    @staticmethod
    def forward(ctx, logits):
        ctx.logits = logits.detach()
        return logits.clone()

    @staticmethod
    def backward(ctx, upstream):
        ctx.logits.data.copy_(upstream)
        return upstream


class OverwritesLogits(torch.nn.CrossEntropyLoss):
    """The backward writes the gradient where the logits are (unslothai/unsloth#5002)."""

    def forward(self, input, target):
        return super().forward(_Overwriting.apply(input), target)


class DetachedIndices(torch.nn.CrossEntropyLoss):
    """With class indices the result is cut off from the logits (SKaiNET-developers/SKaiNET#862)."""

    def forward(self, input, target):
        return super().forward(input if target.is_floating_point() else input.detach(), target)


class StoredNormaliser(torch.nn.CrossEntropyLoss):
    """The logarithm of the sum is rounded to the dtype of the logits (google-deepmind/optax#1020)."""

    def forward(self, input, target):
        if self.label_smoothing or target.is_floating_point():
            return super().forward(input, target)
        dim = class_dim(input)
        wide = input.to(torch.promote_types(input.dtype, torch.float32))
        normaliser = torch.logsumexp(wide, dim, keepdim=True).to(input.dtype)
        options = {"ignore_index": self.ignore_index, "reduction": self.reduction}
        return functional.nll_loss(input - normaliser, target, self.weight, **options)


class _LogSoftmax(torch.autograd.Function):
    @staticmethod
    def forward(x, dim):
        return functional.log_softmax(x, dim)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.dim = inputs[1]
        ctx.save_for_backward(inputs[0])
        ctx.save_for_forward(inputs[0])

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        return upstream - functional.softmax(x, ctx.dim) * upstream.sum(ctx.dim, keepdim=True), None

    @staticmethod
    def jvp(ctx, tangent, _):
        (x,) = ctx.saved_tensors
        powers = x.exp()
        return tangent - (powers * tangent).sum(ctx.dim, keepdim=True) / powers.sum(ctx.dim, keepdim=True)


class UnstableTangent(torch.nn.CrossEntropyLoss):
    """The tangent of logsumexp exponentiates without a shift (pytorch/pytorch#73741)."""

    def forward(self, input, target):
        if self.label_smoothing or target.is_floating_point():
            return super().forward(input, target)
        options = {"ignore_index": self.ignore_index, "reduction": self.reduction}
        return functional.nll_loss(_LogSoftmax.apply(input, class_dim(input)), target, self.weight, **options)


class ZeroWithoutGradient(torch.nn.CrossEntropyLoss):
    """Zero where the logits require no gradient (linkedin/Liger-Kernel#507)."""

    def forward(self, input, target):
        loss = super().forward(input, target)
        return loss if input.requires_grad else torch.zeros_like(loss)


BUGS = {
    "FirstUpstream": Bug("CrossEntropyLoss", "NVIDIA/TransformerEngine#2139", "gradient"),
    "SmoothingOfOthers": Bug("CrossEntropyLoss", "fastai/fastai#1814", "value"),
    "SmoothingNeedsClass": Bug("CrossEntropyLoss", "pytorch/pytorch#69339", "value"),
    "SmoothingAtZero": Bug("CrossEntropyLoss", "candle-org/MindAct#1633", "special_values"),
    "IgnoredClassPulls": Bug("CrossEntropyLoss", "PaddlePaddle/Paddle#28622", "identity"),
    "IgnoredRowTimesZero": Bug("CrossEntropyLoss", "sooftware/kospeech#37", "special_values"),
    "OutOfRangeIsZero": Bug("CrossEntropyLoss", "tensorflow/tensorflow#3739", "rejection"),
    "StrideGuard": Bug("CrossEntropyLoss", "NVIDIA/TransformerEngine#2734", "layout"),
    "OverwritesLogits": Bug("CrossEntropyLoss", "unslothai/unsloth#5002", "purity"),
    "DetachedIndices": Bug("CrossEntropyLoss", "SKaiNET-developers/SKaiNET#862", "completeness"),
    "StoredNormaliser": Bug("CrossEntropyLoss", "google-deepmind/optax#1020", "value"),
    "UnstableTangent": Bug("CrossEntropyLoss", "pytorch/pytorch#73741", "forward_mode"),
    "ZeroWithoutGradient": Bug("CrossEntropyLoss", "linkedin/Liger-Kernel#507", "value"),
}
