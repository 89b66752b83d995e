"""Which losses of timm are there?  Of rows of logits with their classes in the last dimension, mostly averaged."""

import math

import timm.loss

from conformance import Supports
from conformance.adapters import one_reduction, renamed
from conformance.adapters.wrapping import Loss, adapted, class_axis
from conformance.declared import other_defaults
from conformance.subject import Subject

SMOOTHED = other_defaults("smoothed-by-default", "timm smooths by 0.1 unless told otherwise", label_smoothing=0.1)
OF_LABELS = Supports(
    without=("weight",), kinds={"target": (0,)}, options={"label_smoothing": lambda share: share < 1},
    when=lambda case: not (case.arguments["target"] == case.parameters["ignore_index"]).any(),
    why="a target that is to be ignored",
)  # fmt: skip
OF_PROBABILITIES = Supports(without=("weight",), kinds={"target": (1,)}, options={"label_smoothing": (0.0,)})


def as_rows(loss: Loss) -> Subject:
    """Logits of any shape are handed over as rows of classes, if the target is of their shape with or without them."""

    def call(before, case, module, inputs):
        input, target = inputs.values()
        axis = class_axis(input)
        terms = input.shape[:axis] + input.shape[axis + 1 :]
        if input.ndim in (0, 2) or target.shape not in (input.shape, terms):
            return before(case, module, inputs)
        rows, classes = math.prod(terms), input.shape[axis]
        hot = target.ndim == input.ndim
        flat = {
            "input": input.movedim(axis, -1).reshape(rows, classes),
            "target": target.movedim(axis, -1).reshape(rows, classes) if hot else target.reshape(rows),
        }
        result = before(case, module, flat)
        return result.reshape(terms) if case.reduction == "none" else result

    return adapted(loss, None, call=call)


def smoothed(smoothing=None, ignore_index=None):
    """No label is to be ignored."""
    return timm.loss.LabelSmoothingCrossEntropy(**({} if smoothing is None else {"smoothing": smoothing}))


def plain_poly(smoothing=0.0, ignore_index=None, reduction="mean"):
    """Without its own term, which timm documents to be plain cross-entropy; no label is to be ignored."""
    return timm.loss.PolyCrossEntropy(epsilon=0.0, smoothing=smoothing, reduction=reduction)


label_smoothing = adapted(
    as_rows(one_reduction(renamed(smoothed, "CrossEntropyLoss", label_smoothing="smoothing"))), None,
    supports=OF_LABELS, deviations=(SMOOTHED,), outside=("ignore-index*",),
)  # fmt: skip
soft_target = adapted(
    as_rows(one_reduction(timm.loss.SoftTargetCrossEntropy, "CrossEntropyLoss")), None,
    supports=OF_PROBABILITIES, outside=("ignore-index*", "label-smoothing*"),
)  # fmt: skip
poly = adapted(
    as_rows(renamed(plain_poly, "CrossEntropyLoss", label_smoothing="smoothing")), None,
    supports=OF_LABELS, outside=("ignore-index*",),
)  # fmt: skip
#: Targets of another shape are labels, as timm documents it.
binary = adapted(
    timm.loss.BinaryCrossEntropy, "BCEWithLogitsLoss", supports=Supports(dimensions=(1, 2, 3, 4, 5)),
    outside=("input-extra-dimension", "target-missing-dimension"),
)  # fmt: skip
