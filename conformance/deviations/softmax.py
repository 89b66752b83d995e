"""How torch evaluates the cross-entropy and its gradient, in place of the contract's formulas."""

from __future__ import annotations

import numpy as np

from conformance.deviations.kernels import fused
from reference.arithmetic.plain import plain
from reference.arithmetic.rounded import Rounded
from reference.in_numpy._softmax import affine, kept, peak, pick, pull_affine, target_mass


def log_softmax(logits: Rounded) -> Rounded:
    """``(x - max) - log(sum(exp(x - max)))``; of the intermediates, the sum and its logarithm are stored."""
    total = fused(lambda x: np.sum(np.exp(x - peak(x)[0]), axis=-1, keepdims=True), logits)
    return fused(lambda x, log: (x - peak(x)[0]) - log, logits, np.log(total))


def pull_log_softmax(slope: Rounded, log_probabilities: Rounded) -> Rounded:
    """The gradient of :func:`log_softmax`, given that of its result: ``slope - exp(result) sum(slope)``."""
    return fused(lambda g, y: g - np.exp(y) * np.sum(g, axis=-1, keepdims=True), slope, log_probabilities)


def stored_affine(weight: Rounded, input: Rounded, bias: Rounded | None = None) -> Rounded:
    """A linear map, (R, C), whose results are stored; exactly as they are where a bound would say nothing.

    In 16 bits, the rounding of large results may change their exponentials by any factor: a row in which one
    may be off by more than a half is taken to hold what a sum in the working format, rounded once, gives.
    """
    product = fused(affine, weight, input)
    bounded = product if bias is None else product + bias
    if bounded.model.format == bounded.model.format.working:
        return bounded
    once = fused(affine, *((weight, input) if bias is None else (weight, input, bias)))
    loose = np.max(bounded.error, axis=-1, keepdims=True) > 0.5
    value, error = np.where(loose, once.value, bounded.value), np.where(loose, 0.0, bounded.error)
    return Rounded(value, error, bounded.model)


def logits_of(input, linear_weight=None, linear_bias=None, **given):
    """The logits, stored where they come from a linear map, and the arguments that are left."""
    logits = input if linear_weight is None else stored_affine(linear_weight, input, linear_bias)
    return logits, given


def terms(logits, target, weight, ignore_index, label_smoothing):
    """The terms of the cross-entropy from the rounded log-softmax, as ATen composes them."""
    losses, classes = log_softmax(logits), logits.shape[-1]
    if target.ndim > 1:
        mass = target_mass(target, classes, ignore_index, label_smoothing)
        losses = losses * mass if weight is None else losses * mass * weight
        return -np.sum(losses, axis=-1)
    losses = -losses if weight is None else -losses * weight
    live, index = kept(target, ignore_index)
    hit = pick(losses, index)
    if plain(label_smoothing) != 0:
        every = np.sum(losses, axis=-1) * (label_smoothing / classes)
        hit = (1 - label_smoothing) * hit + every
    return np.where(live, hit, 0.0)


def reduced_apart(reduce, logits, arguments) -> Rounded:
    """The reduced cross-entropy of classes with label smoothing: both parts are reduced, and then weighed."""
    target, weight, smoothing = (arguments[k] for k in ("target", "weight", "label_smoothing"))
    losses = -log_softmax(logits) if weight is None else -log_softmax(logits) * weight
    live, index = kept(target, arguments["ignore_index"])
    parts = pick(losses, index), np.sum(losses, axis=-1)
    hit, every = (reduce(np.where(live, x, 0.0)) for x in parts)
    return (1 - smoothing) * hit + every * (smoothing / logits.shape[-1])


def pull_terms(cotangent, logits, target, weight, ignore_index, label_smoothing):
    """The gradients of :func:`terms`, with respect to ``logits`` and, given probabilities, all arguments."""
    losses = log_softmax(logits)
    mass = target_mass(target, logits.shape[-1], ignore_index, label_smoothing)
    if target.ndim == 1:
        cotangent = np.where(target != ignore_index, cotangent, 0.0)
    cotangent = -np.expand_dims(cotangent, -1)
    slope = cotangent * mass
    gradients = {"logits": pull_log_softmax(slope if weight is None else slope * weight, losses)}
    if target.ndim > 1:
        weighed = cotangent if weight is None else cotangent * weight
        gradients["target"] = (1 - label_smoothing) * (weighed * losses)
    if weight is not None:
        gradients["weight"] = cotangent * (losses * mass)
    return gradients


def pull_to_arguments(pull_loss, cotangent, input, target, **given):
    """The gradients of all arguments, where ``pull_loss`` gives, among others, that of the logits."""
    logits, left = logits_of(input, **given)
    gradients = pull_loss(cotangent, logits, target, **left)
    slope = gradients.pop("logits")
    if "linear_weight" not in given:
        return gradients | {"input": slope}
    gradients["linear_weight"], gradients["input"] = pull_affine(slope, given["linear_weight"], input)
    return gradients if given["linear_bias"] is None else gradients | {"linear_bias": slope}
