"""Where torch.nn departs from MultiLabelSoftMarginLoss."""

import numpy as np

from conformance.deviations.deviation import deviation
from conformance.deviations.kernels import log_sigmoid, sigmoid
from conformance.deviations.overflow import steps_overflow
from reference.in_numpy.classification import multilabel_soft_margin_loss

steps_overflow(
    multilabel_soft_margin_loss, share=0.3,
    condition="the weighted loss of a class, or the sum over classes or terms, exceeds the format",
    witness={"input": [[-60000.0, -60000.0]], "target": [[1.0, 1.0]]},
)  # fmt: skip


@deviation(
    "MultiLabelSoftMarginLoss", of="gradient", quantities=("grad_target",), steps="storage",
    severity="accuracy", dtypes=("float32", "float64", "float16", "bfloat16"), share=0.5,
    condition="the input is close to 0",
    witness={"input": [[0.0625]], "target": [[0.0]], "cotangent": [-1.458984375]},
)  # fmt: skip
def target_gradient_cancels(cotangent, input, target, *, weight):
    """The gradient of the target loses its relative accuracy where the input is close to 0.

    torch adds the logarithms of the sigmoids of input and -input, with opposite signs, and both are close to
    log 2; their difference is the input.
    """
    each = -np.expand_dims(cotangent / input.shape[-1], -1)
    each = each if weight is None else each * weight
    return {"target": each * log_sigmoid(input) - each * log_sigmoid(-input)}


@deviation(
    "MultiLabelSoftMarginLoss", of="gradient", quantities=("grad_input",), steps="storage", severity="nan",
    dtypes=("float16", "bfloat16", "float32", "float64"), answers=lambda answer: ~np.isfinite(answer), share=0.1,
    condition="the upstream gradient times a weight exceeds the format",
    witness={"input": [[0.0]], "target": [[0.5]], "weight": [40000.0], "cotangent": [2.0]},
)  # fmt: skip
def gradient_steps_overflow(cotangent, input, target, *, weight):
    """The gradient overflows, or is NaN, although it is representable.

    torch multiplies the upstream gradient by the weight, and by the share of either target, before it multiplies
    by the slopes of the two logarithms, which the sum of both parts makes NaN where both overflow.
    """
    each = -np.expand_dims(cotangent / input.shape[-1], -1)
    each = each if weight is None else each * weight
    return {"input": (each * target) * sigmoid(-input) - (each * (1.0 - target)) * sigmoid(input)}
