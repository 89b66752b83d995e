"""How torch evaluates the cross-entropy and its gradient, in place of the contract's formulas."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from conformance.case import given
from conformance.deviations.kernels import by_result, fused
from reference.arithmetic.plain import plain
from reference.arithmetic.rounded import Rounded
from reference.in_numpy._softmax import affine, exponentials, indicator, kept, pick, target_mass


def log_softmax(logits: Rounded) -> Rounded:
    """``(x - max) - log(sum(exp(x - max)))``; of the intermediates, the sum and its logarithm are stored."""
    return by_result(_log_softmax, lambda y, t: t - np.sum(np.exp(y) * t, axis=-1, keepdims=True), logits)


def _log_softmax(logits: Rounded) -> Rounded:
    total = fused(lambda x: np.sum(np.exp(exponentials(x)[0]), axis=-1, keepdims=True), logits)
    return fused(lambda x, log: exponentials(x)[0] - log, logits, np.log(total))


def pull_log_softmax(slope: Rounded, log_probabilities: Rounded) -> Rounded:
    """The gradient of :func:`log_softmax`, given that of its result: ``slope - exp(result) sum(slope)``."""
    return fused(lambda g, y: g - np.exp(y) * np.sum(g, axis=-1, keepdims=True), slope, log_probabilities)


def stored_affine(weight: Rounded, input: Rounded, bias: Rounded | None = None) -> Rounded:
    """A linear map, (R, C).  In 16 bits its results are what a sum in the working format, rounded once, gives.

    They are taken exactly so: what one more rounding of a large result would do to its exponential is a factor
    of any size, and a bound of that would excuse everything.
    """
    once = fused(affine, *((weight, input) if bias is None else (weight, input, bias)))
    if once.model.format == once.model.format.working:
        product = fused(affine, weight, input)
        return product if bias is None else product + bias
    return Rounded(once.value, 0.0, once.model)


def widened(x: Rounded) -> Rounded:
    """The same numbers in the working format, for products that are summed before they are stored."""
    if x.model.format == x.model.format.working:
        return x
    return Rounded(x.value, x.error, replace(x.model, format=x.model.format.working), x.spread)


def pull_stored_affine(slope: Rounded, weight: Rounded, input: Rounded) -> tuple[Rounded, Rounded]:
    """The gradients of a linear map, given that of its result: of the matrix row by row, and of the input."""
    column = np.expand_dims(slope, -1)
    grad_weight = widened(column) * np.expand_dims(widened(input), -2)
    return grad_weight, fused(lambda g, w: np.sum(g * w, axis=-2), column, weight)


def logits_of(input, linear_weight=None, linear_bias=None, **left):
    """The logits, stored where they come from a linear map, and the arguments that are left."""
    logits = input if linear_weight is None else stored_affine(linear_weight, input, linear_bias)
    return logits, left


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
        every = np.sum(losses, axis=-1) * share_of(label_smoothing, classes)
        hit = (1 - label_smoothing) * hit + every
    return np.where(live, hit, 0.0)


def share_of(smoothing: Rounded, classes: int) -> Rounded:
    """What label smoothing gives to each class: a quotient of Python numbers, beyond no format."""
    share = smoothing.value / classes
    return Rounded(share, smoothing.error / classes + smoothing.model.unit * abs(share), smoothing.model)


def reduced_apart(reduce, logits, arguments) -> Rounded:
    """The reduced cross-entropy of classes with label smoothing: both parts are reduced, and then weighed."""
    target, weight, smoothing = (arguments[k] for k in ("target", "weight", "label_smoothing"))
    losses = -log_softmax(logits) if weight is None else -log_softmax(logits) * weight
    live, index = kept(target, arguments["ignore_index"])
    parts = pick(losses, index), np.sum(losses, axis=-1)
    hit, every = (reduce(np.where(live, x, 0.0)) for x in parts)
    return (1 - smoothing) * hit + every * share_of(smoothing, logits.shape[-1])


def slopes(case, lift, arguments) -> Rounded:
    """The gradient with respect to the log-softmax, (R, C), as autograd composes it from right to left."""
    target, weight, smoothing = (arguments[k] for k in ("target", "weight", "label_smoothing"))
    classes = case.sizes["c"][0]
    if target.ndim > 1:
        up = -np.expand_dims(upstream(case, lift, arguments), -1)
        up = up if weight is None else up * weight
        return up * target_mass(target, classes, None, smoothing)
    live, index = kept(target, arguments["ignore_index"])
    hot = indicator(index, classes) & np.expand_dims(live, -1)
    up = upstream(case, lift, arguments, None if plain(smoothing) == 0 else 1 - smoothing)
    found = np.where(hot, -weighed(np.expand_dims(up, -1), weight), 0.0)
    if plain(smoothing) == 0:
        return found
    up = np.where(live, upstream(case, lift, arguments, share_of(smoothing, classes)), 0.0)
    return found - weighed(np.expand_dims(up, -1), weight)


def weighed(up: Rounded, weight) -> Rounded:
    """A cotangent, (R, 1), times the weight of every class, if there is one."""
    return up if weight is None else up * weight


def upstream(case, lift, arguments, share=None) -> Rounded:
    """The cotangent of every term, (R,), where ``share`` of it belongs to one part of the loss."""
    up = lift(np.reshape(case.cotangents["value"], (-1,)))
    reduction = case.contract.reduction_of(case.reduction, "value")
    return reduction.pull(up if share is None else up * share, arguments, case.calls, case.shape)


def pull_case(case, lift) -> dict[str, Rounded]:
    """The gradients of the cross-entropy with respect to all arguments, as ATen and autograd compose them."""
    arguments = given(case, lift)
    logits, left = logits_of(**arguments)
    losses = log_softmax(logits)
    gradients = pull_map(pull_log_softmax(slopes(case, lift, arguments), losses), **arguments)
    if left["target"].ndim > 1:
        up, weight = -np.expand_dims(upstream(case, lift, arguments), -1), left["weight"]
        mass = target_mass(left["target"], losses.shape[-1], None, left["label_smoothing"])
        gradients["target"] = (1 - left["label_smoothing"]) * (weighed(up, weight) * losses)
        gradients["weight"] = widened(up * (losses * mass))
    return {f"grad_{k}": case.from_rows(k, g) for k, g in gradients.items() if arguments[k] is not None}


def pull_map(slope, input, linear_weight=None, linear_bias=None, **_) -> dict[str, Rounded]:
    """The gradients of what the logits come from, given theirs."""
    if linear_weight is None:
        return {"input": slope}
    grad_weight, grad_input = pull_stored_affine(slope, linear_weight, input)
    return {"linear_weight": grad_weight, "linear_bias": widened(slope), "input": grad_input}
