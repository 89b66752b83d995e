"""Where torch.nn departs from the adaptive softmax."""

from functools import partial

import numpy as np

from conformance.case import gradients
from conformance.deviations.deviation import HALF, deviation
from conformance.deviations.flushing import lift_flushing
from conformance.deviations.softmax import (
    log_softmax,
    pull_log_softmax,
    pull_stored_affine,
    stored_affine,
    widened,
)
from reference.in_numpy._softmax import indicator, negative_log_softmax, pick, pull
from reference.in_numpy.adaptive import places

FORMATS = ("float32", "float64", "float16", "bfloat16")
LOSS = "AdaptiveLogSoftmaxWithLoss"
GRADIENTS = (
    "grad_head_weight", "grad_head_bias", "grad_input", "grad_tail_0_0_weight", "grad_tail_0_1_weight",
    "grad_tail_1_0_weight", "grad_tail_1_1_weight",
)  # fmt: skip


def tails_of(tails):
    """The two matrices of each cluster."""
    return [(tails[f"tail_{i}_0_weight"], tails[f"tail_{i}_1_weight"]) for i in (0, 1)]


def rounded_losses(logits):
    """The losses of all classes, from a rounded log-softmax."""
    return -log_softmax(logits)


def pull_rounded(logits, mass):
    """The gradient of their sum weighed by ``mass``."""
    return pull_log_softmax(-mass, log_softmax(logits))


def terms(losses_of, input, target, head_weight, head_bias, **tails):
    """The losses of the targets, where ``losses_of`` gives those of all classes from their stored logits."""
    tails = tails_of(tails)
    logits = stored_affine(head_weight, input, head_bias)
    position, inside = places(target, logits.shape[-1], [up.shape[-2] for _, up in tails])
    total = pick(losses_of(logits), position)
    for (down, up), (here, index) in zip(tails, inside, strict=True):
        losses = losses_of(stored_affine(up, stored_affine(down, input)))
        total = np.where(here, total + pick(losses, index), total)
    return total


def at(index, logits, cotangent):
    """The cotangent, (R, 1), of the class at ``index``, and nought of the others: (R, C)."""
    return np.where(indicator(index, logits.shape[-1]), cotangent, 0.0)


def pull_tail(pull_losses, cotangent, input, down, up, here, index):
    """The gradients of one cluster's part, from the rows in it alone: of projection, scores, and input."""
    hidden = stored_affine(down, input)
    scores = stored_affine(up, hidden)
    slope = pull_losses(scores, at(index, scores, cotangent))
    grad_up, grad_hidden = pull_stored_affine(slope, up, hidden)
    grad_down, grad_input = pull_stored_affine(grad_hidden, down, input)
    rows = np.expand_dims(here, -1)
    grad_down, grad_up = (np.where(np.expand_dims(rows, -1), g, 0.0) for g in (grad_down, grad_up))
    return grad_down, grad_up, np.where(rows, grad_input, 0.0)


def pull_terms(pull_losses, cotangent, input, target, head_weight, head_bias, **tails):
    """The gradients of :func:`terms`, where ``pull_losses`` gives those of the logits."""
    tails = tails_of(tails)
    logits = stored_affine(head_weight, input, head_bias)
    position, inside = places(target, logits.shape[-1], [up.shape[-2] for _, up in tails])
    cotangent = np.expand_dims(cotangent, -1)
    slope = pull_losses(logits, at(position, logits, cotangent))
    found = {"head_bias": widened(slope)}
    found["head_weight"], grad_input = pull_stored_affine(slope, head_weight, input)
    for i, ((down, up), (here, index)) in enumerate(zip(tails, inside, strict=True)):
        grad_down, grad_up, more = pull_tail(pull_losses, cotangent, input, down, up, here, index)
        found |= {f"tail_{i}_0_weight": grad_down, f"tail_{i}_1_weight": grad_up}
        grad_input = grad_input + more
    return found | {"input": grad_input}


def witness(input: float, head: float) -> dict[str, object]:
    """A case of one shortlisted target, whose logit is ``input head``; all others are nought."""
    features = [[0.0] * 4]
    return {
        "input": [[input, 0.0, 0.0, 0.0]], "target": [0],
        "head_weight": [[head, 0.0, 0.0, 0.0]] + features * 3,
        "tail_0_0_weight": features * 2, "tail_0_1_weight": [[0.0] * 2],
        "tail_1_0_weight": features, "tail_1_1_weight": [[0.0]],
        "cotangent": {"output": [0.0], "loss": 1.0},
    }  # fmt: skip


def rounded_logits() -> dict[str, object]:
    """A case of two logits, -2048 and -2045.25, the second of which float16 rounds, and of two at nought."""
    case = witness(-64.0, 32.0)
    case["input"] = [[-64.0, 1.0, 0.0, 0.0]]
    case["head_weight"][1] = [31.984375, 1.75, 0.0, 0.0]
    case["head_weight"][2:] = [[40.0, 0.0, 0.0, 0.0]] * 2
    return case


def tiny_inputs() -> dict[str, object]:
    """A case of subnormal inputs and weights that are nought."""
    return {
        "input": np.full((64, 32), 2.0**-128), "target": np.zeros(64, int), "head_weight": np.zeros((4, 32)),
        "tail_0_0_weight": np.zeros((16, 32)), "tail_0_1_weight": np.zeros((1, 16)),
        "tail_1_0_weight": np.zeros((8, 32)), "tail_1_1_weight": np.zeros((1, 8)),
        "cotangent": {"output": np.full(64, 1024.0), "loss": 0.0},
    }  # fmt: skip


def not_finite(answer: np.ndarray) -> np.ndarray:
    """Whether an answer is infinite or NaN."""
    return ~np.isfinite(answer)


OVERFLOW = {
    "dtypes": ("float16", "bfloat16", "float32", "float64"), "steps": "storage", "severity": "nan",
    "share": 0.9, "answers": not_finite, "condition": "a projection, a logit, or a loss exceeds the format",
}  # fmt: skip
STORED = {
    "dtypes": HALF, "steps": "storage", "severity": "accuracy", "share": 0.3, "answers": np.isfinite,
    "condition": "a logit is so large that its rounding to 16 bits changes the probabilities by a factor",
}  # fmt: skip
TAIL = {
    "dtypes": ("float32", "float64", "float16", "bfloat16"), "steps": "storage", "severity": "accuracy",
    "answers": np.isfinite, "upstream": "pytorch/pytorch#113708",
}  # fmt: skip
VALUES = ("output", "loss")


@deviation(LOSS, of="value", quantities=VALUES, witness=witness(300.0, 300.0), **OVERFLOW)
def steps_overflow(input, target, **given):
    """The loss is infinite or NaN where logits overflow, although it is representable.

    torch stores projections and logits in the dtype of the input; one infinite logit less the largest,
    infinite too, is NaN.
    """
    return terms(rounded_losses, input, target, **given)


@deviation(LOSS, of="gradient", quantities=GRADIENTS, witness=witness(300.0, 300.0), **OVERFLOW)
def gradient_steps_overflow(cotangent, input, target, **given):
    """The gradient is NaN where logits overflow, although it is representable.

    torch stores projections and logits in the dtype of the input; one infinite logit less the largest,
    infinite too, is NaN.
    """
    return pull_terms(pull_rounded, cotangent, input, target, **given)


@deviation(LOSS, of="value", quantities=VALUES, witness=rounded_logits(), **STORED)
def logits_stored(input, target, **given):
    """The loss of large logits is off by as much as their rounding to 16 bits.

    torch stores projections and logits in the dtype of the input before it takes the log-softmax of them.
    """
    return terms(negative_log_softmax, input, target, **given)


@deviation(LOSS, of="gradient", quantities=GRADIENTS, witness=rounded_logits(), **STORED)
def gradient_logits_stored(cotangent, input, target, **given):
    """The gradient for large logits is off by as much as their rounding to 16 bits changes the probabilities.

    torch stores projections and logits in the dtype of the input before it takes the log-softmax of them.
    """
    return pull_terms(pull, cotangent, input, target, **given)


@deviation(
    LOSS, of="gradients", quantities=GRADIENTS, share=0.1, dtypes=("bfloat16",), severity="accuracy",
    condition="a product of matrices has operands or results below 2**-126, and more than 4096 products",
    answers=np.isfinite, witness=tiny_inputs(),
)  # fmt: skip
def gradient_flushed(case, lift):
    """Tiny contributions to the gradients of a matrix product are replaced by zero.

    Larger products of bfloat16 matrices are left to instructions (AVX512-BF16) that take subnormal operands
    for zero, and return zero for subnormal results, although those of the dtype itself are kept.
    """
    pull_stored = partial(pull_terms, pull_rounded)
    return gradients(case, lift_flushing(case), pullback=pull_stored)


@deviation(
    LOSS, of="value", quantities=VALUES, share=0.1, witness=witness(20.0, 1.0), **TAIL,
    condition="a loss is small compared with one",
)  # fmt: skip
def tail_lost(input, target, **given):
    """The loss of a confident and right prediction is lost: its relative accuracy, then all of it.

    torch takes the logarithm of the sum of all exponentials, the largest of which is 1, where log1p of the
    sum of the others would keep them.  In 16 bits, the sum and its logarithm are stored too.
    """
    return terms(rounded_losses, input, target, **given)


@deviation(
    LOSS, of="gradient", quantities=GRADIENTS, share=0.15, witness=witness(20.0, 1.0), **TAIL,
    condition="the probability of the target is close to 1",
)  # fmt: skip
def gradient_tail_lost(cotangent, input, target, **given):
    """The gradient of a confident and right prediction is lost: its relative accuracy, then all of it.

    torch takes the upstream gradient from the probability, exp(log_softmax), times it, and both are close to
    each other; the probability has the error of the stored log-softmax.
    """
    return pull_terms(pull_rounded, cotangent, input, target, **given)
