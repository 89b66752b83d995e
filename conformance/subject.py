"""What is under test: an implementation of a loss, and how it is made and called."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass

import torch

from reference import Contract


@dataclass(frozen=True)
class Subject:
    """An implementation of a loss, shaped like a ``torch.nn`` module or adapted to that shape.

    ``make(factory, case, tensors)`` returns a fresh module for a case; ``tensors`` holds those of the
    constructor.  ``call(case, module, inputs)`` evaluates it on the tensors of one call, by name.  The
    defaults call ``factory`` as torch.nn's own class is called; ``problem`` is why there is none.
    ``outside``: the invalid calls that cannot be put to it, by shell patterns of their names in
    :mod:`conformance.invalid` ("weight-*").
    """

    name: str
    factory: Callable | None = None
    problem: str | None = None
    make: Callable | None = None
    call: Callable | None = None
    outside: tuple[str, ...] = ()

    @property
    def is_torch(self) -> bool:
        """Whether this is torch.nn itself, whose deviations are recorded with the suite."""
        return self.name.startswith("torch.nn.")


def single_threaded() -> None:
    """One thread for each worker: small tensors gain nothing from more, and sums then do not depend on them."""
    torch.set_num_threads(1)


def documentation(contract: Contract) -> str:
    """What torch documents about the loss, with single spaces; empty where torch has none."""
    return " ".join((inspect.getdoc(getattr(torch.nn, contract.torch or "", None)) or "").split())


def torch_subject(contract: Contract) -> Subject:
    """Eager torch.nn's own class for a contract, or a subject with the problem that torch lacks it."""
    name = f"torch.nn.{contract.torch}"
    factory = getattr(torch.nn, contract.torch or "", None)
    return Subject(name, factory, None if factory else f"torch {torch.__version__} has no {name}")
