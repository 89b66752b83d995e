"""Reported bugs of the connectionist temporal classification loss."""

import math

import torch
from torch.nn import functional

from conformance.mutants.planted import reduce
from conformance.mutants.reported.bug import Bug
from conformance.mutants.reported.gradients import with_gradient


class CTC(torch.nn.CTCLoss):
    """CTC by its terms; wrong subclasses change them or how they are reduced."""

    def terms(self, log_probs, targets, input_lengths, target_lengths):
        return functional.ctc_loss(
            log_probs, targets, input_lengths, target_lengths, self.blank, "none", self.zero_infinity
        )

    def forward(self, log_probs, targets, input_lengths, target_lengths):
        terms = self.terms(log_probs, targets, input_lengths, target_lengths)
        if self.reduction == "mean":
            terms = terms / target_lengths.clamp(min=1).to(terms.dtype)
        return reduce(terms, self.reduction)


class CTCIgnoresUpstream(torch.nn.CTCLoss):
    """The upstream gradient counts as ones (SeanNaren/warp-ctc#170)."""

    def forward(self, log_probs, targets, input_lengths, target_lengths):
        loss = super().forward(log_probs, targets, input_lengths, target_lengths)
        return with_gradient(loss, torch.ones_like)


class CTCMeanOfMean(torch.nn.CTCLoss):
    """The mean is divided by the batch once more (meijieru/crnn.pytorch#232)."""

    def forward(self, log_probs, targets, input_lengths, target_lengths):
        loss = super().forward(log_probs, targets, input_lengths, target_lengths)
        return loss / log_probs.shape[1] if self.reduction == "mean" and log_probs.ndim == 3 else loss


class CTCEmptyTarget(CTC):
    """The one alignment of an empty target is counted twice (pytorch/pytorch#18215)."""

    def terms(self, log_probs, targets, input_lengths, target_lengths):
        terms = super().terms(log_probs, targets, input_lengths, target_lengths)
        return torch.where(target_lengths == 0, terms - math.log(2), terms)


class CTCZeroTimesInfinity(CTC):
    """``zero_infinity`` zeroes the value, and leaves NaN in the gradient (pytorch/pytorch#16199)."""

    def terms(self, log_probs, targets, input_lengths, target_lengths):
        terms = functional.ctc_loss(log_probs, targets, input_lengths, target_lengths, self.blank, "none")
        return torch.where(torch.isinf(terms), 0, terms) if self.zero_infinity else terms


class CTCUnsteady(torch.nn.CTCLoss):
    """Every other call gives something else (pytorch/pytorch#21680)."""

    odd = False

    def forward(self, log_probs, targets, input_lengths, target_lengths):
        loss = super().forward(log_probs, targets, input_lengths, target_lengths)
        self.odd = not self.odd
        return loss if self.odd else 1.25 * loss


BUGS = {
    "CTCIgnoresUpstream": Bug("CTCLoss", "SeanNaren/warp-ctc#170", "gradient"),
    "CTCMeanOfMean": Bug("CTCLoss", "meijieru/crnn.pytorch#232", "reduction"),
    "CTCEmptyTarget": Bug("CTCLoss", "pytorch/pytorch#18215", "value"),
    "CTCZeroTimesInfinity": Bug("CTCLoss", "pytorch/pytorch#16199", "gradient"),
    "CTCUnsteady": Bug("CTCLoss", "pytorch/pytorch#21680", "purity"),
}
