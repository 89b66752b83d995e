"""Where torch.nn departs from its contracts once torch.compile has compiled it, in numbers and shapes."""

from itertools import combinations

import numpy as np

from conformance.case import Case, gradients
from conformance.deviations.binary import weighted
from conformance.deviations.deviation import HALF, deviation
from conformance.deviations.distance import opposite
from conformance.deviations.kernels import scalar, sigmoid
from conformance.deviations.norms import difference, norm, terms
from reference.arithmetic.plain import plain
from reference.in_numpy._softmax import indicator
from reference.in_numpy.classification import multi_margin_loss
from reference.in_numpy.distance import triplet_margin_loss
from reference.in_numpy.likelihood import binary_cross_entropy

MODES = ("compile",)
DTYPES = ("float32", "float64", "float16", "bfloat16")
#: The same, with the one first in which only compile mode departs.
WIDE_FIRST = ("float64", "float32", "float16", "bfloat16")
#: The smallest denominator of BCELoss's gradient.
EPSILON = 1e-12
PADDED = {"input": [[1.0, -1.0, 0.5, 0.3, -0.2]], "target": [[0, 1, -1, -1, -1]]}


def places(input, target):
    """What inductor makes of every place of the list of labels, the empty ones included, which name class 0.

    The class of each place, shape (R, C); how far class i reaches into its margin, shape (R, C, C), of which what
    does not depend on i is stored; and where i is no label.
    """
    classes = input.shape[-1]
    listed = np.cumprod(target >= 0, axis=-1).astype(bool)
    named = np.where(listed, target, 0)
    label = np.any(indicator(named, classes) & np.expand_dims(listed, -1), axis=-2)
    lead = terms(1 - np.take_along_axis(input, named, axis=-1))
    gap = np.expand_dims(lead, -1) + np.expand_dims(terms(input), -2)
    return named, gap, np.broadcast_to(np.expand_dims(~label, -2), gap.shape)


def has_padding(case) -> bool:
    """Whether a list of labels ends before its row."""
    return bool(np.any(case.arguments["target"] < 0))


@deviation(
    "MultiLabelMarginLoss", of="value", dtypes=DTYPES, severity="wrong", share=1.0, modes=MODES, witness=PADDED,
    steps="storage",
    upstream="pytorch/pytorch#185464", condition="a list of labels is padded with -1", applies=has_padding,
)  # fmt: skip
def compiled_padding_counts(input, target):
    """The places after the last label count as labels of class 0 when the loss is compiled.

    The decomposition that torch.compile takes in place of the kernel gathers the score of class 0 for every -1, and
    masks classes that are labels but not the places that hold none.
    """
    _, gap, other = places(input, target)
    reach = np.where(other, np.maximum(gap, 0.0), 0.0) / input.shape[-1]
    return np.sum(np.sum(reach, axis=-1), axis=-1)


@deviation(
    "MultiLabelMarginLoss", of="gradients", dtypes=DTYPES, severity="wrong", share=1.0, modes=MODES, witness=PADDED,
    steps="storage",
    upstream="pytorch/pytorch#185464", condition="a list of labels is padded with -1", applies=has_padding,
    quantities=("grad_input",),
)  # fmt: skip
def gradient_of_compiled_padding(case, lift):
    """The gradient counts the places after the last label as labels of class 0 when the loss is compiled.

    It is that of the value, in which they count; what the places of one class add up to is accumulated in the dtype.
    """

    def pullback(cotangent, input, target):
        named, gap, other = places(input, target)
        active = np.where(other, np.where(gap > 0, 1.0, 0.0), 0.0)
        each = np.expand_dims(terms(cotangent) / input.shape[-1], -1)
        pulled = scattered(-each * np.sum(active, axis=-1), named, case.format)
        return {"input": each * np.sum(active, axis=-2) + pulled}

    return gradients(case, lift, pullback)


def scattered(numbers, index, format):
    """What every class gets of the numbers, (R, C), added one by one and stored each time."""
    total = numbers * 0.0
    for place in range(index.shape[-1]):
        hit = indicator(index[:, place], index.shape[-1])
        total = np.where(hit, (total + numbers[:, place : place + 1]).rounded_to(format), total)
    return total


@deviation(
    "MultiLabelMarginLoss", of="behaviour", dtypes=DTYPES, severity="convention", share=1.0, modes=MODES,
    quantities=("value",), reductions=("none",), upstream="pytorch/pytorch#141017",
    condition="the input has one dimension, and nothing is reduced",
    says="value has shape (1,), the contract says ()", witness={"input": [1.0, 0.5], "target": [0, 1]},
)  # fmt: skip
def compiled_shape():
    """The loss of an input without a batch has one dimension when it is compiled, where a number is documented.

    The decomposition adds a batch of one to the input, and does not take it off the result.
    """


@deviation(
    "BCELoss", of="gradient", quantities=("grad_input",), dtypes=WIDE_FIRST, severity="wrong", share=0.7, modes=MODES,
    upstream="pytorch/pytorch#103316", condition="input (1 - input) < 1e-12",
    witness={"input": [0.0], "target": [1.0]},
)  # fmt: skip
def compiled_floor(cotangent, input, target, *, weight):
    """The gradient is that of neither the loss nor the clamped loss where the input is close to 0 or 1.

    The decomposition divides by max(input (1 - input), 1e-12), as the kernel does, but in float32 also for 16-bit
    inputs, where the kernel's floor is 0, and with the float64 number, where the kernel's is rounded to float32.
    """
    spread = np.maximum((1.0 - input) * input, scalar(EPSILON, input))
    right = binary_cross_entropy.pullback(cotangent, input, target, weight=weight)["input"]
    slope = weighted(weight, cotangent * (input - target) / spread)
    return {"input": np.where(plain(input) * (1 - plain(input)) < 2 * EPSILON, slope, right)}


@deviation(
    "SoftMarginLoss", of="gradient", quantities=("grad_input",), dtypes=WIDE_FIRST,
    severity="accuracy", share=0.75, modes=MODES, condition="the score is on the right side",
    witness={"input": [30.0], "target": [1.0]},
)  # fmt: skip
def compiled_slope_cancels(cotangent, input, target):
    """The gradient loses its relative accuracy where the score is on the right side, once it is compiled.

    The decomposition takes 1 from the sigmoid of target input, which is close to 1 there; at 40 (float64) or 17
    (float32) nothing is left.  The kernel divides exponentials.
    """
    return {"input": (target * cotangent) * (sigmoid(target * input) - 1.0)}


@deviation(
    "MultiMarginLoss", of="gradient", quantities=("grad_input", "grad_weight"), dtypes=HALF, steps="storage",
    severity="accuracy", share=0.7, modes=MODES, condition="the gap of two scores plus the margin cancels in 16 bits",
    witness={"input": [[0.0, 1.0, 1.0]], "target": [2], "margin": 0.001, "p": 2},
)  # fmt: skip
def compiled_gaps(cotangent, **given):
    """The gradient loses digits, in the end all of them, where the margin and the gap of two scores nearly cancel.

    The eager kernel has no 16-bit dtypes.  The decomposition stores the margin less the score of the target, and what
    another score exceeds that by, in 16 bits.
    """
    return multi_margin_loss.pullback(cotangent, **given)


def has_powers(case) -> bool:
    """Whether the gradient of a distance divides by a power of it."""
    return case.parameters["p"] not in (1, "inf", np.inf)


@deviation(
    "PairwiseDistance", of="gradients", quantities=("grad_x1", "grad_x2"), dtypes=HALF, severity="nan", share=0.3,
    modes=MODES, condition="the distance, or for other p than 2 a power of an element, leaves the 16-bit format",
    applies=has_powers, witness={"x1": [1e-4, 1e-4], "x2": [0.0, 0.0], "p": 3.0},
)  # fmt: skip
def compiled_powers(case, lift):
    """The gradient is infinite or nought where the distance, or a power of a difference, leaves the 16-bit format.

    The distance and x |x|^(p-2) are computed in float32 but passed from the forward to the backward graph in 16 bits,
    which then divides them.
    """

    def pullback(cotangent, x1, x2, *, p, eps):
        x = difference(x1, x2, eps)
        length = norm(x, p).rounded_to(case.format)
        power = x if p == 2 else (x * np.power(abs(x), p - 2)).rounded_to(case.format)
        share = np.where(plain(length) == 0, 0.0, np.expand_dims(cotangent, -1) / np.power(length, p - 1))
        return opposite(power * share)

    return gradients(case, lift, pullback)


def lost(case: Case) -> np.ndarray:
    """The rows in which the largest difference of two vectors is another number once it is stored, shape (R, 1)."""
    found = np.zeros((case.rows, 1), bool)
    for first, second in combinations(("anchor", "positive", "negative"), 2):
        apart = np.float32(case.in_rows(first)) - np.float32(case.in_rows(second)) + np.float32(case.parameters["eps"])
        largest = np.max(abs(apart), axis=-1, keepdims=True)
        found |= case.format.round(largest.astype(float)) != largest
    return found


@deviation(
    "TripletMarginLoss", of="gradients", dtypes=HALF, severity="nan", share=0.3, modes=MODES,
    quantities=("grad_anchor", "grad_positive", "grad_negative"), answers=np.isnan,
    applies=lambda case: case.parameters["p"] in ("inf", np.inf),
    condition="p is infinite, and a largest difference is no 16-bit number",
    witness={"anchor": [1.0, 1.0], "positive": [0.0, 0.0], "negative": [0.5, 0.0], "p": np.inf},
)  # fmt: skip
def compiled_largest(case, lift):
    """The gradient of the infinity norm is NaN in 16 bits.

    Its backward step divides by the number of elements that equal the norm.  The norm was stored in 16 bits, and the
    elements are computed again in float32, so that none equals it.
    """
    rows = lost(case)

    def pullback(cotangent, **given):
        found = triplet_margin_loss.pullback(cotangent, **given)
        return {k: np.where(rows, np.nan, g) for k, g in found.items()}

    return gradients(case, lift, pullback)


def mean_of_nothing(loss: str) -> None:
    """Register that the mean of an empty call does not compile where a gradient is required."""

    @deviation(
        loss, of="behaviour", dtypes=DTYPES, reductions=("mean",), severity="convention", share=1.0, modes=MODES,
        name="compiled-mean-of-nothing", quantities=("grad_input",), applies=lambda case: case.rows == 0,
        condition="the call is empty, and an argument requires a gradient",
        says="raises CompilerFailed: ZeroDivisionError: float division by zero",
        witness={"input": np.zeros(0), "target": np.zeros(0), "reduction": "mean"},
    )  # fmt: skip
    def instead():
        """The mean of an empty call, which has an empty gradient, does not compile.

        The decomposition of the backward step divides 1 by the number of terms in Python.
        """


for each in ("MSELoss", "SmoothL1Loss", "HuberLoss"):
    mean_of_nothing(each)
