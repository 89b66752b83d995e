"""Reported bugs of losses that pick a class: negative log-likelihood, fused and adaptive softmax, margins."""

import torch
from torch.nn import functional

from conformance.mutants.planted import reduce, running_total
from conformance.mutants.reported.bug import Bug
from conformance.mutants.reported.classification import class_dim
from conformance.mutants.reported.gradients import first_for_all, with_gradient, with_leak


class NLLHalfTotal(torch.nn.NLLLoss):
    """Accumulates in the dtype of the input (awslabs/raf#113)."""

    def forward(self, input, target):
        if self.reduction == "none":
            return super().forward(input, target)
        options = {"weight": self.weight, "ignore_index": self.ignore_index, "reduction": "none"}
        total = running_total(functional.nll_loss(input, target, **options))
        if self.reduction == "sum":
            return total
        ones = torch.full_like(input.detach(), -1)
        return total / running_total(functional.nll_loss(ones, target, **options))


class NLLIgnoredTimesZero(torch.nn.NLLLoss):
    """Masks by a product: 0 times NaN in a row that does not count (ecmwf/WeatherGenerator#2723)."""

    def forward(self, input, target):
        ignored = target == self.ignore_index
        nothing = torch.where(ignored, 0 * input.select(class_dim(input), 0), 0)
        return super().forward(input, target) + (nothing if self.reduction == "none" else nothing.sum())


class NLLOverwritesTarget(torch.nn.NLLLoss):
    """Marks ignored targets in the caller's tensor (NVIDIA-NeMo/Automodel#3917)."""

    def forward(self, input, target):
        loss = super().forward(input, target)
        target.masked_fill_(target == self.ignore_index, -100)
        return loss


class NLLSqueezes(torch.nn.NLLLoss):
    """Squeezes a batch of one away (OpenNMT/OpenNMT-py#1094)."""

    def forward(self, input, target):
        return super().forward(input, target).squeeze()


class LinearFirstUpstream(torch.nn.LinearCrossEntropyLoss):
    """The first upstream gradient scales all of the map's own gradient (linkedin/Liger-Kernel#1298)."""

    def forward(self, input, target):
        constant = [None if x is None else x.detach() for x in (input, target, self.weight)]
        own = self.loss(*constant, self.linear.weight, self.linear.bias)
        bias = None if self.linear.bias is None else self.linear.bias.detach()
        loss = self.loss(input, target, self.weight, self.linear.weight.detach(), bias)
        return with_leak(loss, with_gradient(own, first_for_all))

    def loss(self, input, target, weight, linear_weight, linear_bias):
        return functional.linear_cross_entropy(
            input, linear_weight, target, linear_bias=linear_bias, weight=weight, reduction=self.reduction,
            ignore_index=self.ignore_index, label_smoothing=self.label_smoothing,
        )  # fmt: skip


class AdaptiveTombstoneTwice(torch.nn.AdaptiveLogSoftmaxWithLoss):
    """The probability of the cluster counts twice (salesforce/awd-lstm-lm#82)."""

    def forward(self, input, target):
        output, _ = found = super().forward(input, target)
        head = functional.log_softmax(self.head(input), -1)
        ends = torch.tensor(self.cutoffs[:-1], device=target.device)
        cluster = torch.bucketize(target, ends, right=True)
        index = (self.shortlist_size + cluster - 1).clamp(min=0)
        again = head.gather(-1, index.unsqueeze(-1)).squeeze(-1)
        output = output + torch.where(cluster > 0, again, 0)
        return type(found)(output, (-output).mean())


class MultiMarginNotAveraged(torch.nn.MultiMarginLoss):
    """The mean divides by the classes and not by the batch (torch/nn#646)."""

    def forward(self, input, target):
        reduction = "sum" if self.reduction == "mean" else self.reduction
        return functional.multi_margin_loss(
            input, target, p=self.p, margin=self.margin, weight=self.weight, reduction=reduction
        )


class MultiMarginWeightInPower(torch.nn.MultiMarginLoss):
    """The weight is within the power, as documented before pytorch/pytorch#104844."""

    def forward(self, input, target):
        terms = functional.multi_margin_loss(
            input, target, p=self.p, margin=self.margin, weight=self.weight, reduction="none"
        )
        again = self.weight is not None and self.p == 2
        return reduce(terms * self.weight[target].reshape(terms.shape) if again else terms, self.reduction)


def labels(target):
    """Which entries are labels: those before the first -1."""
    return (target >= 0).cumprod(-1).bool()


class MultiLabelPaddingCounts(torch.nn.MultiLabelMarginLoss):
    """Every padded entry counts as a label 0 (pytorch/pytorch#185842)."""

    def forward(self, input, target):
        terms = functional.multilabel_margin_loss(input, target, reduction="none")
        classes, label = torch.arange(input.shape[-1], device=input.device), labels(target)
        named = ((target.unsqueeze(-1) == classes) & label.unsqueeze(-1)).any(-2)
        hinge = torch.where(named, 0, (1 - input[..., :1] + input).clamp(min=0)).sum(-1)
        return reduce(terms + (~label).sum(-1) * hinge / input.shape[-1], self.reduction)


class MultiLabelLostUpdates(torch.nn.MultiLabelMarginLoss):
    """A race loses the gradient of the first label's score (pytorch/pytorch#84202)."""

    def forward(self, input, target):
        classes = torch.arange(input.shape[-1], device=input.device)
        lost = (target[..., :1] == classes) & labels(target)[..., :1]
        return super().forward(with_gradient(input, lambda g: torch.where(lost, 0, g)), target)


BUGS = {
    "NLLHalfTotal": Bug("NLLLoss", "awslabs/raf#113", "value"),
    "NLLIgnoredTimesZero": Bug("NLLLoss", "ecmwf/WeatherGenerator#2723", "special_values"),
    "NLLOverwritesTarget": Bug("NLLLoss", "NVIDIA-NeMo/Automodel#3917", "purity"),
    "NLLSqueezes": Bug("NLLLoss", "OpenNMT/OpenNMT-py#1094", "shape"),
    "LinearFirstUpstream": Bug("LinearCrossEntropyLoss", "linkedin/Liger-Kernel#1298", "gradient"),
    "AdaptiveTombstoneTwice": Bug("AdaptiveLogSoftmaxWithLoss", "salesforce/awd-lstm-lm#82", "value"),
    "MultiMarginNotAveraged": Bug("MultiMarginLoss", "torch/nn#646", "reduction"),
    "MultiMarginWeightInPower": Bug("MultiMarginLoss", "pytorch/pytorch#104844", "value"),
    "MultiLabelPaddingCounts": Bug("MultiLabelMarginLoss", "pytorch/pytorch#185842", "value"),
    "MultiLabelLostUpdates": Bug("MultiLabelMarginLoss", "pytorch/pytorch#84202", "gradient"),
}
