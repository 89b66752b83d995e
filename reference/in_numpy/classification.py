"""Losses of a choice among classes: the softmax family and the margins around it."""

import numpy as np

from reference.contract import contract
from reference.domains import LOG_ODDS, NON_NEGATIVE, REAL, SCORE, UNIT, Index, LabelSet, OneOf, Probabilities
from reference.in_numpy._softmax import (
    affine,
    carried_weight,
    cross_entropy_of,
    indicator,
    kept,
    pick,
    pull_affine,
    pull_cross_entropy,
)
from reference.reductions import STANDARD, Reduction

#: What torch promises of losses that it computes in 16-bit steps.
IN_STEPS = {
    ("*", dtype): ("C", "eager torch rounds every step and sum of this formula to 16 bits")
    for dtype in ("float16", "bfloat16")
}
WEIGHTED_MEAN = STANDARD | {"mean": Reduction(weight=carried_weight)}


@contract(
    torch="CrossEntropyLoss",
    promises=IN_STEPS,
    reductions=WEIGHTED_MEAN,
    input=SCORE["n? (c) *d"],
    target=Index(of="c", ignore="ignore_index")["n? *d"] | Probabilities(over="c")["n? (c) *d"],
    weight=NON_NEGATIVE["(c)"] | None,
    ignore_index=OneOf((-100, 0, 1)),
    label_smoothing=UNIT,
)
def cross_entropy(input, target, *, weight=None, ignore_index=-100, label_smoothing=0.0):
    """Negative log-likelihood of the target under the softmax of the logits ``input``.

    ``target``: a class, (R,), or the probability of each, (R, C).  Smoothing mixes in the uniform one.
    Source: torch.nn.CrossEntropyLoss; C. Szegedy et al., Rethinking the Inception Architecture for Computer
    Vision, 2016, section 7.
    """
    return cross_entropy_of(input, target, weight, ignore_index, label_smoothing)


@cross_entropy.vjp
def _(cotangent, input, target, *, weight, ignore_index, label_smoothing):
    gradients = pull_cross_entropy(cotangent, input, target, weight, ignore_index, label_smoothing)
    return {"input": gradients.pop("logits"), **gradients}


@contract(
    torch="LinearCrossEntropyLoss",
    promises=IN_STEPS,
    reductions=WEIGHTED_MEAN,
    parameters_of_module={"linear_weight": "linear.weight", "linear_bias": "linear.bias"},
    input=REAL["n? (f)"],
    target=Index(of="c", ignore="ignore_index")["n?"] | Probabilities(over="c")["n? (c)"],
    linear_weight=REAL["(c) (f)"],
    linear_bias=REAL["(c)"] | None,
    weight=NON_NEGATIVE["(c)"] | None,
    ignore_index=OneOf((-100, 0, 1)),
    label_smoothing=UNIT,
)
def linear_cross_entropy(
    input, target, *, linear_weight, linear_bias=None, weight=None, ignore_index=-100, label_smoothing=0.0
):
    """Cross-entropy of the target under the softmax of an affine function of ``input``.

    ``target``: a class, (R,), or the probability of each, (R, C); then ``ignore_index`` has no meaning.
    Source: torch.nn.LinearCrossEntropyLoss, with ``out_features=()``.
    """
    logits = affine(linear_weight, input, linear_bias)
    return cross_entropy_of(logits, target, weight, ignore_index, label_smoothing)


@linear_cross_entropy.vjp
def _(cotangent, input, target, *, linear_weight, linear_bias, weight, ignore_index, label_smoothing):
    logits = affine(linear_weight, input, linear_bias)
    gradients = pull_cross_entropy(cotangent, logits, target, weight, ignore_index, label_smoothing)
    slope = gradients.pop("logits")
    gradients["linear_weight"], gradients["input"] = pull_affine(slope, linear_weight, input)
    return gradients if linear_bias is None else gradients | {"linear_bias": slope}


@contract(
    torch="NLLLoss",
    promises=IN_STEPS,
    reductions=WEIGHTED_MEAN,
    input=SCORE["n? (c) *d"],
    target=Index(of="c", ignore="ignore_index")["n? *d"],
    weight=NON_NEGATIVE["(c)"] | None,
    ignore_index=OneOf((-100, 0, 1)),
)
def nll_loss(input, target, *, weight=None, ignore_index=-100):
    """The target's element of ``input``, its log-probability, negated and weighted.

    Source: torch.nn.NLLLoss.
    """
    live, index = kept(target, ignore_index)
    hit = -pick(input, index)
    return np.where(live, hit if weight is None else pick(weight, index) * hit, 0.0)


@nll_loss.vjp
def _(cotangent, input, target, *, weight, ignore_index):
    live, index = kept(target, ignore_index)
    hot = indicator(index, input.shape[-1]) & np.expand_dims(live, -1)
    cotangent = np.expand_dims(cotangent, -1)
    return {"input": np.where(hot, -cotangent if weight is None else -cotangent * weight, 0.0)}


def margin_gaps(input, target, margin):
    """How far every other class reaches into the margin of the target: margin - x[target] + x, (R, C)."""
    return (margin - np.expand_dims(pick(input, target), -1)) + input


@contract(
    torch="MultiMarginLoss",
    convention="with p=1 no slope at the margin",
    input=REAL["n? (c)"],
    target=Index(of="c")["n?"],
    p=OneOf((1, 2)),
    margin=REAL,
    weight=NON_NEGATIVE["(c)"] | None,
)
def multi_margin_loss(input, target, *, p=1, margin=1.0, weight=None):
    """How far the other classes reach into the margin around the target's score, to the power ``p``.

    The sum over the other classes, divided by the number of all classes.
    Source: J. Weston, C. Watkins, Support vector machines for multi-class pattern recognition, 1999;
    torch.nn.MultiMarginLoss.
    """
    reach = np.maximum(margin_gaps(input, target, margin), 0.0)
    cost = reach if p == 1 else np.square(reach)
    if weight is not None:
        cost = np.expand_dims(pick(weight, target), -1) * cost
    return np.sum(np.where(indicator(target, input.shape[-1]), 0.0, cost), axis=-1) / input.shape[-1]


@multi_margin_loss.vjp
def _(cotangent, input, target, *, p, margin, weight):
    classes = input.shape[-1]
    hot = indicator(target, classes)
    gap = margin_gaps(input, target, margin)
    reach = np.maximum(gap, 0.0)
    slope = np.where(hot, 0.0, np.where(gap > 0, 1.0, 0.0) if p == 1 else 2.0 * reach)
    scale = np.expand_dims(cotangent / classes, -1)
    gradients = {}
    if weight is not None:
        cost = np.where(hot, 0.0, reach if p == 1 else np.square(reach))
        gradients["weight"] = np.where(hot, scale * np.sum(cost, axis=-1, keepdims=True), 0.0)
        scale = scale * np.expand_dims(pick(weight, target), -1)
    return gradients | {"input": scale * np.where(hot, -np.sum(slope, axis=-1, keepdims=True), slope)}


def label_gaps(input, target):
    """``1 - x[j] + x[i]``, shape (R, C, C), and where j is a label and i is none."""
    classes = input.shape[-1]
    listed = np.cumprod(target >= 0, axis=-1).astype(bool)
    hits = indicator(np.where(listed, target, 0), classes) & np.expand_dims(listed, -1)
    label = np.any(hits, axis=-2)
    pair = np.expand_dims(label, -1) & ~np.expand_dims(label, -2)
    return (1 - np.expand_dims(input, -1)) + np.expand_dims(input, -2), pair


@contract(
    torch="MultiLabelMarginLoss",
    convention="no slope at the margin",
    input=REAL["n? (c)"],
    target=LabelSet(of="c")["n? (c)"],
)
def multilabel_margin_loss(input, target):
    """How far every other class reaches into the unit margin around each label's score.

    ``target``: the labels, then -1.  The sum over all pairs, divided by the number of classes.
    Source: torch.nn.MultiLabelMarginLoss.
    """
    gap, pair = label_gaps(input, target)
    reach = np.where(pair, np.maximum(gap, 0.0), 0.0)
    return np.sum(np.sum(reach, axis=-1), axis=-1) / input.shape[-1]


@multilabel_margin_loss.vjp
def _(cotangent, input, target):
    gap, pair = label_gaps(input, target)
    active = np.where(pair, np.where(gap > 0, 1.0, 0.0), 0.0)
    count = np.sum(active, axis=-2) - np.sum(active, axis=-1)
    return {"input": np.expand_dims(cotangent / input.shape[-1], -1) * count}


def binary_losses(input, target):
    """-target log expit(input) - (1 - target) log expit(-input), a sum of terms that are not negative."""
    linear = target * np.maximum(-input, 0.0) + (1 - target) * np.maximum(input, 0.0)
    return linear + np.log1p(np.exp(-abs(input)))


def binary_slope(input, target):
    """expit(input) - target, as (1 - target) p - target (1 - p): nothing cancels where the target is sure."""
    one, other = np.exp(np.minimum(input, 0.0)), np.exp(np.minimum(-input, 0.0))
    return ((1 - target) * one - target * other) / (one + other)


@contract(
    torch="MultiLabelSoftMarginLoss",
    promises=IN_STEPS,
    input=LOG_ODDS["*n (c)"],
    target=UNIT["*n (c)"],
    weight=NON_NEGATIVE["(c)"] | None,
)
def multilabel_soft_margin_loss(input, target, *, weight=None):
    """Mean over the classes of the binary cross-entropies between the logits ``input`` and ``target``.

    Source: torch.nn.MultiLabelSoftMarginLoss.
    """
    losses = binary_losses(input, target)
    return np.sum(losses if weight is None else weight * losses, axis=-1) / input.shape[-1]


@multilabel_soft_margin_loss.vjp
def _(cotangent, input, target, *, weight):
    each = np.expand_dims(cotangent / input.shape[-1], -1)
    scale = each if weight is None else each * weight
    gradients = {
        "input": scale * binary_slope(input, target),
        "target": -scale * input,
    }
    return gradients if weight is None else gradients | {"weight": each * binary_losses(input, target)}
