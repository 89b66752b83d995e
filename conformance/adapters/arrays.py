"""Adapters for losses that are no torch at all: functions of JAX or of NumPy arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from conformance.adapters.bridge import Bridge, Pull
from conformance.adapters.calls import reducing
from conformance.adapters.functions import options_of
from conformance.adapters.in_jax import in_jax, pull
from conformance.adapters.rows import by_rows
from conformance.adapters.wrapping import adapted
from conformance.subject import Subject
from conformance.supports import Supports

#: A function of arrays is not held to how torch refuses invalid calls.
NOTHING_INVALID = ("*",)
#: What takes more than a first derivative.
DIFFERENTIATING = ("second_derivative", "forward_mode")


@dataclass(frozen=True)
class Bundle:
    """A function of arrays with its options: of the arguments of the call, then of tensors by keyword, ``names``."""

    function: Callable
    names: tuple[str, ...]
    calls: int
    options: Mapping[str, object]

    def keywords(self, arrays) -> dict[str, object]:
        return dict(zip(self.names[self.calls :], arrays[self.calls :], strict=True)) | dict(self.options)

    def __call__(self, *arrays):
        return (self.function(*arrays[: self.calls], **self.keywords(arrays)),)


class OfArrays(torch.nn.Module):
    """The module of a function of arrays."""

    def __init__(self, bundle: Callable, pull: Pull | None, positional: tuple[str, ...], options: Mapping):
        super().__init__()
        self.pull, self.held = pull, {k: v for k, v in options.items() if isinstance(v, torch.Tensor)}
        rest = {k: v for k, v in options.items() if k not in self.held}
        self.bundle = bundle((*positional, *self.held), len(positional), rest)

    def forward(self, *inputs):
        return Bridge.apply(self.bundle, self.pull, *inputs, *self.held.values())[0]


def of_arrays(function, like, bundle: Callable, pull: Pull | None, supports: Supports, names, reduces) -> Subject:
    """What both kinds have in common; ``names``: of the options, where they are not the contract's."""

    def make(before, factory, case, tensors):
        options = {names.get(k, k): v for k, v in options_of(case, tensors).items() if reduces or k != "reduction"}
        return OfArrays(partial(bundle, factory), pull, case.contract.positional, options)

    return adapted(Subject(function, like=like), None, make=make, supports=supports, outside=NOTHING_INVALID)


def jax_loss(function: Callable, like: str, *, reduces: bool = False, jit: bool = True, **names: str) -> Subject:
    """A JAX function, as those of optax: of the arguments of the call, then of options by keyword.

    Arguments come in row form, as a contract's formula has them: (rows,), or (rows, classes), which is also how optax
    lays them out; there are as many rows as the next power of two, since JAX compiles for each shape.  It returns
    terms, shape (rows,), which torch reduces.  Gradients, also second ones, are those of ``jax.vjp``.  ``names``:
    options that it calls otherwise, ``margin="alpha"``.  ``jit``: whether it is compiled, its real options traced.
    With ``reduces`` it gets the arguments in the shapes of torch, and reduces itself by a keyword ``reduction``.
    """
    supports = Supports(without_checks=("forward_mode",))
    found = of_arrays(function, like, in_jax(jit), Pull(pull, again=True), supports, names, reduces)
    return found if reduces else reducing(by_rows(found))


def numpy_loss(
    function: Callable,
    like: str,
    *,
    gradient: Callable | None = None,
    of: tuple[str, ...] | None = None,
    reduces: bool = False,
    **names: str,
) -> Subject:
    """A function of NumPy arrays: of the arguments of the call, then of options by keyword.

    It returns terms, which torch reduces, unless it ``reduces`` itself by a keyword ``reduction``.
    ``gradient(cotangent, *arguments, **options)`` returns the gradients of the terms by argument, as the pullback of a
    contract does; ``of``: for which arguments, where not for all.  Without it nothing but values is asked.  bfloat16
    arrays are those of ml_dtypes.  ``names``: options that it calls otherwise.
    """
    limits = Supports(gradients=False if gradient is None else of or True, without_checks=DIFFERENTIATING)
    pull = None if gradient is None else Pull(pull_by_hand(gradient))
    found = of_arrays(function, like, Bundle, pull, limits, names, reduces)
    return found if reduces else reducing(found)


def pull_by_hand(gradient: Callable) -> Callable:
    """The derivative that a function of NumPy arrays gives."""

    def of(bundle: Bundle, count: int) -> Callable:
        def pulled(*arrays):
            given, upstream = arrays[:count], arrays[count]
            found = gradient(upstream, *given[: bundle.calls], **bundle.keywords(given))
            real = ((k, a) for k, a in zip(bundle.names, given, strict=True) if a.dtype.kind not in "iub")
            return tuple(np.asarray(found[k], a.dtype) if k in found else np.zeros_like(a) for k, a in real)

        return pulled

    return of
