"""What an invalid call is: a valid case of one call, in which one thing is changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from conformance.case import Case

Make = Callable[[Case], list[Case]]


@dataclass(frozen=True)
class Invalid:
    """One way to make a call invalid.

    ``name``: ``<argument>-<what is wrong with it>``; ``why`` completes "accepts ...".  ``make(case)``: the invalid
    calls next to a valid case of one call; none where the case has no room for it.  ``perilous``: memory is
    indexed with what is wrong, so that the call may end the process.  ``generous``: whoever accepts it where
    torch does not does more than torch: the numbers mean what they did, in another dtype.
    """

    name: str
    why: str
    make: Make
    perilous: bool = False
    generous: bool = False


def accepted_in_mode(invalid: Invalid) -> str:
    """What a row says of a call that eager torch refuses and that is not refused in another mode."""
    return f"accepts {invalid.why}; eager torch.nn refuses it"


def with_array(case: Case, name: str, array: np.ndarray) -> Case:
    """The case with another array: one that is not float64 reaches a subject in the dtype that it has."""
    return replace(case, arguments=dict(case.arguments) | {name: array})


def with_element(name: str, value: Callable[[Case], object]) -> Make:
    """The first element of an argument is replaced by ``value(case)``; None: there is no such value."""

    def make(case: Case) -> list[Case]:
        array, wrong = case.arguments[name], value(case)
        if array is None or array.size == 0 or wrong is None:
            return []
        array = array.copy()
        array.reshape(-1)[0] = wrong
        return [with_array(case, name, array)]

    return make


def with_parameter(name: str, value: Callable[[Case], object]) -> Make:
    """A parameter is ``value(case)``."""
    return lambda case: [replace(case, parameters=dict(case.parameters) | {name: value(case)})]


def of_kind(argument: str, number: int, invalid: Invalid) -> Invalid:
    """The same change, made only where an argument is of one of its kinds, by number."""
    return replace(invalid, make=lambda case: invalid.make(case) if case.kinds.get(argument, 0) == number else [])
