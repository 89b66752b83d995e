"""Where torch.nn departs from the losses that take one class's score, or compare it with the others'."""

import math

import numpy as np

from conformance.case import given, lift_rounded
from conformance.deviations.deviation import deviation
from conformance.deviations.overflow import gradient_steps_overflow, steps_overflow
from reference.arithmetic.rounded import Model, Rounded
from reference.in_numpy._softmax import carried_weight, indicator, pick
from reference.in_numpy.classification import label_gaps, margin_gaps, multi_margin_loss, nll_loss


def cascade(terms: Rounded, live: np.ndarray) -> Rounded:
    """The sums over the last dimension, (calls, terms) to (calls,), in the order of torch's NLLLoss kernels.

    Eight partial sums: each takes the one before it whenever a term that is live, and not an ignored one, is
    the first, the seventeenth, the 257th, ...
    """
    nought = Rounded.exact(np.zeros(terms.shape[:1]), terms.model)
    levels = [nought] * 8
    for i in range(terms.shape[1]):
        levels[0] = levels[0] + terms[:, i]
        for j in range(7):
            if i & (15 << 4 * j):
                break
            levels[j + 1] = np.where(live[:, i], levels[j + 1] + levels[j], levels[j + 1])
            levels[j] = np.where(live[:, i], nought, levels[j])
    return sum(levels[1:], levels[0])


@deviation(
    "NLLLoss", of="result", severity="nan", share=0.2, reductions=("mean", "sum"),
    upstream="pytorch/pytorch#61523", dtypes=("float16", "bfloat16", "float32", "float64"),
    condition="a weighted term, a partial sum of the terms, or the sum of the weights exceeds the format",
    witness={"input": [[-0.5, 0.0]] * 2, "target": [0, 0], "weight": [40000.0, 1.0], "reduction": "mean"},
)  # fmt: skip
def accumulators_overflow(case):
    """The loss overflows, or is NaN or nought in consequence, although it is representable.

    The weighted terms, their partial sums and the sum of the weights are kept in the dtype of the input.  A
    partial sum that exceeds it stays infinite whatever is added, infinities of both signs make NaN, and so
    does one divided by the other; a finite sum divided by an infinite sum of weights is nought.
    """
    model = Model(case.format, emulate=True)
    arguments = given(case, lift_rounded(model))
    rows = (case.calls, math.prod(case.shape))
    live = np.reshape(arguments["target"] != arguments["ignore_index"], rows)
    total = cascade(np.reshape(nll_loss.formula(**arguments), rows), live)
    if case.reduction == "sum":
        return total
    if arguments["weight"] is None:
        return total / Rounded.exact(case.format.round(np.sum(live, axis=1)), model)
    return total / cascade(np.reshape(carried_weight(arguments), rows), live)


gradient_steps_overflow(
    nll_loss, share=0.1, reductions=("mean",), quantities=("grad_input",),
    condition="the sum of the weights, or one divided by it, exceeds the format",
    witness={"input": [[-0.01]], "target": [0], "weight": [2.0**-23], "reduction": "mean"},
)  # fmt: skip


@deviation(
    "MultiLabelMarginLoss", of="result", dtypes=("float64",), severity="nan", share=0.1,
    condition="the sum over all pairs, of one row or where the result is reduced of all, exceeds the format",
    witness={"input": [[0.0, 2.0**1021, 2.0**1021]] * 4, "target": [[0, -1, -1]] * 4, "reduction": "mean"},
)  # fmt: skip
def sum_overflows(case):
    """The loss overflows although it is representable.

    torch sums the reaches of all pairs, those of all rows where the result is reduced, before it divides by the
    number of classes, and then of rows.  In float32 the sum is one of float64 numbers.
    """
    gap, pair = label_gaps(**given(case, lift_rounded(Model(case.format, emulate=True))))
    pairs = math.prod(gap.shape[1:])
    reach = np.reshape(np.where(pair, np.maximum(gap, 0.0), 0.0), (case.calls, math.prod(case.shape), pairs))
    total = np.sum(reach, axis=-1) if case.reduction == "none" else np.sum(np.sum(reach, axis=-1), axis=-1)
    total = total / float(case.sizes["c"][0])
    total = total / float(math.prod(case.shape)) if case.reduction == "mean" else total
    return np.reshape(total, (case.calls, *case.result_shape("value")))


steps_overflow(
    multi_margin_loss, dtypes=("float32", "float64"), share=0.1,
    condition="the square of a reach into the margin exceeds the format, before the weight brings it back",
    witness={"input": [[0.0, 0.0, 2.0**80], [0.0, 0.0, 2.0**100]], "target": [1, 0],
             "weight": [1.0, 0.0, 0.0], "p": 2, "reduction": "mean"},
)  # fmt: skip


@deviation(
    "MultiMarginLoss", of="gradient", quantities=("grad_input",), dtypes=("float64", "float32"),
    severity="nan", reductions=("none", "sum"), share=0.1, condition="2 weight reach exceeds the format",
    witness={"input": [[0.0, 0.0]], "target": [0], "weight": [1.5 * 2.0**1018, 0.0], "p": 2, "margin": 100.0,
             "cotangent": [0.01]},
)  # fmt: skip
def gradient_scaled_last(cotangent, input, target, *, p, margin, weight):
    """The gradient overflows although it is representable.

    torch multiplies twice the reach into the margin by the weight, and then by the upstream gradient.
    """
    classes = input.shape[-1]
    gap, hot = margin_gaps(input, target, margin), indicator(target, classes)
    slope = np.where(hot, 0.0, np.where(gap > 0, 1.0 / classes if p == 1 else (2.0 / classes) * gap, 0.0))
    if weight is not None:
        slope = slope * np.expand_dims(pick(weight, target), -1)
    slope = np.where(hot, -np.sum(slope, axis=-1, keepdims=True), slope)
    return {"input": slope * np.expand_dims(cotangent, -1)}
