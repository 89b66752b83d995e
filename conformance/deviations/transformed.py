"""Where torch.nn departs from its contracts in other modes than eager: what it decomposes, and what it casts."""

import numpy as np

from conformance.case import given
from conformance.deviations.binary import slope_over_spread
from conformance.deviations.cosine_embedding import eps_in_the_squares_gradient
from conformance.deviations.cross_entropy import not_finite
from conformance.deviations.deviation import HALF, deviation
from conformance.deviations.softmax import log_softmax, logits_of, pull_log_softmax, pull_map, slopes, upstream
from reference.arithmetic.plain import plain
from reference.in_numpy._softmax import indicator, kept
from reference.in_numpy.likelihood import weighted

VMAP = {"modes": ("vmap",), "steps": "storage"}


def decomposed(input, target, pos_weight):
    """What vmap evaluates of BCEWithLogitsLoss: the logarithm's weight, two exponentials, their sum, the shift."""
    shift = np.maximum(-input, 0.0)
    one, other = np.exp(-shift), np.exp(-input - shift)
    log_weight = None if pos_weight is None else (pos_weight - 1.0) * target + 1.0
    return log_weight, one, other, one + other, shift


def log_term(input, target, pos_weight):
    """The logarithm, and its weight."""
    log_weight, _, _, total, shift = decomposed(input, target, pos_weight)
    return log_weight, np.log(total) + shift


@deviation(
    "BCEWithLogitsLoss", of="value", severity="accuracy", share=0.6, steps="storage", modes=("vmap", "jvp"),
    condition="the input is larger than about 1", witness={"input": [8.0], "target": [1.0]},
    dtypes=("float32", "float64", *HALF),
)  # fmt: skip
def batched_log_of_sum(input, target, *, weight=None, pos_weight=None):
    """Under vmap and jvp the loss of a confident and right answer loses its relative accuracy, in the end all of it.

    In eager mode torch evaluates log_sigmoid(input).  What torch.func transforms is an older formula: with a shift
    m = max(-input, 0), log(exp(-m) + exp(-input - m)) + m, where the sum of both exponentials is close to 1.  At
    input = 40, target = 1 the loss is 0.
    """
    log_weight, log = log_term(input, target, pos_weight)
    return weighted(weight, (1.0 - target) * input + (log if log_weight is None else log * log_weight))


@deviation(
    "BCEWithLogitsLoss", of="gradient", severity="accuracy", share=0.8,
    quantities=("grad_weight", "grad_input", "grad_target", "grad_pos_weight"), dtypes=("float32", "float64", *HALF),
    condition="the input is larger than about 1, or a pos_weight small",
    witness={"input": [8.0], "target": [1.0], "weight": [1.0]}, **VMAP,
)  # fmt: skip
def batched_gradient(cotangent, input, target, *, weight, pos_weight):
    """Under vmap the gradients are those of another formula, step by step.

    What vmap evaluates, log(exp(-m) + exp(-input - m)) + m with m = max(-input, 0), is differentiated operation by
    operation; the parts of the shift cancel.  So a small gradient has the error of one rounding of 1.
    """
    log_weight, one, other, total, shift = decomposed(input, target, pos_weight)
    up = weighted(weight, cotangent)
    into_log = up if log_weight is None else up * log_weight
    into_sum = into_log / total
    by_other, by_one = into_sum * other, into_sum * one
    by_shift = into_log - by_other - by_one
    slope = up * (1.0 - target) - by_other - np.where(plain(input) <= 0, by_shift, 0.0)
    log = np.log(total) + shift
    along = up * log
    found = {"input": slope, "target": -(up * input)}
    if pos_weight is not None:
        found |= {"target": along * (pos_weight - 1.0) - up * input, "pos_weight": along * target}
    if weight is not None:
        found["weight"] = cotangent * ((1.0 - target) * input + (log if log_weight is None else log * log_weight))
    return found


def has_weighted_classes(case) -> bool:
    """Whether targets are classes that are weighted."""
    return case.arguments["weight"] is not None and case.arguments["target"].dtype != float


def weighted_mean_overflows(loss: str, witness: dict, quantities: tuple[str, ...]) -> None:
    """Register that the gradient of a weighted mean overflows under vmap."""

    @deviation(
        loss, of="gradients", name="batched-weighted-mean", quantities=quantities, dtypes=(*HALF, "float32", "float64"),
        reductions=("mean",), severity="nan", share=0.3, answers=not_finite, applies=has_weighted_classes, **VMAP,
        condition="the weights of all targets are nought, or the upstream gradient over their sum exceeds the format",
        witness={"target": [1], "weight": [0.0, 2.0**-21, 0.0], "reduction": "mean"} | witness,
    )  # fmt: skip
    def instead(case, lift):
        """Under vmap the gradient of a weighted mean is infinite or NaN although it is representable.

        The upstream gradient divided by the sum of the weights is stored in the dtype of the input, multiplied by the
        weights of all classes, and then by nought where the class is not the target.  So it is NaN also of classes
        that no target names, where the weights of all targets are nought.  In eager mode one kernel does it all.
        """
        arguments = {"label_smoothing": lift(0.0)} | given(case, lift)
        each = np.expand_dims(upstream(case, lift, arguments), -1) * arguments["weight"]
        if loss == "NLLLoss":
            live, index = kept(arguments["target"], arguments["ignore_index"])
            hot = indicator(index, case.sizes["c"][0]) & np.expand_dims(live, -1)
            return {"grad_input": case.from_rows("input", each * np.where(hot, -1.0, 0.0))}
        slope = np.where(np.isfinite(plain(each)), slopes(case, lift, arguments), np.nan)
        found = pull_map(pull_log_softmax(slope, log_softmax(logits_of(**arguments)[0])), **arguments)
        return {f"grad_{k}": case.from_rows(k, g) for k, g in found.items() if arguments[k] is not None}


weighted_mean_overflows("CrossEntropyLoss", {"input": [[0.0, 0.0, 0.0]]}, ("grad_input",))
weighted_mean_overflows("NLLLoss", {"input": [[-1.0, -1.0]], "target": [0], "weight": [2.0**-21, 0.0]}, ("grad_input",))
weighted_mean_overflows(
    "LinearCrossEntropyLoss", {"input": [[1.0]], "linear_weight": [[0.0], [0.0], [0.0]]},
    ("grad_linear_weight", "grad_linear_bias", "grad_input"),
)  # fmt: skip


@deviation(
    "BCELoss", of="gradient", quantities=("grad_input",), dtypes=("float16",), steps="working", modes=("autocast",),
    severity="wrong", share=0.7, condition="input (1 - input) < 1e-12", upstream="pytorch/pytorch#103316",
    witness={"input": [0.0], "target": [0.0]},
)  # fmt: skip
def autocast_gradient_floor(cotangent, input, target, *, weight):
    """Under autocast the gradient is 0 where the input is the target, 0 or 1, and the slope is 1.

    The loss is computed in float32, whose gradient torch divides by max(input (1 - input), 1e-12), as it does with
    float32 inputs in eager mode.
    """
    return slope_over_spread(cotangent, input, target, weight)


@deviation(
    "CosineEmbeddingLoss", of="gradient", quantities=("grad_input1", "grad_input2"), dtypes=("float16",),
    modes=("autocast",), severity="wrong", share=0.8, condition="the norm of a vector is below 0.01",
    witness={"input1": [2.0**-20, 0.0], "input2": [2.0**-20, 0.0], "target": 1.0},
)  # fmt: skip
def autocast_eps_in_the_squares_gradient(cotangent, input1, input2, target, *, margin):
    """Under autocast the gradient is that of the cosine of longer vectors: the square of each norm has 1e-12 added.

    The loss is computed in float32, where 1e-12 is a number, as it is with float32 inputs in eager mode.
    """
    return eps_in_the_squares_gradient(cotangent, input1, input2, target, margin=margin)


def dtypes_of_copy_differ(dtype: str, name: str) -> None:
    """Register that AdaptiveLogSoftmaxWithLoss cannot be called under autocast."""

    @deviation(
        "AdaptiveLogSoftmaxWithLoss", of="behaviour", name=f"autocast-raises-{dtype}", quantities=("output",),
        dtypes=(dtype,), modes=("autocast",), severity="wrong", share=1.0,
        condition="a target is in a cluster; in bfloat16 the dtypes are the same, and float64 is not autocast",
        says="raises RuntimeError: index_copy_(): self and source expected to have the same dtype, but got "
        f"(self) {name} and (source) BFloat16",
        witness={
            "input": [[1.0, 1.0, 0.0, 0.0]], "target": [3], "head_weight": np.zeros((4, 4)),
            "tail_0_0_weight": np.zeros((2, 4)), "tail_0_1_weight": np.zeros((2, 2)),
            "tail_1_0_weight": np.zeros((1, 4)), "tail_1_1_weight": np.zeros((2, 1)),
        },
    )  # fmt: skip
    def instead(case):
        """Under autocast the loss cannot be called.

        It collects the outputs in a tensor of the dtype of the input, and what it copies there comes out of a linear
        map, which autocast runs in bfloat16.  The copy does not convert.
        """


dtypes_of_copy_differ("float32", "Float")
dtypes_of_copy_differ("float16", "Half")
