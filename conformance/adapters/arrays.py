"""Adapters for losses that are no torch at all: functions of JAX or of NumPy arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps

import numpy as np
import torch

from conformance.adapters.bridge import Bridge, Pull
from conformance.adapters.calls import reducing
from conformance.adapters.functions import options_of
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

    def __init__(self, function: Callable, pull: Pull | None, positional: tuple[str, ...], options: Mapping):
        super().__init__()
        self.pull, self.held = pull, {k: v for k, v in options.items() if isinstance(v, torch.Tensor)}
        rest = {k: v for k, v in options.items() if k not in self.held}
        self.bundle = Bundle(function, (*positional, *self.held), len(positional), rest)

    def forward(self, *inputs):
        return Bridge.apply(self.bundle, self.pull, *inputs, *self.held.values())[0]


def of_arrays(function, like, pull, reduces: bool, supports: Supports, names: Mapping[str, str]) -> Subject:
    """What both kinds have in common; ``names``: of the options, where they are not the contract's."""

    def make(before, factory, case, tensors):
        options = {names.get(k, k): v for k, v in options_of(case, tensors).items() if reduces or k != "reduction"}
        return OfArrays(factory, pull, case.contract.positional, options)

    found = adapted(Subject(function, like=like), None, make=make, supports=supports, outside=NOTHING_INVALID)
    return found if reduces else reducing(found)


def jax_loss(function: Callable, like: str, *, reduces: bool = False, **names: str) -> Subject:
    """A JAX function, as those of optax: of the arguments of the call, then of options by keyword.

    It returns terms, which torch reduces, unless it ``reduces`` itself by a keyword ``reduction``.  Gradients, also
    second ones, are those of ``jax.vjp``.  ``names``: options that it calls otherwise, ``margin="alpha"``.
    """
    supports = Supports(without_checks=("forward_mode",))
    return of_arrays(in_jax(function), like, Pull(pull_jax, again=True), reduces, supports, names)


def in_jax(function: Callable) -> Callable:
    """The function on arrays of NumPy or JAX, in their precision."""

    @wraps(function)
    def evaluate(*arrays, **options):
        import jax  # only here: it takes seconds

        with jax.enable_x64(True):
            kept = {k: jax.numpy.asarray(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
            return function(*(jax.numpy.asarray(a) for a in arrays), **kept)

    return evaluate


def pull_jax(function: Callable, count: int) -> Callable:
    """The reverse-mode derivative of a function that returns several arrays."""

    def pulled(*arrays):
        import jax

        with jax.enable_x64(True):
            arrays = [jax.numpy.asarray(a) for a in arrays]
            given, upstream = arrays[:count], tuple(arrays[count:])
            real = [i for i, a in enumerate(given) if jax.numpy.issubdtype(a.dtype, jax.numpy.floating)]

            def of_real(*some):
                whole = dict(enumerate(given)) | dict(zip(real, some, strict=True))
                return tuple(function(*whole.values()))

            return jax.vjp(of_real, *(given[i] for i in real))[1](upstream)

    return pulled


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

    It returns terms, as for :func:`jax_loss`.  ``gradient(cotangent, *arguments, **options)`` returns their gradients
    by argument, as the pullback of a contract does; ``of``: for which arguments, where not for all.  Without it
    nothing but values is asked.  bfloat16 arrays are those of ml_dtypes.
    """
    limits = Supports(gradients=False if gradient is None else of or True, without_checks=DIFFERENTIATING)
    pull = None if gradient is None else Pull(pull_by_hand(gradient))
    return of_arrays(function, like, pull, reduces, limits, names)


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
