"""What an identity is: a law between a subject's answers to several cases, which holds within their bounds.

An identity is a function ``law(case, ask)`` that derives from a drawn case the cases that it is about, and says
which answers must be equal.  ``ask(case)`` gives every quantity of a case (values, gradients) as a ``Rounded``
array, shape (calls, ...): what was answered, and the bound and the spread that the oracle allows there.
``ask.like(told, other)`` gives the same quantities of another case without any bound, for laws whose two sides
have the same one.  All transformations of inputs are exact in the dtype of the case.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from conformance.case import Case, given, lift_rounded
from conformance.verdict import THRESHOLD
from reference import Contract
from reference.arithmetic.formats import FORMATS, Format
from reference.arithmetic.plain import plain
from reference.arithmetic.rounded import Model, Rounded
from reference.reductions import Reduction

#: The arithmetic in which answers are combined: float64, whose own rounding is charged too.
EXACT = Model(FORMATS["float64"])

Told = Mapping[str, Rounded]
lift = lift_rounded(EXACT)


@dataclass(frozen=True, eq=False)
class Claim:
    """Two arrays of one shape, (calls, ...), that must be equal within what is allowed.

    ``times``: how often the bound of the left side counts; twice where the right side has the same one.
    """

    quantity: str
    left: Rounded
    right: Rounded
    times: float = 1.0

    @property
    def allowed(self) -> np.ndarray:
        """How far the two sides may be apart; infinite where a bound is."""
        error = THRESHOLD * (self.times * self.left.error + self.right.error)
        spreads = [0.0 if x.spread is None else x.spread for x in (self.left, self.right)]
        return np.nan_to_num(error + self.times * spreads[0] + spreads[1], nan=np.inf, posinf=np.inf)

    @property
    def gap(self) -> np.ndarray:
        """How far they are apart: 0 where both are NaN or the same infinity."""
        left, right = self.left.value, self.right.value
        with np.errstate(all="ignore"):
            gap = np.where(left == right, 0.0, abs(left - right))
            gap = np.where(np.isnan(left) & np.isnan(right), 0.0, gap)
            return np.where(np.isnan(gap), np.inf, gap)

    def broken(self, format: Format) -> np.ndarray:
        """Where they differ by more; an infinity is right where the other side may exceed the format."""
        apart = (self.gap > self.allowed) & np.isfinite(self.allowed)
        reach = np.minimum(abs(self.left.value), abs(self.right.value)) + self.allowed
        same_sign = np.sign(self.left.value) == np.sign(self.right.value)
        return apart & ~(np.isinf(self.gap) & same_sign & (reach >= format.max))


@dataclass(frozen=True, eq=False)
class Identity:
    """One law: its name, words joined by hyphens; the contracts that it is about; what it claims of a case."""

    name: str
    concerns: Callable[[Contract], bool]
    law: Callable[[Case, Callable], Iterable[Claim]]

    @property
    def summary(self) -> str:
        """The law in one line."""
        return (inspect.getdoc(self.law) or "").partition("\n")[0]


#: Every identity by name, in the order of definition.
IDENTITIES: dict[str, Identity] = {}


def identity(name: str, concerns: Callable[[Contract], bool]) -> Callable[[Callable], Callable]:
    """Register the decorated ``law(case, ask)``, whose docstring states it."""

    def register(law: Callable) -> Callable:
        if name in IDENTITIES:
            raise ValueError(f"{name} is registered twice")
        IDENTITIES[name] = Identity(name, concerns, law)
        return law

    return register


def names(contract: Contract) -> tuple[str, ...]:
    """The identities that are about a contract."""
    return tuple(i.name for i in IDENTITIES.values() if i.concerns(contract))


def equal(left: Told, right: Told, via: Callable = lambda quantity, x: x, times: float = 1.0) -> Iterator[Claim]:
    """``via(quantity, left)`` equals the right side in every quantity of both; None is not compared."""
    for quantity in left:
        moved = via(quantity, left[quantity]) if quantity in right else None
        if moved is not None:
            yield Claim(quantity, moved, right[quantity], times)


def alike(left: Told, right: Told, via: Callable = lambda quantity, x: x) -> Iterator[Claim]:
    """The same where the right side came without bounds, since it has those of the left one."""
    return equal(left, right, via, times=2.0)


def constant(x) -> Rounded:
    """An array of exact numbers."""
    return Rounded.exact(np.asarray(x, float), EXACT)


def altered(case: Case, arguments: Mapping = {}, parameters: Mapping = {}, **rest) -> Case:
    """The case with some arguments and parameters, and other fields, replaced."""
    new = {"arguments": {**case.arguments, **arguments}, "parameters": {**case.parameters, **parameters}}
    return replace(case, **new, **rest)


def reduced_to(case: Case, reduction: str) -> Case:
    """The same calls with another reduction: one cotangent for all terms, or the first of theirs for the result."""
    other = replace(case, reduction=reduction)
    cotangents = {}
    for field, up in case.cotangents.items():
        shape = (case.calls, *other.result_shape(field))
        first = up.reshape(case.calls, -1)[:, :1].reshape(case.calls, *(1 for _ in shape[1:]))
        cotangents[field] = up if up.shape == shape else first * np.ones(shape)
    return replace(other, cotangents=cotangents)


def divisor(case: Case, reduction: Reduction) -> Rounded | None:
    """What a reduction divides the sum of each call by, shape (calls,); None where it does not."""
    found = reduction.divisor(given(case, lift), case.calls, case.shape)
    if found is None or isinstance(found, Rounded):
        return found
    return constant(np.broadcast_to(found, (case.calls,)))


def whole(x: Rounded, by: Rounded | None) -> Rounded:
    """A mean, shape (calls, ...), times its divisor, (calls,): the sum; 0 where nothing was summed."""
    if by is None:
        return x
    by = np.reshape(by, (-1, *(1 for _ in x.shape[1:])))
    return np.where(plain(by) == 0, 0.0, x * by)
