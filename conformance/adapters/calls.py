"""Ready-made adapters for losses that are made or called otherwise than those of torch.nn."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from conformance.adapters.wrapping import Loss, adapted, class_axis
from conformance.construction import constructed
from conformance.subject import Subject, name_of_loss
from conformance.supports import Supports
from reference import CONTRACTS


def reordered(loss: Loss, like: str | None = None, *, order: Sequence[str]) -> Subject:
    """The arguments of the call in another order: ``order=("target", "input")``."""

    def call(before, case, module, inputs):
        return before(case, module, {k: inputs[k] for k in order})

    return adapted(loss, like, call=call)


def renamed(loss: Loss, like: str | None = None, **names: str) -> Subject:
    """Keywords of the constructor that have other names: ``delta="threshold"``."""

    def make(before, factory, case, tensors):
        def under_its_names(**given):
            return constructed(factory, {names.get(k, k): v for k, v in given.items()})

        return before(under_its_names, case, tensors)

    return adapted(loss, like, make=make)


def picking(loss: Loss, like: str | None = None, *, part: int | str = 0) -> Subject:
    """One of several outputs: an element of a tuple by number, of a dictionary by key, or a field by name."""

    def call(before, case, module, inputs):
        result = before(case, module, inputs)
        return getattr(result, part) if isinstance(part, str) and not isinstance(result, dict) else result[part]

    return adapted(loss, like, call=call)


def one_hot(loss: Loss, like: str | None = None) -> Subject:
    """Class indices are handed over as one-hot numbers of the input's dtype and shape.

    A target that is to be ignored is nought in every class; of means over such ones nothing is asked.
    """

    def call(before, case, module, inputs):
        input, target = inputs["input"], inputs["target"]
        axis = class_axis(input)
        kept = target != case.parameters.get("ignore_index")
        hot = torch.nn.functional.one_hot(torch.where(kept, target, 0), input.shape[axis]) * kept.unsqueeze(-1)
        return before(case, module, {**inputs, "target": hot.movedim(-1, axis).to(input.dtype)})

    def is_hot(case) -> bool:
        ignored = (case.arguments["target"] == case.parameters.get("ignore_index")).any()
        return case.reduction != "mean" or not ignored

    supports = Supports(kinds={"target": (0,)}, when=is_hot, why="the mean over a target that is to be ignored")
    return adapted(loss, like, call=call, supports=supports)


def as_maps(loss: Loss, like: str | None = None) -> Subject:
    """Inputs of any shape are handed over as maps of one channel, (N, 1, rest): for losses element by element."""

    def call(before, case, module, inputs):
        first = next(iter(inputs.values()))
        rows = first.shape[0] if first.ndim > 1 else 1
        columns = math.prod(first.shape[1:]) if first.ndim > 1 else first.numel()
        result = before(case, module, {k: x.reshape(rows, 1, columns) for k, x in inputs.items()})
        return result.reshape(first.shape) if case.reduction == "none" else result

    return adapted(loss, like, call=call, supports=Supports(without=_with_shape_of_terms(loss, like)))


def _with_shape_of_terms(loss: Loss, like: str | None) -> tuple[str, ...]:
    """The optional arguments of the constructor that an adapter of the call's shapes does not reach."""
    name = name_of_loss(like) if like else loss.loss
    contract = next(c for c in CONTRACTS.values() if c.loss == name)
    return tuple(k for k, a in contract.arguments.items() if k not in contract.positional and a.optional)


#: How terms become a loss where the suite does it.
REDUCE: dict[str, Callable] = {
    "none": lambda terms: terms,
    "sum": torch.sum,
    "mean": torch.mean,
    "batchmean": lambda terms: terms.sum() / terms.shape[0],
}


def reducing(loss: Loss, like: str | None = None, *, takes_reduction: bool = True) -> Subject:
    """The loss is asked for its terms, and torch reduces them: by their number, whatever the weights are.

    ``takes_reduction``: whether its constructor takes ``reduction="none"``, or gives terms in any case.
    """

    def make(before, factory, case, tensors):
        if case.reduction not in REDUCE:
            raise ValueError(f"{case.reduction} is not a valid value for reduction")
        how = factory if takes_reduction else without_reduction(factory)
        return before(how, replace(case, reduction="none"), tensors)

    def call(before, case, module, inputs):
        return REDUCE[case.reduction](before(replace(case, reduction="none"), module, inputs))

    return adapted(loss, like, make=make, call=call)


def one_reduction(loss: Loss, like: str | None = None, *, reduction: str = "mean", takes_reduction=False) -> Subject:
    """A loss that is always reduced in one way; ``takes_reduction``: its constructor takes the word all the same."""

    def make(before, factory, case, tensors):
        return before(factory if takes_reduction else without_reduction(factory), case, tensors)

    outside = () if takes_reduction else ("reduction*",)
    return adapted(loss, like, make=make, supports=Supports(reductions=(reduction,)), outside=outside)


def without_reduction(factory: Callable) -> Callable:
    """A constructor that is not told of a reduction."""
    return lambda reduction=None, **given: constructed(factory, given)
