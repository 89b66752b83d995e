"""Adapters for losses that are functions: those of torch.nn.functional, and those that hold no linear map of theirs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module

import torch

from conformance.adapters.wrapping import adapted
from conformance.construction import DISTANCES, said
from conformance.subject import Subject, losses


class Bound(torch.nn.Module):
    """A function with its options."""

    def __init__(self, function: Callable, options: Mapping[str, object]):
        super().__init__()
        self.function, self.options = function, dict(options)

    def forward(self, *inputs):
        return self.function(*inputs, **self.options)


def options_of(case, tensors: Mapping[str, torch.Tensor | None]) -> dict[str, object]:
    """The keywords that a function gets: tensors, parameters other than at their defaults, and the reduction."""
    given = {k: t for k, t in tensors.items() if t is not None and k not in case.contract.parameters_of_module}
    parameters = {k: DISTANCES.get(v, v) if isinstance(v, str) else v for k, v in said(case).items()}
    reduction = {"reduction": case.reduction} if len(case.contract.reductions) > 1 else {}
    return given | parameters | reduction


def functional(function: Callable, like: str) -> Subject:
    """A function of the arguments of the call, then of keywords: ``functional(F.huber_loss, like="HuberLoss")``.

    ``like="weighted_mse_loss"``, ``"weighted_l1_loss"`` and ``"weighted_huber_loss"`` are the contracts of those
    functions with the ``weight`` that they take and the modules lack (:mod:`conformance.adapters.weighted`).
    """

    if like not in losses():
        import_module("conformance.adapters.weighted")  # which registers its contracts, for those who ask for them

    def make(before, factory, case, tensors):
        return Bound(factory, options_of(case, tensors))

    return adapted(Subject(function, like=like), None, make=make)


class Fused(torch.nn.Module):
    """A function that multiplies by a matrix itself, with the matrix."""

    def __init__(self, function: Callable, matrix: torch.Tensor, bias: torch.Tensor | None, options: Mapping):
        super().__init__()
        self.function, self.options = function, dict(options)
        self.linear = torch.nn.Module()
        self.linear.weight = torch.nn.Parameter(matrix.detach().clone())
        self.linear.bias = None if bias is None else torch.nn.Parameter(bias.detach().clone())

    def forward(self, input, target):
        return self.function(input, target, self.linear.weight, self.linear.bias, **self.options)


def fused_linear(function: Callable, like: str = "LinearCrossEntropyLoss") -> Subject:
    """``function(input, target, weight, bias, **options)``, weight of shape (classes, features), bias may be None."""

    def make(before, factory, case, tensors):
        return Fused(factory, tensors["linear_weight"], tensors["linear_bias"], options_of(case, tensors))

    return adapted(Subject(function, like=like), None, make=make)
