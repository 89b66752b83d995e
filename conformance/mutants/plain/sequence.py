"""The plain loss of a label sequence whose alignment with the input is not known."""

import math

import torch

from conformance.mutants.plain.common import stored, wide


def log_sum(*logs):
    """The logarithm of the sum of exponentials, minus infinity of nothing, where no gradient flows."""
    logs = torch.stack(logs)
    top = logs.detach().amax(0)
    nothing = top == -math.inf
    top = torch.where(nothing, 0.0, top)
    total = torch.exp(logs - top).sum(0)
    return torch.where(nothing, -math.inf, top + torch.log(torch.where(nothing, 1.0, total)))


def advanced(logs, states):
    """What was ``states`` states earlier; nothing before the first."""
    return torch.nn.functional.pad(logs, (states, 0), value=-math.inf)[..., : logs.shape[-1]]


class CTCLoss(torch.nn.Module):
    """Negative log-probability of the labels over all alignments, by the forward recursion."""

    def __init__(self, blank=0, reduction="mean", zero_infinity=False):
        super().__init__()
        self.blank, self.reduction, self.zero_infinity = blank, reduction, zero_infinity

    def forward(self, log_probs, targets, input_lengths, target_lengths):
        single = log_probs.ndim == 2
        x = wide(log_probs)
        if single:
            x, targets = x.unsqueeze(1), targets.unsqueeze(0)
        lengths = target_lengths.reshape(-1)
        terms = self.terms(x, targets, input_lengths.reshape(-1), lengths)
        if self.reduction == "mean":
            terms = (terms / lengths.clamp(min=1)).sum() / terms.numel()
        elif self.reduction == "sum":
            terms = terms.sum()
        elif single:
            terms = terms.squeeze(0)
        return stored(terms, log_probs)

    def terms(self, x, targets, frames, lengths):
        label = self.extended(targets)
        final = self.recursion(x, label, frames)
        state = torch.arange(label.shape[-1], device=x.device)
        last = (2 * lengths).unsqueeze(-1)
        ends = (state == last) | (state == last - 1)
        loss = -log_sum(*torch.where(ends, final, -math.inf).unbind(-1))
        return torch.where(loss == math.inf, 0.0, loss) if self.zero_infinity else loss

    def extended(self, targets):
        """The labels with blanks between and around them."""
        label = targets.new_full((targets.shape[0], 2 * targets.shape[1] + 1), self.blank)
        label[:, 1::2] = targets
        return label

    def recursion(self, x, label, frames):
        """The log-probability of every state in the last frame that counts, (N, S)."""
        fresh = label != torch.nn.functional.pad(label, (2, 0), value=self.blank)[:, : label.shape[-1]]
        skips = (label != self.blank) & fresh
        state = torch.arange(label.shape[-1], device=x.device)
        logs = torch.where(state == 0, 0.0, -math.inf).to(x.dtype).expand(label.shape)
        for t in range(x.shape[0]):
            skipped = torch.where(skips, advanced(logs, 2), -math.inf)
            moved = log_sum(logs, advanced(logs, 1), skipped) + x[t].gather(-1, label)
            logs = torch.where((t < frames).unsqueeze(-1), moved, logs)
        return logs
