"""Losses of a choice among classes: the softmax family and the margins around it."""

import numpy as np

from reference.contract import contract
from reference.domains import NON_NEGATIVE, REAL, UNIT, Index, OneOf, Probabilities
from reference.reductions import STANDARD, Reduction


def log_softmax(logits):
    """Logarithms of the softmax over the last dimension, by the shifted log-sum-exp."""
    shifted = logits - np.max(logits, axis=-1, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True))


def softmax(logits):
    """The softmax over the last dimension, shifted by the largest logit."""
    powers = np.exp(logits - np.max(logits, axis=-1, keepdims=True))
    return powers / np.sum(powers, axis=-1, keepdims=True)


def pick(values, index):
    """``values[r, index[r]]`` for every row ``r``: shape (R,)."""
    return np.squeeze(np.take_along_axis(values, np.expand_dims(index, -1), axis=-1), axis=-1)


def kept(target, ignore_index):
    """Which rows count, shape (R,), and their class, 0 for those that do not."""
    live = target != ignore_index
    return live, np.where(live, target, 0)


def carried_weight(given):
    """What cross-entropy's mean divides by, shape (R,): class weight or one, nothing for ignored targets."""
    target, weight = given["target"], given["weight"]
    if target.ndim > 1:
        return np.ones(len(target))
    live, index = kept(target, given["ignore_index"])
    return np.where(live, 1.0 if weight is None else pick(weight, index), 0.0)


@contract(
    torch="CrossEntropyLoss",
    reductions=STANDARD | {"mean": Reduction(weight=carried_weight)},
    input=REAL["n? (c) *d"],
    target=Index(of="c", ignore="ignore_index")["n? *d"] | Probabilities(over="c")["n? (c) *d"],
    weight=NON_NEGATIVE["(c)"] | None,
    ignore_index=OneOf((-100, 0, 1)),
    label_smoothing=UNIT,
)
def cross_entropy(input, target, *, weight=None, ignore_index=-100, label_smoothing=0.0):
    """Negative log-likelihood of the target under the softmax of the logits ``input``.

    ``target``: a class, (R,), or the probability of each, (R, C).  Smoothing mixes in the uniform distribution.
    Source: torch.nn.CrossEntropyLoss; C. Szegedy et al., Rethinking the Inception Architecture, 2016, eq. (3).
    """
    losses = -log_softmax(input)
    if weight is not None:
        losses = weight * losses
    live, hit = True, None
    if target.ndim > 1:
        hit = np.sum(target * losses, axis=-1)
    else:
        live, index = kept(target, ignore_index)
        hit = pick(losses, index)
    if label_smoothing == 0:
        return np.where(live, hit, 0.0)
    spread = np.sum(losses, axis=-1) * (label_smoothing / input.shape[-1])
    return np.where(live, (1 - label_smoothing) * hit + spread, 0.0)


@cross_entropy.vjp
def _(cotangent, input, target, *, weight, ignore_index, label_smoothing):
    classes = input.shape[-1]
    if target.ndim > 1:
        live, hot = np.ones((len(target), 1), bool), target
    else:
        live, index = kept(target, ignore_index)
        live, hot = np.expand_dims(live, -1), np.eye(classes)[index]
    mass = (1 - label_smoothing) * hot + label_smoothing / classes
    weighted = mass if weight is None else weight * mass
    total = np.sum(weighted, axis=-1, keepdims=True)
    cotangent = np.expand_dims(cotangent, -1)
    gradients = {"input": np.where(live, cotangent * (softmax(input) * total - weighted), 0.0)}
    if target.ndim > 1:
        losses = -cotangent * log_softmax(input)
        scaled = losses if weight is None else weight * losses
        gradients["target"] = (1 - label_smoothing) * scaled
        if weight is not None:
            gradients["weight"] = mass * losses
    return gradients
