"""Correct losses of classes: by logsumexp, by a backward of one's own, by picking in float64."""

import torch

from conformance.mutants.controls.common import KNOWN, real, wide, widest


def class_dim(input):
    return 1 if input.ndim > 1 else 0


def check_target(input, target, weight):
    """Raises ValueError unless the target has the shape of the input, without its classes if it holds indices."""
    real(input, target, weight)
    if not target.is_floating_point() and target.dtype not in (torch.int64, torch.uint8):
        raise ValueError(f"expected indices as int64, got {target.dtype}")
    dim = class_dim(input)
    expected = input.shape if target.is_floating_point() else input.shape[:dim] + input.shape[dim + 1 :]
    if not input.ndim or target.shape != expected:
        raise ValueError(f"expected a target of shape {tuple(expected)}, got {tuple(target.shape)}")
    if weight is not None and weight.shape != input.shape[dim : dim + 1]:
        raise ValueError(f"expected a weight for each of {input.shape[dim]} classes, got {tuple(weight.shape)}")


def mean_by(terms, carried, reduction):
    """The terms reduced; the mean divides by what they carry.  Raises ValueError for what is no reduction."""
    if reduction not in KNOWN:
        raise ValueError(f"{reduction} is not a valid value for reduction")
    if reduction == "none":
        return terms
    return terms.sum() / carried.sum() if reduction == "mean" else terms.sum()


class CrossEntropyByLogSumExp(torch.nn.CrossEntropyLoss):
    """logsumexp minus the logit, in float32 at least."""

    def widen(self, x):
        return wide(x)

    def gaps(self, logits):
        """The loss of every class, along the last dimension."""
        pivot = logits.detach().amax(-1, keepdim=True)
        return (pivot - logits) + torch.log((logits - pivot).exp().sum(-1, keepdim=True))

    def forward(self, input, target):
        check_target(input, target, self.weight)
        if not 0 <= self.label_smoothing <= 1:
            raise RuntimeError("label_smoothing must be between 0.0 and 1.0")
        weight = None if self.weight is None else self.widen(self.weight)
        losses = self.gaps(self.widen(input).movedim(class_dim(input), -1))
        hit, live, carried = self.pick(losses, target, weight)
        if self.label_smoothing:
            every = (losses if weight is None else weight * losses).sum(-1) * (self.label_smoothing / losses.shape[-1])
            hit = (1 - self.label_smoothing) * hit + every
        return mean_by(torch.where(live, hit, 0.0), carried, self.reduction).to(input.dtype)

    def pick(self, losses, target, weight):
        """The target's losses, which of them count, and how much each does in a mean."""
        if target.is_floating_point():
            losses = losses if weight is None else weight * losses
            hit = (self.widen(target).movedim(class_dim(target), -1) * losses).sum(-1)
            return hit, torch.ones_like(hit, dtype=torch.bool), torch.ones_like(hit)
        live = target != self.ignore_index
        index = torch.where(live, target, 0)
        hit = losses.gather(-1, index.unsqueeze(-1)).squeeze(-1)
        carried = torch.where(live, torch.ones_like(hit) if weight is None else weight[index], 0.0)
        return carried * hit, live, carried


class _Once(torch.autograd.Function):
    """What depends on logits and upstream gradient, and may not be differentiated: with torch's decorator a constant
    upstream gradient makes it a constant, and the second derivative lacks it in silence."""

    @staticmethod
    def forward(ctx, slope, logits, upstream):
        return slope.clone()

    @staticmethod
    def backward(ctx, upstream):
        raise NotImplementedError("a second derivative is not implemented")


class _LossOfEveryClass(torch.autograd.Function):
    @staticmethod
    def forward(ctx, logits):
        ctx.save_for_backward(logits)
        return -torch.log_softmax(logits, -1)

    @staticmethod
    def backward(ctx, upstream):
        (logits,) = ctx.saved_tensors
        with torch.no_grad():
            slope = torch.softmax(logits, -1) * upstream.sum(-1, keepdim=True) - upstream
        return _Once.apply(slope, logits, upstream)


class CrossEntropyByHand(CrossEntropyByLogSumExp):
    """The backward written by hand, in float64; differentiable once, and says so."""

    def widen(self, x):
        return widest(x)

    def gaps(self, logits):
        return _LossOfEveryClass.apply(logits)


class NLLInFloat64(torch.nn.NLLLoss):
    """In float64."""

    def forward(self, input, target):
        check_target(input, target, self.weight)
        rows = widest(input).movedim(class_dim(input), -1)
        weight = rows.new_ones(rows.shape[-1]) if self.weight is None else widest(self.weight)
        live = target != self.ignore_index
        index = torch.where(live, target, 0)
        picked = rows.gather(-1, index.unsqueeze(-1)).squeeze(-1)
        carried = torch.where(live, weight[index], 0.0)
        return mean_by(torch.where(live, -carried * picked, 0.0), carried, self.reduction).to(input.dtype)
