"""Where torch.nn departs from the cross-entropies of a softmax."""

from collections.abc import Callable

import numpy as np

from conformance.case import given, lift_rounded
from conformance.deviations.deviation import HALF, deviation
from conformance.deviations.flushing import lift_flushing
from conformance.deviations.softmax import logits_of, pull_case, pull_map, reduced_apart, terms
from reference.arithmetic.plain import plain
from reference.arithmetic.rounded import Model
from reference.in_numpy._softmax import cross_entropy_of, pull_cross_entropy

SINGLE_FIRST = ("float32", "float64", "float16", "bfloat16")
HALF_FIRST = ("float16", "bfloat16", "float32", "float64")
QUANTITIES = {
    "CrossEntropyLoss": ("grad_input", "grad_target", "grad_weight"),
    "LinearCrossEntropyLoss": (
        "grad_linear_weight",
        "grad_linear_bias",
        "grad_input",
        "grad_target",
        "grad_weight",
    ),
}
LARGE_LOGITS = {"input": [[300.0, 0.0]], "target": [0], "linear_weight": [[300.0, 0.0], [299.0, 0.0]]}
ROUNDED_LOGITS = {"input": [[-512.0, 1.0]], "target": [0], "linear_weight": [[32.0, 0.0], [32.0, 1.0]]}


def as_linear(input, **witness) -> dict[str, object]:
    """The witness of LinearCrossEntropyLoss whose logits are those of one of CrossEntropyLoss."""
    return {"input": np.eye(len(input)), "linear_weight": np.transpose(input), **witness}


def both(*, of: str, witness, **rest) -> Callable:
    """Decorator: register a deviation of CrossEntropyLoss and of LinearCrossEntropyLoss."""

    def register(instead: Callable) -> Callable:
        for loss, quantities in QUANTITIES.items():
            own = witness if loss == "CrossEntropyLoss" else as_linear(**witness)
            named = {"quantities": quantities} if of == "gradients" else {}
            deviation(loss, of=of, witness=own, **named, **rest)(instead)
        return instead

    return register


def smooths_classes(case) -> bool:
    """Whether classes, and not probabilities, are smoothed."""
    return case.parameters["label_smoothing"] != 0 and case.arguments["target"].dtype != float


def has_no_weight(case) -> bool:
    """Whether the weight of some class is nought."""
    return case.arguments["weight"] is not None and bool(np.any(case.arguments["weight"] == 0))


def stored(case):
    """All arguments in row form, and the logits among them, in steps of the dtype."""
    arguments = given(case, lift_rounded(Model(case.format, emulate=True)))
    return arguments, logits_of(**arguments)[0]


def logits_exceed(case) -> bool:
    """Whether some logit exceeds the format."""
    return not np.all(np.isfinite(stored(case)[1].value))


def weights_exceed(case) -> bool:
    """Whether the sum of the weights of some call exceeds the format."""
    total = case.contract.reductions["mean"].divisor(stored(case)[0], case.calls, case.shape)
    return not np.all(np.isfinite(case.format.round(plain(total))))


@deviation(
    "LinearCrossEntropyLoss", of="value", dtypes=HALF_FIRST, steps="storage", severity="nan", share=0.5,
    answers=np.isnan, applies=logits_exceed, condition="a logit exceeds the format", witness=LARGE_LOGITS,
)  # fmt: skip
def logits_overflow(input, target, **given):
    """The loss is NaN where logits overflow, although their differences are representable.

    torch stores the logits in the dtype of the input; one infinite logit less the largest, infinite too, is
    NaN.
    """
    logits, left = logits_of(input, **given)
    return terms(logits, target, **left)


@deviation(
    "LinearCrossEntropyLoss", of="gradients", dtypes=HALF_FIRST, steps="storage", severity="nan", share=0.8,
    quantities=QUANTITIES["LinearCrossEntropyLoss"], answers=np.isnan, applies=logits_exceed,
    witness=LARGE_LOGITS, condition="a logit exceeds the format",
)  # fmt: skip
def gradient_logits_overflow(case, lift):
    """The gradient is NaN where logits overflow, although their differences are representable.

    torch stores the logits in the dtype of the input; one infinite logit less the largest, infinite too, is
    NaN.
    """
    return pull_case(case, lift)


def not_finite(answer: np.ndarray) -> np.ndarray:
    """Whether an answer is infinite or NaN."""
    return ~np.isfinite(answer)


@both(
    of="gradients", dtypes=SINGLE_FIRST, severity="convention", reductions=("mean",), steps="storage",
    answers=np.isnan, applies=lambda case: smooths_classes(case) and has_no_weight(case), share=0.1,
    condition="with label smoothing, the weight of every target is nought, and that of another class is not",
    witness={"input": [[0.0, 1.0]], "target": [0], "weight": [0.0, 1.0], "label_smoothing": 0.5,
             "reduction": "mean"},
)  # fmt: skip
def gradient_smoothing_without_weight(case, lift):
    """The gradient of a mean with label smoothing is NaN where the weights that it divides by are nought.

    torch multiplies the infinite upstream gradient of a term by the weight of its class, which is nought.
    """
    return pull_case(case, lift)


@both(
    of="value", dtypes=HALF_FIRST, steps="storage", severity="nan", share=0.6, answers=not_finite,
    upstream="pytorch/pytorch#85791", stores_sums=True,
    condition="a loss, their sum, or that of the weights exceeds the format",
    witness={"input": [[40000.0, 0.0]] * 2, "target": [1, 1], "reduction": "mean"},
)  # fmt: skip
def steps_overflow(input, target, **given):
    """The loss overflows, or is NaN in consequence, although it is representable.

    The losses, their sum and that of their weights are stored in the dtype of the input.  One that exceeds it
    is infinite; zero times that, or one infinity divided by another, is NaN.
    """
    logits, left = logits_of(input, **given)
    return terms(logits, target, **left)


@both(
    of="gradients", dtypes=HALF_FIRST, steps="storage", severity="nan", share=0.2, answers=not_finite,
    condition="the upstream gradient times the weight of a class, or the loss of a class, exceeds the format",
    witness={"input": [[0.0, 0.0]], "target": [0], "weight": [40000.0, 1.0], "cotangent": [2.0]},
)  # fmt: skip
def gradient_steps_overflow(case, lift):
    """The gradient overflows, or is NaN in consequence, although it is representable.

    The upstream gradient is divided by the sum of the weights, and multiplied by the weight of the class,
    before it is multiplied by what the probability lacks; each step is stored in the dtype of the input.
    """
    return pull_case(case, lift)


HEAVY = {
    "severity": "wrong", "reductions": ("mean",), "answers": lambda answer: answer == 0, "dtypes": HALF_FIRST,
    "steps": "storage", "applies": weights_exceed, "upstream": "pytorch/pytorch#85791", "share": 0.3,
    "condition": "the sum of the weights exceeds the format",
}  # fmt: skip


@both(
    of="value", **HEAVY,
    witness={"input": [[0.0, 0.0]] * 2, "target": [0, 0], "weight": [40000.0, 1.0], "reduction": "mean"},
)  # fmt: skip
def weights_overflow(input, target, **given):
    """The mean is nought where the sum of the weights overflows.

    The sum of the weights is kept in the dtype of the input, as is that of the losses: the one is infinite
    where the other may not be.
    """
    logits, left = logits_of(input, **given)
    return terms(logits, target, **left)


@both(
    of="gradients", **HEAVY,
    witness={"input": [[0.0, 0.5]] * 2, "target": [0, 0], "weight": [40000.0, 1.0], "reduction": "mean"},
)  # fmt: skip
def gradient_weights_overflow(case, lift):
    """The gradient of the mean is nought where the sum of the weights overflows.

    The sum of the weights, which it is divided by, is kept in the dtype of the input.
    """
    return pull_case(case, lift)


@both(
    of="result", dtypes=HALF_FIRST, severity="nan", reductions=("mean", "sum"), applies=smooths_classes,
    answers=not_finite, upstream="pytorch/pytorch#85791", share=0.1,
    condition="the sum of the losses of all classes, over all terms, exceeds the format",
    witness={"input": [[16384.0, 0.0, 0.0, 0.0]] * 2, "target": [1, 1], "label_smoothing": 0.1,
             "reduction": "mean"},
)  # fmt: skip
def smoothing_overflows(case):
    """The loss with label smoothing overflows, although it is representable.

    torch sums the losses of all classes and of all terms, in the dtype of the input, before it multiplies by
    the share of smoothing that each class gets.
    """
    arguments, logits = stored(case)
    reduction = case.contract.reduction_of(case.reduction, "value")
    return reduced_apart(lambda x: reduction(x, arguments, case.calls, case.shape), logits, arguments)


STORED = {
    "steps": "storage", "dtypes": HALF, "severity": "accuracy", "share": 0.1, "answers": np.isfinite,
    "condition": "a logit is so large that its rounding to 16 bits changes the probabilities by a factor",
}  # fmt: skip


@deviation("LinearCrossEntropyLoss", of="value", witness=ROUNDED_LOGITS, **STORED)
def logits_stored(input, target, **given):
    """The loss of large logits is off by as much as their rounding to 16 bits.

    torch stores the logits in the dtype of the input before it takes the cross-entropy of them.
    """
    logits, left = logits_of(input, **given)
    return cross_entropy_of(logits, target, **left)


@deviation(
    "LinearCrossEntropyLoss", of="gradient", quantities=QUANTITIES["LinearCrossEntropyLoss"],
    witness=ROUNDED_LOGITS, **STORED,
)  # fmt: skip
def gradient_logits_stored(cotangent, input, target, **given):
    """The gradient for large logits is off by as much as their rounding to 16 bits changes the probabilities.

    torch stores the logits in the dtype of the input before it takes the cross-entropy of them.
    """
    logits, left = logits_of(input, **given)
    gradients = pull_cross_entropy(cotangent, logits, target, **left)
    return gradients | pull_map(gradients.pop("logits"), input, **given)


@deviation(
    "LinearCrossEntropyLoss", of="gradients", quantities=("grad_input", "grad_linear_weight"), share=0.1,
    dtypes=("bfloat16",), severity="accuracy", answers=np.isfinite,
    condition="a product of matrices has operands or results below 2**-126, and more than 4096 products",
    witness={"input": np.zeros((17, 17)), "target": np.zeros(17, int),
             "linear_weight": np.outer(np.arange(17.0), np.full(17, 2.0**-130)),
             "cotangent": np.full(17, 1024.0)},
)  # fmt: skip
def gradient_flushed(case, lift):
    """Tiny contributions to the gradients of a matrix product are replaced by zero.

    Larger products of bfloat16 matrices are left to instructions (AVX512-BF16) that take subnormal operands
    for zero, and return zero for subnormal results, although those of the dtype itself are kept elsewhere.
    """
    return pull_case(case, lift_flushing(case))


TAIL = {
    "severity": "accuracy", "upstream": "pytorch/pytorch#113708", "steps": "storage", "answers": np.isfinite,
    "dtypes": SINGLE_FIRST, "witness": {"input": [[20.0, 0.0]], "target": [0]},
}  # fmt: skip


@both(of="value", share=0.15, condition="a loss is small compared with one", **TAIL)
def tail_lost(input, target, **given):
    """The loss of a confident and right prediction is lost: its relative accuracy, then all of it.

    torch takes the logarithm of the sum of all exponentials, the largest of which is 1, where log1p of the
    sum of the others would keep them: the value for a margin of 20 is 0 in float32.  In 16 bits, the sum and
    its logarithm are stored too, and a margin of 9 is lost.
    """
    logits, left = logits_of(input, **given)
    return terms(logits, target, **left)


@both(
    of="gradients", share=0.2, **TAIL,
    condition="the probability of a class is close to its share of the target, or its loss small",
)  # fmt: skip
def gradient_tail_lost(case, lift):
    """The gradient of a confident and right prediction is lost: its relative accuracy, then all of it.

    torch takes the target's share from the probability, exp(log_softmax), and both are close to 1; the
    probability has the error of the stored log-softmax.  The gradients of probabilities and of weights are
    the lost losses.
    """
    return pull_case(case, lift)
