"""Where torch.nn departs from the losses on the difference between a prediction and a target."""

import numpy as np

from conformance.case import gradients
from conformance.deviations.deviation import EVERY, HALF, SINGLE, deviation, stored_terms
from reference.arithmetic.formats import FORMATS
from reference.arithmetic.plain import plain
from reference.contract import COMPLEX_DTYPES
from reference.in_numpy.regression import modulus

BOTH = ("grad_input", "grad_target")
FLOAT16 = FORMATS["float16"]

stored_terms("L1Loss", witness={"input": [40000.0, 0.0], "target": [-40000.0, 0.0]}, share=0.1)
stored_terms("MSELoss", witness={"input": [300.0, 0.0], "target": [0.0, 0.0]}, share=0.2)
stored_terms("SmoothL1Loss", witness={"input": [40000.0, 0.0], "target": [-40000.0, 0.0]}, share=0.1)
stored_terms("HuberLoss", witness={"input": [1024.0, 0.0], "target": [0.0, 0.0], "delta": 100.0}, share=0.2)


@deviation(
    "L1Loss", of="gradient", quantities=BOTH, dtypes=COMPLEX_DTYPES, severity="nan", share=0.15,
    condition="the modulus of a complex difference is below the reciprocal of the largest number",
    witness={"input": [[2.0**-140, 2.0**-141]], "target": [[0.0, 0.0]]},
)  # fmt: skip
def reciprocal_modulus(cotangent, input, target):
    """The gradient of two complex numbers that nearly agree is NaN.

    Torch multiplies the difference by the reciprocal of its modulus, which is infinite where the modulus is
    the smaller half of the subnormal numbers; then it multiplies the infinite direction, as a complex
    number, by the upstream gradient with imaginary part zero, and zero times infinity is NaN.
    """
    error = input - target
    apart = np.any(plain(input) != plain(target), axis=-1, keepdims=True)
    size = np.expand_dims(modulus(np.where(apart, error, 1.0)), -1)
    direction = np.where(apart, error * (1 / size), 0.0)
    slope = np.expand_dims(cotangent, -1) * direction - 0.0 * direction[..., ::-1]
    return {"input": slope, "target": -slope}


@deviation(
    "MSELoss", of="gradient", quantities=BOTH, dtypes=EVERY, steps="storage", severity="nan", share=0.1,
    condition="twice the difference exceeds the format; an upstream gradient below one would bring it back",
    applies=lambda case: case.reduction != "mean" or case.rows == case.calls,
    witness={"input": [2.0**15], "target": [0.0], "reduction": "sum", "cotangent": 0.25},
)  # fmt: skip
def doubled_first(cotangent, input, target):
    """The gradient overflows although it is representable.

    Torch doubles the difference of input and target before it multiplies by the upstream gradient.  A mean of
    several terms is spared: there the factor is two over their number.
    """
    slope = (2 * (input - target)) * cotangent
    return {"input": slope, "target": -slope}


@deviation(
    "MSELoss", of="gradient", quantities=BOTH, dtypes=("float16",), reductions=("mean",), steps="storage",
    severity="nan", share=0.05, condition="the difference of input and target exceeds the 16-bit format",
    witness={"input": [60000.0] * 4, "target": [-60000.0] * 4, "reduction": "mean", "cotangent": 0.5},
)  # fmt: skip
def stored_difference(cotangent, input, target):
    """The gradient of a mean overflows although it is representable.

    The difference of input and target is stored in 16 bits before it is divided by the number of terms.
    """
    slope = (input - target) * (2 * cotangent)
    return {"input": slope, "target": -slope}


def shared_first(loss: str, factor: float, witness: dict) -> None:
    """Register that a difference is divided by the number of terms before the upstream gradient is applied."""

    @deviation(
        loss, of="gradients", quantities=BOTH, dtypes=HALF, reductions=("mean",), steps="storage", name="shared-first",
        severity="accuracy", share=0.05, witness=witness | {"reduction": "mean"},
        condition="the difference over the number of terms is a subnormal 16-bit number",
    )  # fmt: skip
    def instead(case, lift):
        """The gradient of a mean loses digits, in the end all of them, although it is a normal number.

        Torch multiplies the difference by the reciprocal of the number of terms, stores the product in 16 bits, and
        multiplies that by the upstream gradient: the rounding of a subnormal number becomes as much larger.
        """
        terms = case.rows // case.calls

        def pullback(cotangent, input, target, delta=np.inf):
            part = (factor / terms) * (input - target)
            slope = part * (cotangent * terms)
            slope = slope if delta == np.inf else np.where(abs(input - target) <= delta, slope, np.nan)
            return {"input": slope, "target": -slope}

        return gradients(case, lift, pullback)


shared_first("MSELoss", 2.0, {"input": [0.0, 2.0**-24, 0.0], "target": [0.0] * 3, "cotangent": 128.0})
shared_first("HuberLoss", 1.0, {"input": [0.0, 1.375 * 2.0**-21], "target": [0.0] * 2, "cotangent": 128.0})


@deviation(
    "SmoothL1Loss", of="value", dtypes=("float16",), severity="nan", share=0.1,
    condition="the squared error, or beta, overflows or underflows the 16-bit format",
    witness={"input": [400.0], "target": [0.0], "beta": 1000.0},
)  # fmt: skip
def squared_in_16_bits(input, target, *, beta):
    """The parabola overflows, or loses its digits to underflow, although the loss is representable.

    Torch squares the error in 16 bits before it divides by beta, which is rounded to 16 bits itself: a small
    error becomes a subnormal number or nought, a large one, or beta, infinity.
    """
    error = abs(input - target).rounded_to(FLOAT16)
    if beta == 0:
        return error
    squared = ((0.5 * error).rounded_to(FLOAT16) * error).rounded_to(FLOAT16)
    near = (squared / beta.rounded_to(FLOAT16)).rounded_to(FLOAT16)
    far = (error - (0.5 * beta).rounded_to(FLOAT16)).rounded_to(FLOAT16)
    return np.where(plain(error) < plain(beta), near, far)


@deviation(
    "SmoothL1Loss", of="value", dtypes=("float32", "float64", "bfloat16"), severity="nan", share=0.05,
    condition="the squared error leaves the format of intermediate results",
    witness={"input": [3e19], "target": [0.0], "beta": 1e20},
)  # fmt: skip
def squared_before_division(input, target, *, beta):
    """The parabola overflows, or loses its digits to underflow, although the loss is representable.

    Torch squares the error before it divides by beta, instead of multiplying it by the ratio of both.
    """
    error = abs(input - target)
    if beta == 0:
        return error
    return np.where(plain(error) < plain(beta), (0.5 * error * error) / beta, error - 0.5 * beta)


@deviation(
    "SmoothL1Loss", of="gradient", quantities=BOTH, dtypes=SINGLE, severity="accuracy", share=0.15,
    condition="beta is small, and the difference of input and target nearly so small that it is subnormal",
    witness={"input": [2.0**-140], "target": [0.0], "beta": 2.0**-20, "cotangent": 0.3},
)  # fmt: skip
def scaled_before_division(cotangent, input, target, *, beta):
    """The slope of the parabola loses digits, although it is a normal number.

    Torch multiplies the difference by the upstream gradient before it divides by beta: the product of a tiny
    difference is subnormal, and the division by a small beta makes its rounding error large.
    """
    error = input - target
    slope = np.sign(error) * cotangent
    if beta != 0:
        slope = np.where(abs(error) < beta, (error * cotangent) / beta, slope)
    return {"input": slope, "target": -slope}
