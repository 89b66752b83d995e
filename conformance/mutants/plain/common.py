"""What every plain loss does with its inputs and its terms: widen, reduce, store."""

import torch


def wide(x):
    """The same numbers in float32 at least."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def stored(result, like):
    """The result in the format of an input, rounded once."""
    return result.to(like.dtype)


def reduced(terms, reduction, count):
    """The terms, their sum, or that over ``count``.  Raises ValueError for any other reduction."""
    if reduction == "none":
        return terms
    if reduction == "sum":
        return terms.sum()
    if reduction == "mean":
        return terms.sum() / count
    raise ValueError(f"{reduction} is not a valid value for reduction")


class Reducing(torch.nn.Module):
    """A loss that has nothing to remember but its reduction."""

    def __init__(self, reduction="mean"):
        super().__init__()
        self.reduction = reduction


class Elementwise(Reducing):
    """A loss of two arrays, by its terms."""

    def forward(self, input, target):
        terms = self.terms(wide(input), wide(target))
        return stored(reduced(terms, self.reduction, terms.numel()), input)
