"""Over which inputs is a loss proved?  Planes of two numbers, or lines of one, for every setting of the rest.

A *slot* is one number of one argument.  A contract has a space to exhaust where its terms depend on two slots at most
besides those that take a few listed values: signs, classes, and, where there is a third, a fixed grid.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from conformance.proof.patterns import boundaries, canonical, in_order, is_legal, numbers, width
from reference import CONTRACTS, Contract
from reference.arithmetic.formats import format_of
from reference.domains import BOOL, Array, Depends, Domain, Index, Interval, OneOf

#: What a third number is, where two are exhausted: small, ordinary, large.
GRID = (2.0**-10, 3.0, 1000.0)
#: What a probability is where its argument is not exhausted.
ENDS = (0.0, 1.0)
#: Classes of a row whose scores are both exhausted.
CLASSES = 2
#: Formats whose pairs can be exhausted, and that of which only single numbers can be.
PAIRED, SINGLE = ("bfloat16", "float16", "float8_e5m2"), ("float32",)


class Unprovable(ValueError):
    """There is no space to exhaust: the message says why, in one line."""


@dataclass(frozen=True)
class Slot:
    """One number of an argument: the argument itself, or one component of its rows."""

    argument: str
    component: int | None = None

    def __str__(self) -> str:
        return self.argument if self.component is None else f"{self.argument}[{self.component}]"


@dataclass(frozen=True)
class Plane:
    """All pairs of two slots, or all numbers of one (``columns`` is None), with everything else fixed."""

    contract_name: str
    dtype: str
    parameters: Mapping[str, object]
    fixed: Mapping[str, float | int | None]
    rows: Slot
    columns: Slot | None = None

    @property
    def contract(self) -> Contract:
        return CONTRACTS[self.contract_name]

    @property
    def is_halved(self) -> bool:
        """Whether rows are the upper and columns the lower half of the bits of one number."""
        return self.columns is None and width(format_of(self.dtype)) > 16

    @property
    def setting(self) -> str:
        """What is fixed, in words."""
        told = {k: v for k, v in self.parameters.items() if v != self.contract.defaults.get(k) or v in (True, False)}
        return ", ".join(f"{k}={v}" for k, v in (told | dict(self.fixed)).items() if v is not None)

    def domain(self, slot: Slot) -> Interval:
        return resolved(self.contract.arguments[slot.argument].domain, self.parameters)

    def axis(self, slot: Slot) -> np.ndarray:
        """The legal patterns of a slot, in the order of their numbers."""
        bits = in_order(width(format_of(self.dtype)))
        return bits[is_legal(numbers(bits, self.dtype), self.domain(slot))]

    def axes(self) -> tuple[np.ndarray, np.ndarray]:
        """The patterns of rows and of columns; of a number that is halved those of its halves."""
        if self.is_halved:
            upper = in_order(16)
            ends = (numbers(upper << 16 | low, self.dtype) for low in (0, 0xFFFF))
            return upper[np.logical_or(*(is_legal(end, self.domain(self.rows)) for end in ends))], np.arange(1 << 16)
        return self.axis(self.rows), np.zeros(1, int) if self.columns is None else self.axis(self.columns)

    @property
    def size(self) -> int:
        """The legal inputs: pairs, or numbers."""
        rows, columns = self.axes()
        if not self.is_halved:
            return len(rows) * len(columns)
        upper, lower = rows[:, None] << 16, columns[None, :]
        whole = np.isfinite(numbers(upper | lower[:, [0, -1]], self.dtype)).all(axis=1)  # of one sign: no end within
        whole &= is_legal(numbers(upper | lower[:, [0, -1]], self.dtype), self.domain(self.rows)).all(axis=1)
        parts = is_legal(numbers(upper[~whole] | lower, self.dtype), self.domain(self.rows))
        return int(whole.sum()) * len(columns) + int(parts.sum())

    def corners(self, slot: Slot, bits: np.ndarray) -> np.ndarray:
        """Which of the patterns of a slot a fraction keeps with all their partners, as a mask."""
        more = tuple(v for v in self.parameters.values() if isinstance(v, float))
        return boundaries(numbers(bits, self.dtype), self.dtype, more) | (bits == canonical(self.dtype))


def planes(contract: Contract, dtype: str, given: Mapping[str, object] | None = None) -> list[Plane]:
    """Every plane of a contract's space.  ``given``: parameters and listed arguments at these values only.

    Raises Unprovable where there is no space of two numbers, or where ``given`` names something else.
    """
    given = dict(given or {})
    free, listed = slots(contract, dtype)
    choices = {k: settings(contract, k, d) for k, d in contract.parameters.items()} | listed
    for name, value in given.items():
        if name not in choices:
            raise Unprovable(f"{contract.loss} has no {name!r} to set: choose from {', '.join(choices) or 'nothing'}")
        choices[name] = (value,)
    found = []
    for values in itertools.product(*choices.values()):
        chosen = dict(zip(choices, values, strict=True))
        parameters = {k: chosen[k] for k in contract.parameters}
        fixed = {k: format_round(dtype, chosen[k]) for k in listed}
        found.append(Plane(contract.name, dtype, parameters, fixed, *free))
    return found


def format_round(dtype: str, value):
    return float(format_of(dtype).round(value)) if isinstance(value, float) else value


def slots(contract: Contract, dtype: str) -> tuple[list[Slot], dict[str, tuple]]:
    """The slots that are exhausted, and what the other arguments may be, by name."""
    if dtype not in PAIRED + SINGLE:
        raise Unprovable(f"{dtype} has too many numbers to exhaust: choose from {', '.join(PAIRED + SINGLE)}")
    if contract.torch is not None and dtype in SINGLE + PAIRED[:2] and dtype not in contract.dtypes:
        raise Unprovable(f"{contract.name} is not about {dtype}")
    if len(contract.fields) > 1 or "none" not in contract.reductions:
        raise Unprovable(f"{contract.loss} has no unreduced terms, one number each")
    free, listed = [], {}
    for name, array in contract.arguments.items():
        if array.optional:
            listed[name] = (None,)
        elif (values := few(array)) is not None:
            listed[name] = values
        else:
            free += slots_of(contract, name, array)
    if dtype in SINGLE:
        free, listed = singled(contract, free, listed)
    for slot in free[2:]:
        if slot.component is not None:
            raise Unprovable(f"{contract.loss} depends on more than two numbers at once")
        listed[slot.argument] = GRID
    if not free:
        raise Unprovable(f"{contract.loss} depends on no number")
    return free[:2], listed


def singled(contract: Contract, free: list[Slot], listed: dict) -> tuple[list[Slot], dict]:
    """The same where only one number can be exhausted: a probability is nought or one."""
    kept = []
    for slot in free:
        domain = contract.arguments[slot.argument].domain
        ends = isinstance(domain, Interval) and (domain.low, domain.high) == ENDS
        if kept and ends and slot.component is None:
            listed[slot.argument] = ENDS
        else:
            kept.append(slot)
    if len(kept) != 1:
        raise Unprovable(
            f"{contract.loss} depends on two float32 numbers, which are too many pairs: use a 16-bit format"
        )
    return kept, listed


def few(array: Array) -> tuple | None:
    """The values of an argument that takes a few; None for others."""
    if isinstance(array.domain, OneOf) and not array.core:
        return array.domain.values
    return tuple(range(CLASSES)) if isinstance(array.domain, Index) and not array.core else None


def slots_of(contract: Contract, name: str, array: Array) -> list[Slot]:
    """The slots of an argument of real numbers, of which a row has one, or one for each class."""
    if not isinstance(array.domain, Interval | Depends) or len(array.core) > 1:
        raise Unprovable(f"{contract.loss}: what {name} may be cannot be exhausted")
    return [Slot(name, i) for i in range(CLASSES)] if array.core else [Slot(name)]


def settings(contract: Contract, name: str, domain: Domain) -> tuple:
    """What a parameter is: both, where it is a switch, or its default."""
    if domain == BOOL:
        return BOOL.values
    if name not in contract.defaults:
        raise Unprovable(f"{contract.loss}: {name} has no default, set it: --set {name}=VALUE")
    return (contract.defaults[name],)


def resolved(domain: Domain, parameters: Mapping[str, object]) -> Interval:
    if isinstance(domain, Depends):
        return domain.yes if parameters[domain.on] else domain.no
    return domain
