"""Where torch.nn departs from the losses on a log-softmax, and from its gradient."""

import numpy as np

from conformance.case import given, lift_rounded
from conformance.deviations.deviation import HALF, deviation
from conformance.deviations.kernels import fused
from conformance.deviations.overflow import gradient_steps_overflow, steps_overflow
from reference.arithmetic.plain import plain
from reference.arithmetic.rounded import Model, Rounded
from reference.in_numpy._softmax import (
    affine,
    cross_entropy_of,
    kept,
    peak,
    pick,
    pull_affine,
    pull_cross_entropy,
    target_mass,
)
from reference.in_numpy.adaptive import adaptive_log_softmax_with_loss, places
from reference.in_numpy.classification import cross_entropy, linear_cross_entropy

HALF_FIRST = ("float16", "bfloat16", "float32", "float64")
TAIL = {
    "severity": "accuracy", "upstream": "pytorch/pytorch#113708", "steps": "storage",
    "dtypes": ("float32", "float64", "float16", "bfloat16"),
}  # fmt: skip


def log_softmax(logits: Rounded) -> Rounded:
    """``(x - max) - log(sum(exp(x - max)))``; the sum and its logarithm are stored, the differences are not."""
    total = fused(lambda x: np.sum(np.exp(x - peak(x)[0]), axis=-1, keepdims=True), logits)
    return fused(lambda x, log: (x - peak(x)[0]) - log, logits, np.log(total))


def pull_log_softmax(slope: Rounded, log_probabilities: Rounded) -> Rounded:
    """The gradient of :func:`log_softmax`, given that of its result: ``slope - exp(result) sum(slope)``."""
    return fused(lambda g, y: g - np.exp(y) * np.sum(g, axis=-1, keepdims=True), slope, log_probabilities)


def stored_affine(weight: Rounded, input: Rounded, bias: Rounded | None = None) -> Rounded:
    """A linear map: products summed in the working format, the result stored."""
    product = fused(lambda w, x: affine(w, x), weight, input)
    return product if bias is None else product + bias


def stored_logits(weight: Rounded, input: Rounded, bias: Rounded | None = None) -> Rounded:
    """A linear map whose results are stored; exactly as they are where a bound of them would say nothing.

    In 16 bits, the rounding of large logits makes any of a factor of the probabilities: a row in which one may be
    off by more than a half is taken to hold just the numbers that a sum in the working format, rounded once, gives.
    """
    bounded = stored_affine(weight, input, bias)
    if bounded.model.format == bounded.model.format.working:
        return bounded
    operands = (weight, input) if bias is None else (weight, input, bias)
    once = fused(affine, *operands)
    loose = np.max(bounded.error, axis=-1, keepdims=True) > 0.5
    value, error = np.where(loose, once.value, bounded.value), np.where(loose, 0.0, bounded.error)
    return Rounded(value, error, bounded.model)


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


def smoothing_apart(case, logits, arguments) -> Rounded:
    """The reduced cross-entropy with label smoothing: both of its parts are reduced, and then weighed."""
    target, weight, smoothing = (arguments[k] for k in ("target", "weight", "label_smoothing"))
    losses = -log_softmax(logits) if weight is None else -log_softmax(logits) * weight
    live, index = kept(target, arguments["ignore_index"])
    parts = pick(losses, index), np.sum(losses, axis=-1)
    reduction = case.contract.reduction_of(case.reduction, "value")
    hit, every = (reduction(np.where(live, x, 0.0), arguments, case.calls, case.shape) for x in parts)
    return (1 - smoothing) * hit + every * (smoothing / logits.shape[-1])


def smooths_classes(case) -> bool:
    """Whether classes, and not probabilities, are smoothed."""
    return case.parameters["label_smoothing"] != 0 and case.arguments["target"].dtype != float


steps_overflow(
    cross_entropy, share=0.5, upstream="pytorch/pytorch#85791",
    condition="a loss, their sum, or that of the weights exceeds the format; times a probability of 0 it is NaN",
    witness={"input": [[40000.0, 0.0]] * 2, "target": [1, 1], "reduction": "mean"},
)  # fmt: skip
gradient_steps_overflow(
    cross_entropy, share=0.5, quantities=("grad_input", "grad_target", "grad_weight"),
    condition="the loss of a class, the sum of the weights, or one divided by it, exceeds the format",
    witness={"input": [[0.0, 0.0]] * 2, "target": [0, 0], "weight": [40000.0, 1.0], "reduction": "mean"},
)  # fmt: skip


SMOOTHING = {
    "severity": "nan", "reductions": ("mean", "sum"), "applies": smooths_classes, "upstream": "pytorch/pytorch#85791",
    "condition": "the sum of the losses of all classes, over all terms, exceeds the format", "share": 0.3,
}  # fmt: skip


@deviation(
    "CrossEntropyLoss", of="result", dtypes=HALF_FIRST, **SMOOTHING,
    witness={"input": [[16384.0, 0.0, 0.0, 0.0]] * 2, "target": [1, 1], "label_smoothing": 0.1, "reduction": "mean"},
)  # fmt: skip
def smoothing_overflows(case):
    """The loss with label smoothing overflows, although it is representable.

    torch sums the losses of all classes and of all terms, in the dtype of the input, before it multiplies by the
    share of smoothing that each class gets.
    """
    arguments = given(case, lift_rounded(Model(case.format, emulate=True)))
    return smoothing_apart(case, arguments["input"], arguments)


@deviation(
    "CrossEntropyLoss", of="value", share=0.9, condition="a loss is small compared with one", **TAIL,
    witness={"input": [[20.0, 0.0]], "target": [0]},
)  # fmt: skip
def tail_lost(input, target, *, weight, ignore_index, label_smoothing):
    """The loss of a confident and right prediction is lost: its relative accuracy, then all of it.

    torch takes the logarithm of the sum of all exponentials, the largest of which is 1, where log1p of the sum of
    the others would keep them: the value for a margin of 20 is 0 in float32.  In 16 bits, the sum and its
    logarithm are stored too, and a margin of 9 is lost.
    """
    return terms(input, target, weight, ignore_index, label_smoothing)


@deviation(
    "CrossEntropyLoss", of="gradient", quantities=("grad_input", "grad_target", "grad_weight"), share=0.9,
    condition="the probability of a class is close to its share of the target, or its loss small", **TAIL,
    witness={"input": [[20.0, 0.0]], "target": [0]},
)  # fmt: skip
def gradient_tail_lost(cotangent, input, target, *, weight, ignore_index, label_smoothing):
    """The gradient of a confident and right prediction is lost: its relative accuracy, then all of it.

    torch takes the target's share from the probability, exp(log_softmax), and both are close to 1; the probability
    has the error of the stored log-softmax.  The gradients of probabilities and weights are the lost losses.
    """
    found = pull_terms(cotangent, input, target, weight, ignore_index, label_smoothing)
    return {"input": found.pop("logits"), **found}


def pull_linear(pull_loss, cotangent, input, target, linear_weight, linear_bias, **given):
    """The gradients of the cross-entropy of stored logits, where ``pull_loss`` gives those of the logits."""
    logits = stored_logits(linear_weight, input, linear_bias)
    gradients = pull_loss(cotangent, logits, target, **given)
    slope = gradients.pop("logits")
    gradients["linear_weight"], gradients["input"] = pull_affine(slope, linear_weight, input)
    return gradients if linear_bias is None else gradients | {"linear_bias": slope}


LINEAR = ("grad_input", "grad_linear_weight", "grad_linear_bias", "grad_target", "grad_weight")
steps_overflow(
    linear_cross_entropy, share=0.5, upstream="pytorch/pytorch#85791",
    condition="a logit, a loss, their sum, or that of the weights exceeds the format",
    witness={"input": [[300.0, 0.0]], "target": [0], "linear_weight": [[300.0, 0.0], [299.0, 0.0]]},
)  # fmt: skip
gradient_steps_overflow(
    linear_cross_entropy, share=0.5, quantities=LINEAR,
    condition="a logit, the loss of a class, the sum of the weights, or one divided by it, exceeds the format",
    witness={"input": [[300.0, 0.0]], "target": [0], "linear_weight": [[300.0, 0.0], [299.0, 0.0]]},
)  # fmt: skip


@deviation(
    "LinearCrossEntropyLoss", of="result", dtypes=HALF_FIRST, name="smoothing-overflows", **SMOOTHING,
    witness={"input": [[1.0]] * 2, "linear_weight": [[16384.0], [0.0], [0.0], [0.0]], "target": [1, 1],
             "label_smoothing": 0.1, "reduction": "mean"},
)  # fmt: skip
def linear_smoothing_overflows(case):
    """The loss with label smoothing overflows, although it is representable.

    torch sums the losses of all classes and of all terms, in the dtype of the input, before it multiplies by the
    share of smoothing that each class gets.
    """
    arguments = given(case, lift_rounded(Model(case.format, emulate=True)))
    logits = stored_logits(*(arguments[k] for k in ("linear_weight", "input", "linear_bias")))
    return smoothing_apart(case, logits, arguments)


STORED = {
    "steps": "storage", "dtypes": HALF, "severity": "accuracy", "share": 0.9,
    "condition": "a logit is so large that its rounding to 16 bits changes the probabilities by a factor",
}  # fmt: skip


@deviation(
    "LinearCrossEntropyLoss", of="value", **STORED,
    witness={"input": [[-64.0, 1.0]], "linear_weight": [[32.0, 0.0], [31.984375, 1.75]], "target": [0]},
)  # fmt: skip
def logits_stored(input, target, *, linear_weight, linear_bias, **given):
    """The loss of large logits is off by as much as their rounding to 16 bits.

    torch stores the logits in the dtype of the input before it takes the cross-entropy of them.
    """
    return cross_entropy_of(stored_logits(linear_weight, input, linear_bias), target, **given)


@deviation(
    "LinearCrossEntropyLoss", of="gradient", quantities=LINEAR, **STORED,
    witness={"input": [[-64.0, 1.0]], "linear_weight": [[32.0, 0.0], [31.984375, 1.75]], "target": [0]},
)  # fmt: skip
def gradient_logits_stored(cotangent, input, target, **given):
    """The gradient for large logits is off by as much as their rounding to 16 bits changes the probabilities.

    torch stores the logits in the dtype of the input before it takes the cross-entropy of them.
    """
    return pull_linear(pull_cross_entropy, cotangent, input, target, **given)


@deviation(
    "LinearCrossEntropyLoss", of="value", name="tail-lost", share=0.9, **TAIL,
    condition="a loss is small compared with one",
    witness={"input": [[20.0]], "linear_weight": [[1.0], [0.0]], "target": [0]},
)  # fmt: skip
def linear_tail_lost(input, target, *, linear_weight, linear_bias, weight, ignore_index, label_smoothing):
    """The loss of a confident and right prediction is lost: its relative accuracy, then all of it.

    torch takes the logarithm of the sum of all exponentials, the largest of which is 1, where log1p of the sum of
    the others would keep them.  In 16 bits, the logits, the sum and its logarithm are stored too.
    """
    logits = stored_logits(linear_weight, input, linear_bias)
    return terms(logits, target, weight, ignore_index, label_smoothing)


@deviation(
    "LinearCrossEntropyLoss", of="gradient", name="gradient-tail-lost", quantities=LINEAR, share=0.9, **TAIL,
    condition="the probability of a class is close to its share of the target, or its loss small",
    witness={"input": [[20.0]], "linear_weight": [[1.0], [0.0]], "target": [0]},
)  # fmt: skip
def linear_gradient_tail_lost(cotangent, input, target, **given):
    """The gradient of a confident and right prediction is lost: its relative accuracy, then all of it.

    torch takes the target's share from the probability, exp(log_softmax), and both are close to 1; the probability
    has the error of the stored log-softmax.  The gradients of probabilities and weights are the lost losses.
    """
    return pull_linear(pull_terms, cotangent, input, target, **given)
