"""Which losses of MONAI are there?  The focal loss of independent channels."""

from monai.losses import FocalLoss

from conformance import Supports
from conformance.adapters.wrapping import adapted
from conformance.examples.focal import focal_loss


def sigmoid_focal(gamma=2.0, alpha=0.25, reduction="mean"):
    """Alpha has the default of the paper, and of the contract; MONAI's is to have none."""
    return FocalLoss(gamma=gamma, alpha=alpha, reduction=reduction)


focal = adapted(sigmoid_focal, focal_loss.name, supports=Supports(dimensions=(2, 3, 4, 5)))
