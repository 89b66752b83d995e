"""Where the values of an argument live, and how its dimensions are laid out."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from math import inf


@dataclass(frozen=True)
class Domain:
    """A set of scalars; index it with a layout (``REAL["n? (c) *d"]``) to describe an array of them."""

    def __getitem__(self, layout: str) -> Array:
        return Array(self, tuple(Dim.parse(word) for word in layout.split()))


@dataclass(frozen=True)
class Interval(Domain):
    """The real numbers from ``low`` to ``high``, without the end points where ``open``.

    ``infinite``: the infinities that mean something all the same, as their limit: "-", "+" or both.
    """

    low: float = -inf
    high: float = inf
    open: bool = False
    infinite: str = ""


@dataclass(frozen=True)
class OneOf(Domain):
    """One of a few listed values."""

    values: tuple


@dataclass(frozen=True)
class Index(Domain):
    """Positions along dimension ``of``; the parameter ``ignore`` holds the one position to leave out."""

    of: str
    ignore: str | None = None


@dataclass(frozen=True)
class LabelSet(Domain):
    """Distinct positions along dimension ``of``, then -1, then anything (multi-label margin targets)."""

    of: str


@dataclass(frozen=True)
class Labels(Domain):
    """Class labels along dimension ``of`` other than the one that the parameter ``blank`` names (CTC)."""

    of: str
    blank: str


@dataclass(frozen=True)
class Length(Domain):
    """How many of the positions along dimension ``of`` count, at least ``least``.

    ``fits``: the earlier argument of lengths that it is aligned with: seldom more than about half of them.
    """

    of: str
    least: int = 0
    fits: str | None = None


@dataclass(frozen=True)
class LogProbabilities(Domain):
    """Logarithms of probabilities that sum to one along dimension ``over``, up to rounding; -inf is one."""

    over: str


@dataclass(frozen=True)
class Probabilities(Domain):
    """Probabilities that sum to one along dimension ``over``, up to rounding."""

    over: str


@dataclass(frozen=True)
class Depends(Domain):
    """The domain ``yes`` where the boolean parameter ``on`` is true, else ``no``: both of real numbers."""

    on: str
    yes: Interval
    no: Interval


@dataclass(frozen=True)
class Complex(Domain):
    """Complex numbers.  References see them as a last dimension of size two: real, imaginary."""


@dataclass(frozen=True)
class Dim:
    """One word of a layout: ``n`` a dimension, ``n?`` one that may be left out, ``*d`` any number of
    them, ``(c)`` a core dimension, which the formula sees; over all others it is evaluated row by row."""

    name: str
    core: bool = False
    starred: bool = False
    optional: bool = False

    @classmethod
    def parse(cls, word: str) -> Dim:
        match = re.fullmatch(r"(\*?)(\(?)(\w+)(\)?)(\??)", word)
        if not match or bool(match[2]) != bool(match[4]):
            raise ValueError(f"{word!r} is no dimension: write n, n?, *d or (c)")
        return cls(match[3], core=bool(match[2]), starred=bool(match[1]), optional=bool(match[5]))


@dataclass(frozen=True)
class Array:
    """An array argument: a domain for its elements and a layout.  A name means the same size everywhere.

    ``optional``: the argument may be None.  ``broadcasts``: its dimensions may have size one, "all" of those
    that are not core or only the "last".  ``otherwise``: a second kind of array accepted in its place.
    """

    domain: Domain
    layout: tuple[Dim, ...]
    optional: bool = False
    broadcasts: str = ""
    otherwise: Array | None = None

    def __or__(self, other: Array | None) -> Array:
        """``X["(c)"] | None``: may be left out.  ``Index(...)["n"] | UNIT["n (c)"]``: one kind or the other."""
        return replace(self, optional=True) if other is None else replace(self, otherwise=other)

    def broadcast(self, last: bool = False) -> Array:
        """The same argument, whose dimensions (the ``last`` one only) may have size one."""
        return replace(self, broadcasts="last" if last else "all")

    @property
    def kinds(self) -> tuple[Array, ...]:
        return (self,) if self.otherwise is None else (self, self.otherwise)

    @property
    def core(self) -> tuple[str, ...]:
        return tuple(d.name for d in self.layout if d.core)

    @property
    def loops(self) -> tuple[Dim, ...]:
        return tuple(d for d in self.layout if not d.core)

    @property
    def floating(self) -> bool:
        """Whether the elements are floating-point numbers of the dtype under test."""
        if isinstance(self.domain, OneOf):
            return all(isinstance(v, float) for v in self.domain.values)
        return isinstance(self.domain, Interval | Depends | LogProbabilities | Probabilities | Complex)


REAL = Interval()
#: Log-odds, whose infinities are certainty; scores and log-probabilities, minus infinity for what cannot be.
LOG_ODDS = Interval(infinite="-+")
SCORE = Interval(infinite="-")
POSITIVE = Interval(0.0, inf, open=True)
NON_NEGATIVE = Interval(0.0, inf)
NON_POSITIVE = Interval(-inf, 0.0)
LOG_PROBABILITY = Interval(-inf, 0.0, infinite="-")
UNIT = Interval(0.0, 1.0)
BOOL = OneOf((False, True))
SIGN = OneOf((-1.0, 1.0))
BINARY = OneOf((0.0, 1.0))
COMPLEX = Complex()
