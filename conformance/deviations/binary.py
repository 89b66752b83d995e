"""Where BCELoss and BCEWithLogitsLoss of torch.nn depart from their contracts."""

import numpy as np

from conformance.deviations.deviation import EVERY, deviation, stored_terms
from conformance.deviations.kernels import log_sigmoid, scalar, sigmoid
from reference import Contract
from reference.arithmetic.plain import plain
from reference.in_numpy.likelihood import (
    FLOOR_AT,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    weighted,
)

#: The smallest denominator of BCELoss's gradient: a float32 constant, whatever the dtype.
EPSILON = float(np.float32(1e-12))
#: The dtypes, with the one first in which a witness shows a cancellation that 16 bits would excuse.
SINGLE_FIRST = ("float32", "float64", "float16", "bfloat16")

stored_terms(
    "BCELoss",
    witness={"input": [0.1, 0.5], "target": [1.0, 1.0], "weight": [40000.0, 0.0]},
)
stored_terms(
    "BCEWithLogitsLoss",
    witness={"input": [4.0, 0.0], "target": [0.0, 0.0], "weight": [20000.0, 0.0]},
)


def weighted_last(contract: Contract, witness: dict, **rest) -> None:
    """Register that a product leaves the format before the weight, or the mean, brings it back."""

    @deviation(
        contract.loss, of="gradient", name="weighted-last", steps="storage", divides_last=True,
        severity="wrong", witness=witness, dtypes=EVERY, **rest,
        condition="the slope times the upstream gradient, or that times the weight, leaves the format",
    )  # fmt: skip
    def instead(cotangent, *, weight, **given):
        """The gradient is infinite, NaN or inaccurate although it is representable.

        torch multiplies the upstream gradient by the slope, the product by the weight, and divides a mean by
        the number of terms last.  What overflows or underflows before the last step does not come back.
        """
        slopes = contract.pullback(cotangent, **given, weight=None)
        return {k: weighted(weight, slope) for k, slope in slopes.items()}


weighted_last(
    binary_cross_entropy, quantities=("grad_input", "grad_target"), share=0.2,
    witness={"input": [2.0**-16, 0.5], "target": [1.0, 0.5], "reduction": "mean"},
)  # fmt: skip
weighted_last(
    binary_cross_entropy_with_logits, quantities=("grad_target", "grad_input"), share=0.2,
    witness={"input": [40000.0, 0.0], "target": [0.5, 0.5], "reduction": "mean", "cotangent": 2.0},
)  # fmt: skip


def slope_over_spread(cotangent, input, target, weight, floor: bool = True):
    """``(p - t) / max(p (1 - p), 1e-12)`` where the floor has a say, the contract's gradient elsewhere.

    Without ``floor`` the larger of the two is the first, also where it is the nought of negative sign.
    """
    spread = (1.0 - input) * input
    spread = np.maximum(spread, scalar(EPSILON, input)) if floor else spread
    slope = weighted(weight, cotangent * (input - target) / spread)
    right = binary_cross_entropy.pullback(cotangent, input, target, weight=weight)["input"]
    return {"input": np.where(plain(input) * (1 - plain(input)) < 2 * EPSILON, slope, right)}


@deviation(
    "BCELoss", of="gradient", quantities=("grad_input",), dtypes=("float32", "float64", "bfloat16"),
    steps="storage", divides_last=True, severity="wrong", share=0.7, upstream="pytorch/pytorch#103316",
    condition="input (1 - input) < 1e-12", witness={"input": [0.0], "target": [0.0]},
)  # fmt: skip
def gradient_floor(cotangent, input, target, *, weight):
    """The gradient is that of neither the loss nor the clamped loss where the input is close to 0 or 1.

    torch divides by max(input (1 - input), 1e-12).  At input = target = 0, where the slope is 1, that gives
    0; at input = 1e-13 a tenth of the slope; and where the logarithm is clamped at -100, so that the value
    does not depend on the input, up to 1e12 instead of 0.
    """
    return slope_over_spread(cotangent, input, target, weight)


@deviation(
    "BCELoss", of="gradient", quantities=("grad_input",), dtypes=("float16",),
    steps="storage", divides_last=True, severity="nan", share=0.6, condition="the input is 0 or 1",
    witness={"input": [0.0], "target": [0.0]},
)  # fmt: skip
def gradient_without_floor(cotangent, input, target, *, weight):
    """The gradient is NaN or infinite where the input is 0 or 1.

    torch divides by max(input (1 - input), 1e-12), but 1e-12 is 0 in float16: 0 / 0 where the input is the
    target, and an infinite gradient of a value that is clamped at 100 where it is not.
    """
    return slope_over_spread(cotangent, input, target, weight, floor=False)


@deviation(
    "BCELoss", of="gradient", quantities=("grad_target",), steps="storage", divides_last=True,
    severity="nan", share=0.6, condition="the input is 0 or 1, or below exp(-100)",
    witness={"input": [0.0], "target": [0.5]},
)  # fmt: skip
def target_gradient_unclamped(cotangent, input, target, *, weight):
    """The gradient of the target is infinite where the value is finite.

    The value counts no logarithm below -100, so that its slope in the target is 100 at most.  torch's
    gradient is -logit(input) without that clamp: infinite where the input is 0 or 1, and NaN if the weight
    is 0.
    """
    logit = np.log(input) - np.log1p(-input)
    right = binary_cross_entropy.pullback(cotangent, input, target, weight=weight)["target"]
    clamped = (plain(input) < FLOOR_AT) | (plain(input) == 1)
    return {"target": np.where(clamped, weighted(weight, -logit * cotangent), right)}


def has_pos_weight(case) -> bool:
    """Whether positive examples are weighted."""
    return case.arguments["pos_weight"] is not None


def log_odds_terms(input, target, log_weight):
    """``(1 - t) x - log_sigmoid(x) log_weight``, as aten::binary_cross_entropy_with_logits evaluates it."""
    log_odds = log_sigmoid(input)
    return (1.0 - target) * input - (log_odds if log_weight is None else log_odds * log_weight)


@deviation(
    "BCEWithLogitsLoss", of="value", steps="storage", severity="accuracy", share=0.2, dtypes=SINGLE_FIRST,
    condition="the input is negative and the target small", upstream="pytorch/pytorch#195529",
    witness={"input": [-40.0], "target": [0.0]},
)  # fmt: skip
def tail_cancels(input, target, *, weight=None, pos_weight=None):
    """The loss of a confident and right no loses its relative accuracy, in the end all of it.

    torch subtracts log_sigmoid(input) from (1 - target) input.  For negative inputs and small targets both
    are close to the input, and what is left has an error of the size of one rounding of the input: at
    input = -40, target = 0 the value is 0.
    """
    weights = None if pos_weight is None else pos_weight * target + (1.0 - target)
    return weighted(weight, log_odds_terms(input, target, weights))


@deviation(
    "BCEWithLogitsLoss", of="value", steps="storage", severity="accuracy", share=0.25, dtypes=SINGLE_FIRST,
    condition="pos_weight and 1 - target are small", applies=has_pos_weight,
    witness={"input": [-3.0], "target": [1.0], "pos_weight": [1e-9]},
)  # fmt: skip
def pos_weight_cancels(input, target, *, weight=None, pos_weight=None):
    """A small pos_weight is lost.

    torch multiplies the logarithm by (pos_weight - 1) target + 1, which has the error of one rounding of 1:
    with pos_weight = 1e-9 and target = 1 the value is 0 in float32.
    """
    return weighted(weight, log_odds_terms(input, target, (pos_weight - 1.0) * target + 1.0))


@deviation(
    "BCEWithLogitsLoss", of="gradient", quantities=("grad_input",), steps="storage", dtypes=SINGLE_FIRST,
    severity="accuracy", share=0.25, condition="the input is positive and the target close to 1", divides_last=True,
    upstream="pytorch/pytorch#195677", witness={"input": [40.0], "target": [1.0]},
)  # fmt: skip
def gradient_tail_cancels(cotangent, input, target, *, weight, pos_weight):
    """The gradient of a confident and right yes loses its relative accuracy, in the end all of it.

    torch subtracts the target from sigmoid(input).  Where both are close to 1 what is left has an error of
    the size of one rounding of 1: at input = 40, target = 1 the gradient is 0.
    """
    if pos_weight is None:
        slope = sigmoid(input) - target
    else:
        yes = pos_weight * target
        slope = (yes + (1.0 - target)) * sigmoid(input) - yes
    return {"input": weighted(weight, slope * cotangent)}


@deviation(
    "BCEWithLogitsLoss", of="gradient", quantities=("grad_input",), steps="storage", dtypes=SINGLE_FIRST,
    severity="accuracy", share=0.3, condition="pos_weight and 1 - target are small",
    applies=has_pos_weight, divides_last=True,
    witness={"input": [-3.0], "target": [1.0], "pos_weight": [1e-9]},
)  # fmt: skip
def gradient_pos_weight_cancels(cotangent, input, target, *, weight, pos_weight):
    """A small pos_weight is lost in the gradient.

    torch multiplies the sigmoid by pos_weight target + 1 - target, from left to right, which has the error of
    one rounding of 1.
    """
    yes = pos_weight * target
    slope = ((yes + 1.0) - target) * sigmoid(input) - yes
    return {"input": weighted(weight, slope * cotangent)}


@deviation(
    "BCEWithLogitsLoss", of="gradient", quantities=("grad_target",), steps="storage", dtypes=SINGLE_FIRST,
    severity="accuracy", share=0.15, condition="pos_weight is close to 1 and the input to 0",
    applies=has_pos_weight,
    witness={"input": [1e-3], "target": [0.5], "pos_weight": [1.0]},
)  # fmt: skip
def target_gradient_cancels(cotangent, input, target, *, weight, pos_weight):
    """The gradient of the target loses its relative accuracy with a pos_weight.

    torch evaluates log_sigmoid(-input) - pos_weight log_sigmoid(input), whose terms are close to each other
    where the input is close to 0 and pos_weight to 1.
    """
    slope = log_sigmoid(-input) - log_sigmoid(input) * pos_weight
    return {"target": weighted(weight, slope * cotangent)}
