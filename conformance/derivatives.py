"""What does the oracle expect of the derivatives beyond the first gradient, along directions given to a case?

Two questions, each a case like any other.  *Forward mode*: how the value changes along the directions, J v.
*Second derivative*: how the gradients, for the case's cotangent, change along them, H v.  H is symmetric, so
that H v is also the gradient of <gradient, v>, which is how a subject is asked by differentiating twice; the
derivative of that inner product by the cotangent is J v.

J v is the hand-derived pullback applied to the directions; H v is the derivative of that pullback.  Where a
gradient has a kink both slopes are right; where it jumps it has no derivative, and nothing is promised.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from conformance.case import Case, lift_rounded, row_gradients, values
from conformance.sampling import cotangent
from reference.arithmetic.certified import Certified, certified_precision
from reference.arithmetic.dual import Dual, derivative
from reference.arithmetic.rounded import Model, Rounded

Directions = Mapping[str, np.ndarray]


def directions(case: Case, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Along which way each argument moves: an array of its shape, calls included, of numbers of the format.

    A function of the argument's name and of its shape in one call: of either sign, of different sizes.
    """
    return {name: _direction(case, name) for name in names}


def _direction(case: Case, name: str) -> np.ndarray:
    array = case.arguments[name]
    shape = array.shape if case.is_shared(name) else array.shape[1:]
    seed = zlib.crc32(repr((case.contract_name, name, shape)).encode())
    drawn = cotangent(np.random.default_rng(seed), case.format, shape)
    return np.broadcast_to(drawn, array.shape).copy()


@dataclass(frozen=True, eq=False)
class Moving(Case):
    """A case whose arguments move along the directions: whatever is evaluated on it is a Dual."""

    along: Directions = field(default_factory=dict)

    def lifted(self, name: str, rows: np.ndarray, lift: Callable) -> Dual:
        moves = self.along.get(name)
        return Dual(lift(rows), None if moves is None else move(lift, self.in_rows(name, moves)))


def moving(case: Case, along: Directions) -> Moving:
    """The same case, its arguments moving along the directions, by name."""
    return Moving(**{k: getattr(case, k) for k in Case.__dataclass_fields__}, along=along)


def tangents(case: Case, along: Directions, lift: Callable, pullback: Callable | None = None) -> dict[str, object]:
    """How every field changes along the directions over an arithmetic, shape (calls, shape of the result).

    ``pullback`` stands in for the contract's, as in :func:`conformance.case.gradients`.
    """
    moves = {k: move(lift, case.in_rows(k, v)) for k, v in along.items()}
    ones, pullback = lift(np.ones(case.rows)), pullback or case.contract.pull
    return values(case, lift, lambda **given: tangent_of_terms(pullback, ones, given, moves))


def second(case: Case, along: Directions, lift: Callable) -> dict[str, object]:
    """How the gradient of every argument changes along the directions, shape (calls, the argument's)."""
    return {f"grad_{k}": case.from_rows(k, g) for k, g in tangents_of_gradients(case, along, lift).items()}


def tangents_of_gradients(case: Case, along: Directions, lift: Callable) -> dict[str, object]:
    """The same by argument and in row form; anything goes where a gradient has a kink."""
    return {k: derivative_of_gradient(g) for k, g in row_gradients(moving(case, along), lift).items()}


def move(lift: Callable, direction: np.ndarray):
    """A direction, known up to one rounding: differentiation adds up what arrives by each path on its own."""
    lifted = lift(direction)
    return lift_perturbed(lifted.model)(direction) if isinstance(lifted, Rounded) else lifted


def tangent_of_terms(pullback: Callable, ones, given: Mapping, moves: Mapping):
    """How the terms change, shape (R,), where arguments move, all in row form; ``ones``: a one for each term."""
    slopes = pullback(ones, **given)
    parts = [slopes[k] * move for k, move in moves.items()]
    totals = [np.sum(p, axis=tuple(range(1, p.ndim))) for p in parts]
    return sum(totals[1:], totals[0])


def derivative_of_gradient(gradient):
    """The tangent of a gradient; without bound where it jumps, unless it is constant on every side."""
    tangent, primal = derivative(gradient), getattr(gradient, "primal", None)
    if not isinstance(primal, Rounded) or primal.spread is None or gradient.tangent is None:
        return tangent
    return _without(tangent, primal.spread > 0)


def _without(x: Rounded, mask: np.ndarray) -> Rounded:
    """The same without a bound where a mask says so."""
    return Rounded(x.value, np.where(mask, np.inf, x.error), x.model, x.spread)


def lift_perturbed(model: Model) -> Callable:
    """Numbers known up to one rounding: the bound then covers what a backward stable evaluation may give."""
    return lambda x: Rounded(x, model.unit * abs(np.asarray(x)), model)


@dataclass(frozen=True, eq=False)
class Forward(Case):
    """A case whose values are their derivatives along the directions of the arguments named in ``along``."""

    along: tuple[str, ...] = ()

    @classmethod
    def of(cls, case: Case, along: tuple[str, ...] | None = None):
        """The same inputs, with another question; ``along`` is every differentiable argument by default."""
        if along is None and isinstance(case, cls):
            return case
        fields = {k: getattr(case, k) for k in Case.__dataclass_fields__}
        return cls(**fields, along=case.differentiable if along is None else along)

    @cached_property
    def directions(self) -> dict[str, np.ndarray]:
        return directions(self, self.along)

    def evaluated(self, lift: Callable) -> dict[str, object]:
        """All quantities over an arithmetic."""
        return tangents(self, self.directions, lift)

    def origin(self, quantity: str) -> str | None:
        """Where what is expected comes from, where that is no pullback written by hand."""
        return None if self.contract.pullback is not None else "the formula, differentiated step by step"

    def promise(self, quantity: str) -> str:
        """Differentiating step by step promises no more than grade C."""
        return "C"

    @cached_property
    def expected_values(self) -> dict[str, Rounded]:
        """Nothing is promised of the derivative of an undefined value."""
        model = Model(self.format.working, kinks=True, reordered=self.reordered)
        found = self._stored(tangents(self, self.directions, lift_rounded(model)))
        return {k: _without(r, np.isnan(r.value)) for k, r in found.items()}

    @cached_property
    def coarse(self) -> dict[str, Rounded]:
        """The bound of a declared coarser scale: four times that of a backward stable evaluation."""
        wide = self.format.working != self.format
        model = Model(self.format, kinks=True, sequential=wide, wide=wide)
        found = self.evaluated(lift_perturbed(model)).items()
        return self._stored({k: Rounded(r.value, 4 * r.error, r.model, r.spread) for k, r in found})

    def truth(self, kinks: bool) -> dict[str, Certified]:
        """Certified enclosures of the derivatives, whatever ``kinks``: those of values may have kinks too."""
        return self._enclosures

    @cached_property
    def _enclosures(self) -> dict[str, Certified]:
        with certified_precision():
            return self.evaluated(lambda x: Certified.exact(x, kinks=True))


@dataclass(frozen=True, eq=False)
class Second(Forward):
    """A case whose gradients are their derivatives along the directions; its values are those of Forward."""

    def evaluated(self, lift: Callable) -> dict[str, object]:
        return super().evaluated(lift) | second(self, self.directions, lift)

    @property
    def differentiable(self) -> tuple[str, ...]:
        return tuple(k.removeprefix("grad_") for k in self.expected_gradients)

    @cached_property
    def expected_gradients(self) -> dict[str, Rounded]:
        model = Model(self.format.working, kinks=True, reordered=self.reordered)
        return self._stored(second(self, self.directions, lift_rounded(model)))
