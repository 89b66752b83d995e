"""Which elements of an array are outside its domain."""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch

import numpy as np

from conformance.case import Case
from conformance.invalid.invalid import Invalid, Make, with_array, with_element
from reference.domains import (
    Array,
    Complex,
    Depends,
    Domain,
    Index,
    Interval,
    Labels,
    LabelSet,
    Length,
    LogProbabilities,
    OneOf,
    Probabilities,
)


@singledispatch
def of_elements(domain: Domain, name: str, array: Array) -> list[Invalid]:
    """Elements outside a domain.  Registered for every domain of arrays."""
    raise TypeError(f"no invalid elements for {domain}")


@of_elements.register(Complex)
@of_elements.register(LogProbabilities)
@of_elements.register(Probabilities)
def _(domain, name, array) -> list[Invalid]:
    """None: complex numbers may be any, and torch documents that it does not enforce distributions."""
    return []


@of_elements.register
def _(domain: Interval, name, array) -> list[Invalid]:
    return outside(name, lambda case: domain, (domain,))


@of_elements.register
def _(domain: Depends, name, array) -> list[Invalid]:
    def chosen(case: Case) -> Interval:
        return domain.yes if case.parameters[domain.on] else domain.no

    return outside(name, chosen, (domain.yes, domain.no))


def outside(name: str, chosen: Callable[[Case], Interval], domains: tuple[Interval, ...]) -> list[Invalid]:
    """Numbers below and above an interval, where it has ends."""
    found = []
    if any(np.isfinite(d.low) for d in domains):
        below = with_element(name, lambda case: _beyond(chosen(case).low, -0.5))
        found.append(Invalid(f"{name}-too-small", f"a number below the domain in {name}", below))
    if any(np.isfinite(d.high) for d in domains):
        above = with_element(name, lambda case: _beyond(chosen(case).high, 0.5))
        found.append(Invalid(f"{name}-too-large", f"a number above the domain in {name}", above))
    return found


def _beyond(end: float, step: float) -> float | None:
    return end + step if np.isfinite(end) else None


@of_elements.register
def _(domain: OneOf, name, array) -> list[Invalid]:
    other = with_element(name, lambda case: max(domain.values) + 1.0)
    listed = " or ".join(f"{v:g}" for v in domain.values)
    return [Invalid(f"{name}-unlisted", f"a number other than {listed} in {name}", other)]


def positions(name: str, of: str, negative: int, put: Callable[[Callable[[Case], int | None]], Make]) -> list[Invalid]:
    """Positions outside dimension ``of``; ``put(value)`` makes the change."""
    wrong = {
        "class-too-large": ("the number of classes as a class", lambda case: case.sizes[of][0]),
        "class-huge": ("the class 2**40", lambda case: 2**40),
        "class-negative": (f"the class {negative}", lambda case: negative),
    }
    return [Invalid(f"{name}-{what}", f"{how} in {name}", put(value), True) for what, (how, value) in wrong.items()]


@of_elements.register
def _(domain: Index, name, array) -> list[Invalid]:
    def put(value: Callable[[Case], int | None]) -> Make:
        def not_ignored(case: Case) -> int | None:
            wrong = value(case)
            return None if domain.ignore and wrong == case.parameters[domain.ignore] else wrong

        return with_element(name, not_ignored)

    return positions(name, domain.of, -1, put)


@of_elements.register
def _(domain: LabelSet, name, array) -> list[Invalid]:
    return positions(name, domain.of, -2, lambda value: with_element(name, value))


@of_elements.register
def _(domain: Labels, name, array) -> list[Invalid]:
    def put(value: Callable[[Case], int | None]) -> Make:
        return lambda case: _first_label(case, name, array.core[-1], value(case))

    blank = Invalid(f"{name}-blank", f"the blank as a label in {name}", put(lambda c: c.parameters[domain.blank]), True)
    return [*positions(name, domain.of, -1, put), blank]


def _first_label(case: Case, name: str, over: str, label: int) -> list[Case]:
    """The first label that counts is replaced; none where every target is empty."""
    arguments = case.contract.arguments
    length = next(k for k, a in arguments.items() if isinstance(a.domain, Length) and a.domain.of == over)
    rows = np.flatnonzero(case.arguments[length].reshape(-1))
    if not rows.size:
        return []
    array = case.arguments[name].copy()
    array.reshape(-1, array.shape[-1])[rows[0], 0] = label
    return [with_array(case, name, array)]


@of_elements.register
def _(domain: Length, name, array) -> list[Invalid]:
    wrong = {
        "exceeding": ("a length of one more than there are", lambda case: case.sizes[domain.of][0] + 1),
        "huge": ("a length of 2**20", lambda case: 2**20),
        "negative": ("a length of -1", lambda case: -1),
    }
    return [
        Invalid(f"{name}-{what}", f"{how} in {name}", with_element(name, value), True)
        for what, (how, value) in wrong.items()
    ]
