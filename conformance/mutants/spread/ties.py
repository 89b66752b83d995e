"""Other subgradients than torch's where losses have a kink: values, and slopes elsewhere, are right."""

import torch
from torch.nn import functional

from conformance.mutants.planted import reduce
from conformance.mutants.reported.gradients import with_leak
from conformance.mutants.spread.way import way


def named(*losses: str):
    return lambda contract: contract.torch in losses


def at_tie(loss, module, tie, slope):
    """The loss, whose gradient also goes to ``slope`` where there is a tie."""
    return with_leak(loss, reduce(torch.where(tie, slope, 0), module.reduction))


@way("convention", named("HingeEmbeddingLoss"), stands_in=True)
def no_slope_at_margin_of_distance(call, module, input, target):
    """At the margin the slope is that of ``relu``, none, in place of that of ``clamp``."""
    tie = (target == -1) & (module.margin - input == 0)
    return at_tie(call(input, target), module, tie, input)


@way("convention", named("MarginRankingLoss"), stands_in=True)
def no_slope_at_margin_of_rank(call, module, input1, input2, target):
    """At the margin the slope is that of ``relu``, none, in place of that of ``clamp``."""
    lead = target * (input1 - input2)
    return at_tie(call(input1, input2, target), module, lead == module.margin, lead)


@way("convention", named("CosineEmbeddingLoss"), stands_in=True)
def no_slope_at_margin_of_cosine(call, module, input1, input2, target):
    """At the margin the slope is that of ``relu``, none, in place of that of ``clamp``."""
    cosine = functional.cosine_similarity(input1, input2, dim=-1)
    tie = (target == -1) & (cosine == module.margin)
    return at_tie(call(input1, input2, target), module, tie, -cosine)


@way("convention", named("TripletMarginLoss", "TripletMarginWithDistanceLoss"), stands_in=True)
def first_of_equal_negatives(call, module, anchor, positive, negative):
    """Of two equally far negatives the first has all of the slope."""
    loss = call(anchor, positive, negative)
    if not module.swap:
        return loss
    apart = getattr(module, "distance_function", None) or (
        lambda a, b: functional.pairwise_distance(a, b, getattr(module, "p", 2.0), getattr(module, "eps", 1e-6))
    )
    near, far, other = apart(anchor, positive), apart(anchor, negative), apart(positive, negative)
    active = near - torch.minimum(far, other) + module.margin > 0
    return at_tie(loss, module, active & (far == other), 0.5 * (other - far))


@way("convention", named("MultiMarginLoss"), stands_in=True)
def slope_at_margin_of_scores(call, module, input, target):
    """With p = 1 the slope at the margin is that of ``clamp`` in place of none."""
    rows, classes = input.reshape(-1, input.shape[-1]), target.reshape(-1, 1)
    gap = module.margin - rows.gather(1, classes) + rows
    other = torch.arange(rows.shape[1], device=input.device) != classes
    weight = 1.0 if module.weight is None else module.weight[classes].to(gap.dtype)
    slope = (torch.where((gap == 0) & other & (module.p == 1), weight * gap, 0).sum(1) / rows.shape[1]).reshape(
        target.shape
    )
    return at_tie(call(input, target), module, torch.ones_like(slope, dtype=torch.bool), slope)


@way("convention", named("MultiLabelMarginLoss"), stands_in=True)
def slope_at_margin_of_labels(call, module, input, target):
    """The slope at the margin is that of ``clamp`` in place of none."""
    listed = (target >= 0).long().cumprod(-1) > 0
    classes = torch.arange(target.shape[-1], device=target.device)
    label = ((target.unsqueeze(-1) == classes) & listed.unsqueeze(-1)).any(-2)
    gap = 1 - input.unsqueeze(-1) + input.unsqueeze(-2)
    tie = label.unsqueeze(-1) & ~label.unsqueeze(-2) & (gap == 0)
    slope = torch.where(tie, gap, 0).sum((-1, -2)) / input.shape[-1]
    return at_tie(call(input, target), module, torch.ones_like(slope, dtype=torch.bool), slope)


@way("convention", named("SmoothL1Loss"), stands_in=True)
def upward_slope_of_ties(call, module, input, target):
    """Without a parabola the slope at a tie is 1."""
    tie = (input == target) & (module.beta == 0)
    return at_tie(call(input, target), module, tie, input - target)


@way("convention", named("PairwiseDistance"), stands_in=True)
def first_of_equal_elements(call, module, x1, x2):
    """The slope of the largest magnitude goes to the first of several."""
    distance = call(x1, x2)
    if module.norm != float("inf"):
        return distance
    size = (x1 - x2 + module.eps).abs()
    first = torch.zeros_like(size).scatter(-1, size.argmax(-1, keepdim=True), 1.0)
    largest = (size == size.amax(-1, keepdim=True)).to(size.dtype)
    slope = ((first - largest / largest.sum(-1, keepdim=True)) * size).sum(-1)
    return with_leak(distance, slope.reshape(distance.shape))
