"""What is under test: an implementation of a loss, and how it is made and called."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from conformance.declared import Declared
from conformance.supports import Supports
from reference import CONTRACTS, Contract


@dataclass(frozen=True, eq=False)
class Subject:
    """An implementation of a loss, shaped like a ``torch.nn`` module or adapted to that shape.

    ``factory``: a class or function that is called as the constructor of torch.nn's own class is, and returns what
    is called as its modules are.  ``like``: the loss, a class of torch.nn or its name, or a contract or its name.
    ``name``: what results call it, by default where ``factory`` is from.
    ``make(factory, case, tensors)`` returns a fresh module for a case in place of that; ``tensors`` holds those of
    the constructor.  ``call(case, module, inputs)`` evaluates it on the tensors of one call, by name.
    ``supports``: what it is about, where that is not all of the contract.  ``deviations``: what it computes
    otherwise on purpose.  ``outside``: the invalid calls that cannot be put to it, by shell patterns of their names
    in :mod:`conformance.invalid` ("weight-*").  ``source``: MODULE:ATTR, where a script finds it.  ``problem``: why
    there is none.  Raises ValueError with one line that says what does not fit.
    """

    factory: Callable | None = None
    name: str = ""
    like: str | Contract | type | None = None
    make: Callable | None = None
    call: Callable | None = None
    supports: Supports | None = None
    deviations: tuple[Declared, ...] = ()
    outside: tuple[str, ...] = ()
    source: str | None = None
    problem: str | None = None

    def __post_init__(self):
        if self.factory is None and self.make is None and self.problem is None:
            raise ValueError("a subject has a factory, or a function make")
        if self.factory is not None and not callable(self.factory):
            raise ValueError(f"a subject is a class or a function, not {type(self.factory).__name__}")
        put = object.__setattr__
        put(self, "deviations", tuple(self.deviations) if isinstance(self.deviations, Sequence) else (self.deviations,))
        put(self, "like", self.like if self.like is None else name_of_loss(self.like))
        put(self, "name", self.name or name_of(self.factory or self.make))
        for said in filter(None, (self.supports, *self.deviations)):
            wrong = said.unknown(self.contracts) if self.like else None
            if wrong:
                raise ValueError(wrong)

    @property
    def is_torch(self) -> bool:
        """Whether this is torch.nn itself, whose deviations are recorded with the suite."""
        return self.name.startswith("torch.nn.") and self.name.removeprefix("torch.nn.").isidentifier()

    @property
    def loss(self) -> str:
        """The loss that it is of.  Raises ValueError where neither ``like`` nor its name says so."""
        own = getattr(self.factory, "__name__", "")
        if self.like is None and own not in losses():
            raise ValueError(f"{self.name} is no class of torch.nn by name: say which loss it is like")
        return self.like or own

    @property
    def contracts(self) -> list[Contract]:
        return [c for c in CONTRACTS.values() if c.loss == self.loss]

    def __call__(self, **given):
        """The module that stands for it, as torch.nn's own class makes one: parameters, tensors, ``reduction``."""
        from conformance.construction import Standing

        return Standing.of(self, given)


def losses() -> tuple[str, ...]:
    """Every loss that has a contract, by the name that results use."""
    return tuple(dict.fromkeys(c.loss for c in CONTRACTS.values()))


def name_of_loss(like: str | Contract | type) -> str:
    """The name that results use for a loss.  Raises ValueError for an unknown one."""
    found = like.loss if isinstance(like, Contract) else getattr(like, "__name__", like)
    found = CONTRACTS[found].loss if found in CONTRACTS else found
    if found not in losses():
        raise ValueError(f"unknown loss {found!r}: choose from {', '.join(losses())}, or give a contract")
    return found


def name_of(factory: Callable) -> str:
    """Where a class or function is from: ``torch.nn.HuberLoss``, ``functional.huber_loss``, ``my_losses:MyHuber``."""
    while not hasattr(factory, "__qualname__") and hasattr(factory, "func"):
        factory = factory.func
    own = getattr(factory, "__qualname__", type(factory).__qualname__)
    if getattr(torch.nn, own, None) is factory:
        return f"torch.nn.{own}"
    if getattr(torch.nn.functional, own, None) is factory:
        return f"functional.{own}"
    return f"{getattr(factory, '__module__', '')}:{own}"


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
    return Subject(factory, name=name, problem=None if factory else f"torch {torch.__version__} has no {name}")
