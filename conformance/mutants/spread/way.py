"""What a way of being wrong is: which check it is planted for, which losses it fits, how it changes a loss."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass

from reference import CONTRACTS, Contract

#: Every way by name, in the order of definition.
WAYS: dict[str, Way] = {}


@dataclass(frozen=True)
class Way:
    """A bug that may befall many losses.

    ``check`` is the one it is planted for; ``fits(contract)`` says which losses it may befall.  ``change(base)``
    gives the attributes of the wrong subclass of a loss.  ``stands_in``: judged as torch.nn itself is, since of
    others the check only notes it.  ``alone``: it changes the process that it runs in.
    """

    name: str
    check: str
    wrong: str
    fits: Callable[[Contract], bool]
    change: Callable[[type], dict]
    stands_in: bool = False
    alone: bool = False


def of_class(check: str, fits: Callable[[Contract], bool] = lambda contract: True, **marks):
    """Register the decorated ``change(base)``; its docstring says what is wrong."""

    def register(change: Callable[[type], dict]) -> Callable:
        name = change.__name__
        if name in WAYS:
            raise ValueError(f"{name} is registered twice")
        WAYS[name] = Way(name, check, inspect.getdoc(change), fits, change, **marks)
        return change

    return register


def way(check: str, fits: Callable[[Contract], bool] = lambda contract: True, **marks):
    """Register the decorated ``wrong(call, module, *tensors)``, which stands in for the loss's ``forward``.

    ``call(*tensors)`` is the right one.
    """

    def register(wrong: Callable) -> Callable:
        def change(base: type) -> dict:
            def forward(self, *tensors):
                return wrong(lambda *given: base.forward(self, *given), self, *tensors)

            return {"forward": forward}

        change.__name__, change.__doc__ = wrong.__name__, wrong.__doc__
        of_class(check, fits, **marks)(change)
        return wrong

    return register


def on_value(change: Callable, result):
    """A result with its first field, or itself, changed."""
    return result._replace(output=change(result.output)) if isinstance(result, tuple) else change(result)


def is_float(x) -> bool:
    return x.is_floating_point() or x.is_complex()


def floats(change: Callable, tensors) -> list:
    """The tensors, those of numbers changed."""
    return [change(x) if is_float(x) else x for x in tensors]


def first(change: Callable, tensors) -> list:
    """The tensors, the first one, which is of numbers, changed."""
    return [change(tensors[0]), *tensors[1:]]


def last(change: Callable, tensors) -> list:
    """The tensors, the last one that is of numbers changed."""
    at = max(i for i, x in enumerate(tensors) if is_float(x))
    return [change(x) if i == at else x for i, x in enumerate(tensors)]


def reduces(contract: Contract) -> bool:
    return len(contract.reductions) > 1


def with_reduction(module, reduction: str, call: Callable, tensors):
    """What a loss gives under another reduction."""
    own, module.reduction = module.reduction, reduction
    try:
        return call(*tensors)
    finally:
        module.reduction = own


def losses() -> list[str]:
    """Every loss of torch.nn that has a contract."""
    return list(dict.fromkeys(c.torch for c in CONTRACTS.values() if c.torch))
