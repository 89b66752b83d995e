"""The plain adaptive softmax: a head of frequent classes and clusters of rare ones."""

from collections import namedtuple

import torch

from conformance.mutants.plain.classification import pick
from conformance.mutants.plain.common import stored, wide
from conformance.mutants.plain.softmax import ClassLosses, affine

Outcome = namedtuple("Outcome", ["output", "loss"])


class AdaptiveLogSoftmaxWithLoss(torch.nn.Module):
    """The target's log-probability: that of its cluster in the head, plus its own in the cluster."""

    def __init__(self, in_features, n_classes, cutoffs, div_value=4.0, head_bias=False, device=None, dtype=None):
        super().__init__()
        self.cutoffs = [*cutoffs, n_classes]
        made = {"device": device, "dtype": dtype}
        clusters = len(self.cutoffs) - 1
        self.head = torch.nn.Linear(in_features, self.cutoffs[0] + clusters, bias=head_bias, **made)
        self.tail = torch.nn.ModuleList()
        for i in range(clusters):
            hidden = int(in_features // div_value ** (i + 1))
            size = self.cutoffs[i + 1] - self.cutoffs[i]
            down = torch.nn.Linear(in_features, hidden, bias=False, **made)
            self.tail.append(torch.nn.Sequential(down, torch.nn.Linear(hidden, size, bias=False, **made)))

    def forward(self, input, target):
        x = wide(input)
        bias = None if self.head.bias is None else wide(self.head.bias)
        position, losses = target, torch.zeros_like(x[..., 0])
        for i, (down, up) in enumerate(self.tail):
            low, high = self.cutoffs[i], self.cutoffs[i + 1]
            here = (target >= low) & (target < high)
            position = torch.where(here, self.cutoffs[0] + i, position)
            inside = ClassLosses.apply(affine(wide(up.weight), affine(wide(down.weight), x)))
            losses = losses + torch.where(here, pick(inside, torch.where(here, target - low, 0)), 0.0)
        head = ClassLosses.apply(affine(wide(self.head.weight), x, bias))
        losses = losses + pick(head, position)
        return Outcome(stored(-losses, input), stored(losses.sum() / losses.numel(), input))
