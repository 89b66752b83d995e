"""Which values a parameter of a loss must not have."""

from __future__ import annotations

from functools import singledispatch

import numpy as np

from conformance.invalid.invalid import Invalid, Make, of_kind, with_parameter
from reference import Contract
from reference.domains import Domain, Index, Interval, Labels, OneOf


@singledispatch
def of_parameter(domain: Domain, name: str, contract: Contract) -> list[Invalid]:
    """Values outside the domain of a parameter.  Registered for every domain of parameters."""
    raise TypeError(f"no invalid values for a parameter in {domain}")


@of_parameter.register
def _(domain: Interval, name, contract) -> list[Invalid]:
    wrong = [("text", "1")]
    if np.isfinite(domain.low):
        wrong += [("at-the-end", domain.low)] if domain.open else []
        wrong += [("too-small", domain.low - 0.5)]
    if np.isfinite(domain.high):
        wrong += [("too-large", domain.high + 0.5)]
    return [fixed(name, what, value) for what, value in wrong]


def fixed(name: str, what: str, value) -> Invalid:
    """A parameter that is one value in every case."""
    shown = f"the text {value!r}" if isinstance(value, str) else f"{value:g}"
    return Invalid(f"{name}-{what}", f"{shown} as {name}", with_parameter(name, lambda case: value))


@of_parameter.register
def _(domain: OneOf, name, contract) -> list[Invalid]:
    """Other than the listed values, which for positions are some of many, and for truth values all there are."""
    if all(isinstance(v, bool) for v in domain.values):
        return []
    text = fixed(name, "text", "1")
    for argument, array in contract.arguments.items():
        for number, kind in enumerate(array.kinds):
            if isinstance(kind.domain, Labels) and kind.domain.blank == name:
                return [*of_blank(name, kind.domain.of), text]
            if isinstance(kind.domain, Index) and kind.domain.ignore == name:
                return [of_kind(argument, number, text)]
    if not all(isinstance(v, int | float) for v in domain.values):
        return [text]
    return [fixed(name, "unlisted", next(n for n in range(1, 100) if n not in domain.values)), text]


def of_blank(name: str, of: str) -> list[Invalid]:
    """A blank that is no class."""
    return [
        Invalid(f"{name}-too-large", f"the number of classes as {name}", _with_size(name, of), True),
        Invalid(f"{name}-negative", f"-1 as {name}", with_parameter(name, lambda case: -1), True),
    ]


def _with_size(name: str, of: str) -> Make:
    return with_parameter(name, lambda case: case.sizes[of][0])
