"""Correct losses by other formulas of the same: by each other, by masks, products, chunks, one-hot rows."""

import torch
from torch.nn import functional

from conformance.mutants.controls.binary import chance_cross_entropy, chances, softplus
from conformance.mutants.controls.classes import (
    CrossEntropyByLogSumExp,
    check_target,
    class_dim,
    mean_by,
)
from conformance.mutants.controls.common import fits, real, reduced, same_shape, wide, widest
from conformance.mutants.controls.distance import scaled_norm
from conformance.mutants.controls.regression import check_huber

#: Errors below this are subnormal once they are multiplied by a small parameter.
SMALL = 2.0**-900


class HuberBySmoothL1(torch.nn.HuberLoss):
    """``delta`` times the smooth absolute error, but for errors so small that this would lose their last digits."""

    def forward(self, input, target):
        check_huber(input, target, self.delta)
        input_, target_ = widest(input), widest(target)
        terms = self.delta * functional.smooth_l1_loss(input_, target_, reduction="none", beta=self.delta)
        error = input_ - target_
        parabola = (abs(error) < SMALL) & (abs(error) < self.delta)
        return reduced(torch.where(parabola, 0.5 * error * error, terms), self.reduction, input)


class SmoothL1ByHuber(torch.nn.SmoothL1Loss):
    """Huber's loss of the error in units of ``beta``, linear beyond."""

    def forward(self, input, target):
        if self.beta < 0:
            raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
        real(input, target)
        error = widest(input) - widest(target)
        if self.beta == 0:
            return reduced(error.abs(), self.reduction, input)
        inside = error.clamp(-self.beta, self.beta)
        parabola = self.beta * functional.huber_loss(inside / self.beta, torch.zeros_like(inside), "none")
        terms = torch.where(error.abs() <= self.beta, parabola, error.abs() - 0.5 * self.beta)
        return reduced(terms, self.reduction, input)


class L1BySign(torch.nn.L1Loss):
    """The error times its own sign, which is a constant; a modulus where numbers are complex."""

    def forward(self, input, target):
        error = wide(input) - wide(target)
        terms = error.abs() if error.is_complex() else error * error.detach().sign()
        return reduced(terms, self.reduction, input)


class MSEByProducts(torch.nn.MSELoss):
    """The sum of squares as a product of a row and a column, in float64."""

    def forward(self, input, target):
        real(input, target)
        error = widest(input) - widest(target)
        if self.reduction not in ("mean", "sum"):
            return reduced(error.square(), self.reduction, input)
        total = (error.reshape(1, -1) @ error.reshape(-1, 1)).reshape(())
        return (total / error.numel() if self.reduction == "mean" else total).to(input.dtype)


class BCEInChunks(torch.nn.BCELoss):
    """In seven parts."""

    def forward(self, input, target):
        fits(input, target, self.weight)
        same_shape(input, target)
        chances(input, target)
        flat = widest(input).reshape(-1), widest(target).reshape(-1)
        parts = [chance_cross_entropy(*chunk) for chunk in zip(*(x.chunk(7) for x in flat), strict=True)]
        terms = torch.cat(parts).reshape(input.shape)
        return reduced(terms if self.weight is None else widest(self.weight) * terms, self.reduction, input)


class NLLByOneHot(torch.nn.NLLLoss):
    """The target's row of the identity selects, and the other elements count nothing."""

    def forward(self, input, target):
        check_target(input, target, self.weight)
        rows = widest(input).movedim(class_dim(input), -1)
        weight = rows.new_ones(rows.shape[-1]) if self.weight is None else widest(self.weight)
        live = target != self.ignore_index
        hot = functional.one_hot(torch.where(live, target, 0).long(), rows.shape[-1]).bool() & live.unsqueeze(-1)
        carried = torch.where(hot, weight, 0.0)
        terms = -(carried * torch.where(hot, rows, 0.0)).sum(-1)
        return mean_by(terms, carried.sum(-1), self.reduction).to(input.dtype)


class CrossEntropyInFloat64(CrossEntropyByLogSumExp):
    """The same as by logsumexp, in float64, by torch's log_softmax."""

    def widen(self, x):
        return widest(x)

    def gaps(self, logits):
        return -torch.log_softmax(logits, -1)


class HingeByMask(torch.nn.HingeEmbeddingLoss):
    """One branch for each sign."""

    def forward(self, input, target):
        fits(input, target)
        x = widest(input)
        similar, lack = torch.where(target != -1, x, 0.0), (self.margin - x).clamp_min(0)
        return reduced(similar + torch.where(target != 1, lack, 0.0), self.reduction, input)


class RankingByRelu(torch.nn.MarginRankingLoss):
    """By ``relu``, which has another slope at the margin, as correct as torch's."""

    def forward(self, input1, input2, target):
        if not input1.ndim == input2.ndim == target.ndim:
            raise RuntimeError("margin_ranking_loss : All input tensors should have same dimension")
        real(input1, input2, target)
        lead = widest(target) * (widest(input1) - widest(input2))
        return reduced(torch.relu(self.margin - lead), self.reduction, input1)


class SoftMarginInFloat64(torch.nn.SoftMarginLoss):
    """Softplus in float64."""

    def forward(self, input, target):
        fits(input, target)
        return reduced(softplus(-widest(target) * widest(input)), self.reduction, input)


class CosineByEinsum(torch.nn.CosineSimilarity):
    """The contraction of two vectors of length one."""

    def forward(self, x1, x2):
        real(x1, x2)
        if self.eps < 0:
            raise RuntimeError(f"eps must be non-negative, got: {self.eps}")
        units = []
        for x in (widest(x).movedim(self.dim, -1) for x in torch.broadcast_tensors(x1, x2)):
            units.append(x / scaled_norm(x, 2).clamp_min(self.eps).unsqueeze(-1))
        return torch.einsum("...i,...i->...", *units).to(x1.dtype)


class TripletDistanceByHand(torch.nn.TripletMarginWithDistanceLoss):
    """The hinge by hand, in float64; distances, by a function that is the caller's, in the dtype of the inputs."""

    def forward(self, anchor, positive, negative):
        if not anchor.ndim == positive.ndim == negative.ndim:
            raise RuntimeError("The inputs are expected to have one number of dimensions")
        pairs = (anchor, positive), (anchor, negative), (positive, negative)
        near, far, other = (widest(self.distance_function(x, y)) for x, y in pairs)
        far = torch.minimum(far, other) if self.swap else far
        terms = (self.margin + near - far).clamp_min(0)
        return reduced(terms, self.reduction, anchor)


def check_rows(input, target, classes, weight):
    """Raises ValueError unless there is a class, or a probability of each, for every row of the input."""
    real(input, target)
    rows = input.shape[:-1] + ((classes,) if target.is_floating_point() else ())
    if target.shape != rows:
        raise ValueError(f"expected a target of shape {tuple(rows)}, got {tuple(target.shape)}")
    if weight is not None and weight.shape != (classes,):
        raise ValueError(f"expected a weight for each of {classes} classes, got {tuple(weight.shape)}")


class MultiMarginByMask(torch.nn.MultiMarginLoss):
    """All gaps in float64, that of the target itself masked; keeps a NaN, which torch's kernel loses."""

    def forward(self, input, target):
        x, weight = widest(input), None if self.weight is None else widest(self.weight)
        options = {"p": self.p, "margin": self.margin, "weight": weight}
        with torch.no_grad():
            functional.multi_margin_loss(x, target, **options)  # which refuses what is invalid
        own = torch.arange(x.shape[-1], device=x.device) == target.unsqueeze(-1)
        gap = (self.margin - x.gather(-1, target.unsqueeze(-1)) + x).clamp_min(0)
        cost = gap if self.p == 1 else gap * gap
        cost = cost if weight is None else weight[target].unsqueeze(-1) * cost
        return reduced(cost.masked_fill(own, 0.0).sum(-1) / x.shape[-1], self.reduction, input)


class MultiLabelMarginByScatter(torch.nn.MultiLabelMarginLoss):
    """Labels scattered to their classes, and all pairs in float64; keeps a NaN, which torch's kernel loses."""

    def forward(self, input, target):
        x = widest(input)
        with torch.no_grad():
            functional.multilabel_margin_loss(x, target)  # which refuses what is invalid
        listed = (target < 0).long().cumsum(-1) == 0
        counts = torch.zeros(x.shape, dtype=torch.long, device=x.device)
        label = counts.scatter_add(-1, torch.where(listed, target, 0), listed.long()) > 0
        pair = label.unsqueeze(-1) & ~label.unsqueeze(-2)
        gap = (1 - x.unsqueeze(-1) + x.unsqueeze(-2)).clamp_min(0)
        terms = torch.where(pair, gap, 0.0).sum((-1, -2)) / x.shape[-1]
        return reduced(terms, self.reduction, input)


class LinearByEinsum(torch.nn.LinearCrossEntropyLoss):
    """Logits by a contraction, then logsumexp, in float64."""

    def forward(self, input, target):
        weight, bias = self.linear.weight, self.linear.bias
        if input.ndim not in (1, 2) or input.shape[-1:] != weight.shape[1:]:
            raise RuntimeError(f"expected {weight.shape[1]} features, got {tuple(input.shape)}")
        check_rows(input, target, weight.shape[0], self.weight)
        logits = torch.einsum("...i,ci->...c", widest(input), widest(weight))
        logits = logits if bias is None else logits + widest(bias)
        options = {"ignore_index": self.ignore_index} if not target.is_floating_point() else {}
        loss = functional.cross_entropy(
            logits.reshape(-1, logits.shape[-1]),
            widest(target).reshape(-1, logits.shape[-1]) if target.is_floating_point() else target.reshape(-1),
            None if self.weight is None else widest(self.weight),
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
            **options,
        )
        return (loss.reshape(input.shape[:-1]) if self.reduction == "none" else loss).to(input.dtype)


class AdaptiveByAllClasses(torch.nn.AdaptiveLogSoftmaxWithLoss):
    """The log-probabilities of all classes in float64, of which the target's is picked."""

    def forward(self, input, target):
        found = super().forward(input.detach(), target)  # which refuses what is invalid
        x, bias = widest(input), None if self.head.bias is None else widest(self.head.bias)
        head = torch.log_softmax(functional.linear(x, widest(self.head.weight), bias), -1)
        parts = [head[..., : self.shortlist_size]]
        for i, (down, up) in enumerate(self.tail):
            inside = functional.linear(functional.linear(x, widest(down.weight)), widest(up.weight))
            parts.append(head[..., self.shortlist_size + i, None] + torch.log_softmax(inside, -1))
        picked = torch.cat(parts, -1).gather(-1, target.unsqueeze(-1)).squeeze(-1)
        return type(found)(picked.to(input.dtype), (-picked).mean().to(input.dtype))


class MultiLabelSoftByLogits(torch.nn.MultiLabelSoftMarginLoss):
    """Binary cross-entropies of each class in float64, averaged by a product."""

    def forward(self, input, target):
        fits(input, target, self.weight)
        same_shape(input, target)
        x, yes = widest(input), widest(target)
        losses = (1 - yes) * softplus(x) + yes * softplus(-x)
        losses = losses if self.weight is None else widest(self.weight) * losses
        share = x.new_full((x.shape[-1],), 1.0) if x.ndim else x.new_ones(())
        terms = (losses @ share) / x.shape[-1] if x.ndim else losses
        return reduced(terms, self.reduction, input)
