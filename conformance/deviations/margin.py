"""Where torch.nn departs from the losses that ask for a margin, hard or soft."""

import numpy as np

from conformance.deviations.deviation import EVERY, deviation, stored_terms
from reference.arithmetic.plain import plain

stored_terms(
    "HingeEmbeddingLoss",
    witness={"input": [-60000.0, 0.0], "target": [-1.0, -1.0], "margin": 10000.0},
    share=0.1,
)
stored_terms(
    "MarginRankingLoss",
    witness={"input1": [40000.0, 0.0], "input2": [-40000.0, 0.0], "target": [-1.0, -1.0]},
    share=0.1,
)


def signed(input, target):
    """``-input`` where the target is 1, and ``input`` where it is -1."""
    return np.where(plain(target) > 0, -input, input)


@deviation(
    "SoftMarginLoss", of="value", dtypes=EVERY, steps="storage", severity="nan", share=0.75,
    condition="exp(-target input) exceeds the format",
    witness={"input": [-12.0], "target": [1.0]},
)  # fmt: skip
def exp_overflows(input, target):
    """The loss of a score on the wrong side is infinite where an exponential overflows.

    Torch computes log1p(exp(-target input)), whose exponential overflows at scores of -11.1 (float16), -88.8
    (bfloat16, float32) or -709.8 (float64), where the loss is nearly the score.
    """
    return np.log1p(np.exp(signed(input, target)))


@deviation(
    "SoftMarginLoss", of="gradient", quantities=("grad_input",), dtypes=EVERY, steps="storage",
    severity="nan", share=0.5, condition="exp(-target input) exceeds the format",
    witness={"input": [-12.0], "target": [1.0]},
)  # fmt: skip
def gradient_of_overflowing_exp(cotangent, input, target):
    """The gradient for a score on the wrong side is NaN where the loss overflows.

    Torch divides exp(-target input) by one plus itself: infinity by infinity, where the quotient is nearly 1.
    """
    power = np.exp(signed(input, target))
    return {"input": signed(power * cotangent, target) / (power + 1)}


@deviation(
    "HingeEmbeddingLoss", of="value", dtypes=("float16",), steps="storage", severity="nan", share=0.05,
    condition="the margin exceeds the 16-bit format",
    witness={"input": [60000.0], "target": [-1.0], "margin": 1e5},
)  # fmt: skip
def margin_overflows(input, target, *, margin):
    """The lack of a margin beyond the format is infinite, although it is representable.

    The margin, a Python number, is rounded to the dtype of the input before the input is taken from it.
    """
    return np.where(plain(target) > 0, input, np.maximum(margin - input, 0.0))


@deviation(
    "MarginRankingLoss", of="value", dtypes=("float16",), steps="storage", severity="nan", share=0.05,
    condition="the difference of the inputs, or the margin, exceeds the 16-bit format",
    witness={"input1": [60000.0], "input2": [-60000.0], "target": [-1.0], "margin": -70000.0},
)  # fmt: skip
def lead_overflows(input1, input2, target, *, margin):
    """The loss is infinite or NaN, although it is representable.

    The difference of the inputs and the margin are rounded to 16 bits before they are added.
    """
    return np.maximum(signed(input1 - input2, target) + margin, 0.0)
