"""Which losses of segmentation_models_pytorch are there?  Two that call themselves drop-in replacements, a third."""

import segmentation_models_pytorch.losses as smp

from conformance import Supports
from conformance.adapters import renamed
from conformance.adapters.wrapping import adapted
from conformance.examples.focal import focal_loss

#: Labels of batches; it takes no class weights.
OF_LABELS = Supports(dimensions=(2, 3, 4, 5), without=("weight",), kinds={"target": (0,)})
#: One row of values and one of gradients tell whether it works as it is made by default.
BY_DEFAULT = Supports(
    dtypes=("float32",), reductions=("mean",), options={"label_smoothing": (0.0,), "ignore_index": (-100,)},
    also=OF_LABELS,
)  # fmt: skip


def smoothed(smooth_factor=0.0, ignore_index=-100, reduction="mean"):
    """Told not to smooth, where by default it is told nothing."""
    return smp.SoftCrossEntropyLoss(reduction=reduction, smooth_factor=smooth_factor, ignore_index=ignore_index)


def binary_focal(gamma=2.0, alpha=0.25, reduction="mean"):
    """Alpha has the default of the paper, and of the contract."""
    return smp.FocalLoss(mode="binary", alpha=alpha, gamma=gamma, reduction=reduction)


def _shaped(before, case, module, inputs):
    """In this mode terms come in one row."""
    result = before(case, module, inputs)
    return result.reshape(inputs["input"].shape) if case.reduction == "none" else result


binary = smp.SoftBCEWithLogitsLoss
cross_entropy_by_default = adapted(
    renamed(smp.SoftCrossEntropyLoss, "CrossEntropyLoss", label_smoothing="smooth_factor"), None, supports=BY_DEFAULT
)  # fmt: skip
cross_entropy = adapted(
    renamed(smoothed, "CrossEntropyLoss", label_smoothing="smooth_factor"), None, supports=OF_LABELS
)  # fmt: skip
focal = adapted(binary_focal, focal_loss.name, call=_shaped)
