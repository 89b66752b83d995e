"""Where torch.nn departs at numbers that are none: NaN that is lost, and limits that become NaN."""

import numpy as np

from conformance.deviations.deviation import EVERY, SINGLE, deviation
from conformance.deviations.kernels import log_sigmoid
from conformance.special import SpecialCase
from reference.arithmetic.plain import plain
from reference.arithmetic.rounded import Rounded
from reference.in_numpy._softmax import indicator, pick
from reference.in_numpy.classification import label_gaps, margin_gaps, nll_loss

ONLY = {"only": "special_values"}
NAN = float("nan")
INF = float("inf")


def above_zero(gap):
    """What of a gap is above zero; nothing where it is NaN."""
    return np.where(plain(gap) > 0, gap, 0.0)


@deviation(
    "MultiMarginLoss", of="value", dtypes=SINGLE, severity="wrong", share=0.6, **ONLY,
    condition="a score, or a weight, is NaN",
    witness={"input": [[0.0, NAN]], "target": [0]},
)  # fmt: skip
def nan_is_lost(input, target, *, p, margin, weight):
    """A NaN among the scores does not show in the loss.

    A class counts if its gap is greater than zero, which NaN is not: a model whose scores are all NaN has the
    loss nought, and its training goes on unnoticed.
    """
    reach = above_zero(margin_gaps(input, target, margin))
    cost = reach if p == 1 else np.square(reach)
    if weight is not None:
        cost = np.where(plain(reach) > 0, np.expand_dims(pick(weight, target), -1) * cost, 0.0)
    return np.sum(np.where(indicator(target, input.shape[-1]), 0.0, cost), axis=-1) / input.shape[-1]


@deviation(
    "MultiLabelMarginLoss", of="value", dtypes=SINGLE, severity="wrong", share=0.6, name="nan-is-lost", **ONLY,
    condition="a score is NaN",
    witness={"input": [[0.0, NAN]], "target": [[0, -1]]},
)  # fmt: skip
def nan_of_labels_is_lost(input, target):
    """A NaN among the scores does not show in the loss.

    A pair counts if its gap is greater than zero, which NaN is not.
    """
    gap, pair = label_gaps(input, target)
    return np.sum(np.sum(np.where(pair, above_zero(gap), 0.0), axis=-1), axis=-1) / input.shape[-1]


@deviation(
    "KLDivLoss", of="value", dtypes=EVERY, steps="storage", severity="nan", share=0.3, answers=np.isnan, **ONLY,
    condition="an outcome of probability 0 has the log-probability -inf",
    applies=lambda case: not case.parameters["log_target"],
    witness={"input": [[-INF]], "target": [[0.0]]},
)  # fmt: skip
def impossible_outcome(input, target, *, log_target):
    """An outcome that is impossible under both distributions makes the loss NaN.

    torch subtracts target times input from target log(target), and 0 times -inf is NaN; the contribution of
    such an outcome is nought.
    """
    live = plain(target) > 0
    entropy = np.where(live, target * np.log(np.where(live, target, 1.0)), 0.0)
    return entropy - target * input


@deviation(
    "NLLLoss", of="value", dtypes=EVERY, severity="nan", share=0.3, answers=np.isnan, **ONLY,
    condition="the target's class has weight 0 and log-probability -inf",
    witness={"input": [[-INF, 0.0]], "target": [0], "weight": [0.0, 1.0]},
)  # fmt: skip
def impossible_class_without_weight(input, target, *, weight, ignore_index):
    """A class that does not count makes the loss NaN where it is impossible.

    torch multiplies -inf by a weight of 0.
    """
    return nll_loss.formula(input, target, weight=weight, ignore_index=ignore_index)


def undefined(case, quantity: str, rows: np.ndarray) -> Rounded:
    """What is expected, NaN where a quantity depends on some of these rows."""
    expected = case.expected(quantity)
    if not isinstance(case, SpecialCase):
        return expected
    value = np.where(case.reached(quantity, rows), np.nan, expected.value)
    return Rounded(value, expected.error, expected.model, expected.spread)


def rows_with(marks: np.ndarray) -> np.ndarray:
    """The rows in which some element is marked."""
    return marks.any(axis=tuple(range(1, marks.ndim)))


@deviation(
    "CrossEntropyLoss", of="result", quantities=("grad_input",), dtypes=EVERY, severity="nan", share=0.4,
    answers=np.isnan, **ONLY, upstream="pytorch/pytorch#11551",
    condition="every logit of a row whose target is ignored is -inf, or some logit of it is NaN",
    applies=lambda case: case.arguments["target"].dtype != float,
    witness={"input": [[-INF, -INF], [0.0, 0.0]], "target": [-100, 0], "reduction": "sum"},
)  # fmt: skip
def ignored_row(case):
    """The gradient of a row that is ignored is NaN.

    The loss leaves such a row out, but its zero gradient goes through the log-softmax, which multiplies it by
    the softmax of the row: NaN where the logits have none.
    """
    logits, target = case.in_rows("input"), case.in_rows("target")
    without = np.isnan(logits).any(axis=-1) | np.isneginf(logits).all(axis=-1)
    return undefined(case, "grad_input", without & (target == case.parameters["ignore_index"]))


@deviation(
    "CrossEntropyLoss", of="result", dtypes=EVERY, severity="nan", share=0.8, answers=np.isnan, **ONLY,
    condition="the logit of a class is -inf and its probability under the target, or its weight, 0",
    applies=lambda case: case.arguments["target"].dtype == float or case.arguments["weight"] is not None,
    witness={"input": [[-INF, 0.0]], "target": [[0.0, 1.0]]},
)  # fmt: skip
def masked_class_of_probabilities(case):
    """A masked class makes the loss NaN where the target gives it no probability, or it has no weight.

    With class probabilities torch multiplies them, and the weights, by the log-probabilities: 0 times -inf.
    With a class index the same masked class does no harm.
    """
    return undefined(case, "value", rows_with(np.isneginf(case.in_rows("input"))))


@deviation(
    "BCEWithLogitsLoss", of="result", dtypes=EVERY, severity="nan", share=0.6, answers=np.isnan, **ONLY,
    upstream="pytorch/pytorch#102894",
    condition="the logit is -inf, or it is inf and the target sure",
    witness={"input": [-INF], "target": [0.0]},
)  # fmt: skip
def certain_logit(case):
    """A logit of certainty makes the loss NaN, also where it is right and the loss nought.

    torch adds (1 - target) times the logit and the logarithm of the sigmoid, -inf and inf at a logit of -inf; at
    inf a sure target multiplies it by 0.
    """
    return undefined(case, "value", np.isinf(case.in_rows("input")))


@deviation(
    "MultiLabelSoftMarginLoss", of="result", dtypes=EVERY, severity="nan", share=0.9, answers=np.isnan, **ONLY,
    condition="a logit is infinite and the target sure",
    witness={"input": [[-INF]], "target": [[0.0]]},
)  # fmt: skip
def certain_class(case):
    """A class predicted with certainty makes the loss NaN, also where the prediction is right.

    torch multiplies the logarithm of the probability of the other outcome, -inf, by its share of the target, 0.
    """
    return undefined(case, "value", rows_with(np.isinf(case.in_rows("input"))))


@deviation(
    "MultiLabelSoftMarginLoss", of="gradient", quantities=("grad_weight",), dtypes=EVERY, steps="storage",
    severity="nan", share=0.6, answers=np.isnan, **ONLY,
    condition="a logit is infinite and the target sure",
    witness={"input": [[-INF]], "target": [[0.0]], "weight": [1.0]},
)  # fmt: skip
def certainty(cotangent, input, target, *, weight):
    """The gradient of a weight is NaN where the class is predicted with certainty.

    torch multiplies the logarithm of the probability of the other outcome, -inf, by its share of the target, 0.
    """
    losses = target * log_sigmoid(input) + (1 - target) * log_sigmoid(-input)
    return {"weight": -np.expand_dims(cotangent / input.shape[-1], -1) * losses}


@deviation(
    "CTCLoss", of="result", quantities=("grad_log_probs",), dtypes=SINGLE, severity="nan", share=0.9,
    answers=np.isnan, **ONLY, condition="the log-probability of some class of the frame is -inf",
    witness={"log_probs": [[-INF, 0.0]], "targets": [1], "input_lengths": 1, "target_lengths": 1},
)  # fmt: skip
def masked_class(case):
    """The gradient of a frame in which some class is impossible is NaN.

    torch subtracts the log-probability of every class from the logarithm of the sum of what alignments give it:
    for a class of log-probability -inf that is -inf less -inf, even where it is not in the target.  Through the
    log-softmax the NaN reaches every class of the frame.
    """
    expected = case.expected("grad_log_probs")
    masked = np.isneginf(case.arguments["log_probs"]).any(axis=-1, keepdims=True)
    masked = np.broadcast_to(masked, expected.shape)
    return Rounded(np.where(masked, np.nan, expected.value), expected.error, expected.model)
