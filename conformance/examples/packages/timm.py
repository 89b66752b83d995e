"""Which losses of timm are there?  Of logits with their classes in the last dimension, mostly reduced to a mean."""

import timm.loss

from conformance import Supports
from conformance.adapters import one_reduction, renamed
from conformance.adapters.wrapping import adapted
from conformance.declared import other_defaults

SMOOTHED = other_defaults("smoothed-by-default", "timm smooths by 0.1 unless told otherwise", label_smoothing=0.1)
#: A batch of rows, as timm documents its losses.
ROWS = Supports(dimensions=(2,), without=("weight",))
OF_LABELS = Supports(
    kinds={"target": (0,)}, options={"label_smoothing": lambda share: share < 1}, also=ROWS,
    when=lambda case: not (case.arguments["target"] == case.parameters["ignore_index"]).any(),
    why="a target that is to be ignored",
)  # fmt: skip
OF_PROBABILITIES = Supports(kinds={"target": (1,)}, options={"label_smoothing": (0.0,)}, also=ROWS)


def smoothed(smoothing=None, ignore_index=None):
    """No label is to be ignored."""
    return timm.loss.LabelSmoothingCrossEntropy(**({} if smoothing is None else {"smoothing": smoothing}))


def plain_poly(smoothing=0.0, ignore_index=None, reduction="mean"):
    """Without its own term, which timm documents to be plain cross-entropy; no label is to be ignored."""
    return timm.loss.PolyCrossEntropy(epsilon=0.0, smoothing=smoothing, reduction=reduction)


label_smoothing = adapted(
    one_reduction(renamed(smoothed, "CrossEntropyLoss", label_smoothing="smoothing")), None,
    supports=OF_LABELS, deviations=(SMOOTHED,),
)  # fmt: skip
soft_target = adapted(
    one_reduction(timm.loss.SoftTargetCrossEntropy, "CrossEntropyLoss"), None, supports=OF_PROBABILITIES
)  # fmt: skip
binary = adapted(timm.loss.BinaryCrossEntropy, "BCEWithLogitsLoss", supports=Supports(dimensions=(1, 2, 3, 4, 5)))
poly = adapted(renamed(plain_poly, "CrossEntropyLoss", label_smoothing="smoothing"), None, supports=OF_LABELS)
