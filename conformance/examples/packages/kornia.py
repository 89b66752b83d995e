"""Which losses of kornia are there?  The binary focal loss, and two robust errors by the formulas of Barron."""

import kornia.losses

from conformance import Supports
from conformance.adapters import functional
from conformance.adapters.wrapping import adapted
from conformance.examples.focal import focal_loss
from conformance.examples.packages.robust import cauchy_loss, charbonnier_loss

#: A batch of channels, as kornia documents it.
MAPS = Supports(dimensions=(2, 3, 4, 5))

focal = adapted(functional(kornia.losses.binary_focal_loss_with_logits, focal_loss.name), None, supports=MAPS)
charbonnier = adapted(kornia.losses.CharbonnierLoss, charbonnier_loss.name)
cauchy = adapted(kornia.losses.CauchyLoss, cauchy_loss.name)
