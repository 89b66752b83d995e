"""What the answer is where numbers are none: NaN stands for any number, an infinity for a limit.

A special case is evaluated by the oracle on *probes*, in which other numbers stand for those that are none:
several finite ones for a NaN, ever larger ones, in several orders, for infinities.  Where all probes agree,
that is the answer; where they all leave the format on one side, it is that infinity; where numbers that stand
for NaN make a difference, it is NaN; where the orders of infinities make one, nothing is promised.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np

from conformance.case import Case, gradients, lift_rounded, values
from reference.arithmetic.certified import Certified
from reference.arithmetic.formats import Format
from reference.arithmetic.rounded import Model, Rounded
from reference.domains import Depends, Interval, LogProbabilities, OneOf, Probabilities

#: What stands for a NaN, one after the other; in bounded domains what stands at these shares of them.
ANY = (0.0, 2.0**80, -(2.0**80), 2.75)
SHARES = (0.5, 0.125, 0.875, 0.25)
#: Exponents of what stands for infinity: far beyond every number of a case, and far below float64's largest.
FAR = (160, 290)
#: What exceeds this in all probes is infinite; what differs among them and is below VANISHING is nought, unless a
#: number of the case is so small that an infinity times it is not large in the probes.
LIMIT = 2.0**140
VANISHING = 2.0**-100


@dataclass(frozen=True, eq=False)
class SpecialCase(Case):
    """A case some of whose arguments or cotangents hold NaN or infinities."""

    judged_in_part = True

    @cached_property
    def has_nan(self) -> bool:
        return any(np.isnan(a).any() for a in _floats(self))

    @cached_property
    def may_vanish(self) -> bool:
        """Whether what is small in all probes is so since an infinity divides it, and not by a number of the case."""
        sizes = [abs(a[np.isfinite(a) & (a != 0)]) for a in _floats(self)]
        return min((np.min(s) for s in sizes if s.size), default=1.0) >= 2.0 ** -FAR[0]

    @cached_property
    def probes(self) -> tuple[Case, ...]:
        """The cases, of finite numbers, that this one stands for."""
        plain = Case(**{f.name: getattr(self, f.name) for f in fields(Case)})
        return tuple(_probe(plain, i) for i in range(len(ANY)))

    @cached_property
    def expected_values(self) -> dict[str, Rounded]:
        return self._merged(values, Model(without_overflow(self.format.working), reordered=self.reordered))

    @cached_property
    def expected_gradients(self) -> dict[str, Rounded]:
        model = Model(without_overflow(self.format.working), kinks=True, reordered=self.reordered)
        return self._merged(gradients, model)

    @cached_property
    def coarse(self) -> dict[str, Rounded]:
        """The same with the bounds of grade C."""
        if self.format.working == self.format:
            fine = self.expected_values | self.expected_gradients
            return {k: Rounded(r.value, 4 * r.error, r.model, r.spread) for k, r in fine.items()}
        model = Model(without_overflow(self.format), sequential=True)
        return self._merged(values, model) | self._merged(gradients, replace(model, kinks=True))

    def _merged(self, evaluate, model: Model) -> dict[str, Rounded]:
        with np.errstate(all="ignore"):  # formulas take differences of infinities that they then mask
            found = [evaluate(probe, lift_rounded(model)) for probe in self.probes]
        merged = {k: merge([f[k] for f in found], self.has_nan, self.may_vanish) for k in found[0]}
        kept = {k: r.stored(self.format) for k, r in merged.items()}
        return {k: self._without_promise(k, r) if k.startswith("grad_") else r for k, r in kept.items()}

    def _without_promise(self, quantity: str, expected: Rounded) -> Rounded:
        """Nothing is promised of the gradient by what is no number: only that it harms no other row."""
        marks = self.reached(quantity, self._touched_from_above() | self._undefined() & ~self._ignored())
        return Rounded(expected.value, np.where(marks, np.inf, expected.error), expected.model, expected.spread)

    def origin(self, quantity: str) -> str | None:
        told = super().origin(quantity)
        return told and "the formula, differentiated step by step"

    def true(self, quantity: str) -> Certified:
        """The same, as certain as float64 numbers are: the limit of a formula has no enclosure."""
        value = self.expected(quantity).value
        return Certified.exact(np.where(np.isfinite(value), value, 0.0))

    def certain_overflow(self, quantity: str) -> None:
        return None

    def tolerates_nan(self, quantity: str) -> np.ndarray:
        """Where NaN is right besides the answer: in rows that hold what is no number, shape (calls, ...)."""
        return self.reached(quantity, self._undefined() & ~self._ignored())

    def _undefined(self) -> np.ndarray:
        """The rows that hold a NaN, or an infinity that means nothing to the contract, shape (rows,)."""
        held = np.zeros(self.rows, bool)
        for name, array in self.arguments.items():
            if array is None or array.dtype != float or np.isfinite(array).all():
                continue
            rows, domain = self.in_rows(name), self.layout(name).domain
            odd = np.isnan(rows)
            for sign in (-np.inf, np.inf):
                odd |= (rows == sign) & (not means(self, domain, sign))
            held |= odd.any(axis=tuple(range(1, odd.ndim)))
        return held

    def _touched_from_above(self) -> np.ndarray:
        """The rows that an upstream gradient which is no number reaches, shape (rows,)."""
        touched = np.zeros((self.calls, self.rows // self.calls), bool)
        for upstream in self.cotangents.values():
            odd = ~np.isfinite(upstream.reshape(self.calls, -1))
            touched |= odd if odd.shape == touched.shape else odd.any(axis=1, keepdims=True)
        return touched.reshape(-1)

    def _ignored(self) -> np.ndarray:
        for name, array in self.contract.arguments.items():
            ignore = getattr(array.domain, "ignore", None)
            if ignore is not None and self.kinds.get(name, 0) == 0:
                return self.in_rows(name) == self.parameters[ignore]
        return np.zeros(self.rows, bool)

    def reached(self, quantity: str, rows: np.ndarray) -> np.ndarray:
        """The elements of a quantity that depend on some of these rows, shape (calls, ...)."""
        if quantity.startswith("grad_"):
            name = quantity.removeprefix("grad_")
            marks = np.ones_like(self.in_rows(name)) * rows.reshape(-1, *(1 for _ in self.in_rows(name).shape[1:]))
            return self.from_rows(name, marks) > 0
        shape = (self.calls, *self.result_shape(quantity))
        if shape[1:] == self.shape:
            return rows.reshape(shape)
        return rows.reshape(self.calls, -1).any(axis=1).reshape(shape)


def as_special(case: Case) -> Case:
    """The case, as a special one if some of its numbers are none."""
    if all(np.isfinite(a).all() for a in _floats(case)):
        return case
    return SpecialCase(**{f.name: getattr(case, f.name) for f in fields(Case)})


def without_overflow(format: Format) -> Format:
    """The format with float64's largest exponent: the limit is looked for beyond the format's own numbers."""
    return replace(format, emax=1023)


def means(case: Case, domain, sign: float) -> bool:
    """Whether an infinity is an element of the domain."""
    if isinstance(domain, Depends):
        domain = domain.yes if case.parameters[domain.on] else domain.no
    if isinstance(domain, LogProbabilities):
        return sign < 0
    return isinstance(domain, Interval) and ("-" if sign < 0 else "+") in domain.infinite


def merge(found: list[Rounded], any_number: bool, may_vanish: bool = True) -> Rounded:
    """What all probes together say; ``any_number``: they differ in what stands for NaN; ``may_vanish``: what is small
    in all of them, and differs, is nought."""
    with np.errstate(all="ignore"):
        value, reach = np.stack([r.value for r in found]), np.stack([_reach(r) for r in found])
        low, high = value - reach, value + reach
        unknown = np.isnan(low) | np.isnan(high)  # overflowed even here: as large as can be, or nothing at all
        low, high = np.where(unknown, value, low), np.where(unknown, value, high)
        known = ~np.isnan(value).any(axis=0)
        same = known & (np.max(low, axis=0) <= np.min(high, axis=0))
        gone = known & ~np.all(value == value[0], axis=0) & np.all(abs(value) <= VANISHING, axis=0)
        lost, gone = gone & (not may_vanish), gone & may_vanish
        beyond = [known & np.all(low >= LIMIT, axis=0), known & np.all(high <= -LIMIT, axis=0)]
    narrowest = np.expand_dims(np.argmin(reach, axis=0), 0)
    answer, bound, spread = (np.take_along_axis(part, narrowest, 0)[0] for part in (value, *_parts(found)))
    answer, bound = np.where(gone, 0.0, answer), np.where(same | gone, bound, np.inf)
    if any_number:
        changes = known & ~same & ~gone & ~lost & ~beyond[0] & ~beyond[1]
        answer, bound = np.where(changes, np.nan, answer), np.where(changes, 0.0, bound)
    answer = np.where(beyond[0], np.inf, np.where(beyond[1], -np.inf, answer))
    return Rounded(answer, np.where(beyond[0] | beyond[1], 0.0, bound), found[0].model, spread)


def _parts(found: list[Rounded]) -> tuple[np.ndarray, np.ndarray]:
    spread = [np.zeros(r.shape) if r.spread is None else np.broadcast_to(r.spread, r.shape) for r in found]
    return np.stack([r.error for r in found]), np.stack(spread)


def _reach(expected: Rounded) -> np.ndarray:
    """How far from the value an answer may be."""
    return expected.error if expected.spread is None else expected.error + expected.spread


def _floats(case: Case) -> list[np.ndarray]:
    given = [a for a in case.arguments.values() if a is not None and a.dtype == float]
    return given + list(case.cotangents.values())


def _probe(case: Case, index: int) -> Case:
    """One of the cases of finite numbers; every NaN and every infinity is another one in each."""
    rng = np.random.default_rng(int(case.digest()[:12], 16))
    arguments = {
        k: a if a is None or a.dtype != float else _filled(a, case.layout(k).domain, rng, index)
        for k, a in case.arguments.items()
    }
    cotangents = {k: _filled(a, Interval(), rng, index) for k, a in case.cotangents.items()}
    return replace(case, arguments=arguments, cotangents=cotangents)


def _filled(array: np.ndarray, domain, rng, index: int) -> np.ndarray:
    """Every NaN runs through all that stands for it; the order of infinities turns around with every probe."""
    number = _number(domain, rng.integers(0, len(ANY), array.shape) + index)
    near, far = FAR
    exponent = rng.integers(near, far, array.shape)
    exponent = (near + far - exponent if index % 2 else exponent) + index
    filled = np.where(np.isnan(array), number, array)
    if isinstance(domain, LogProbabilities):
        return filled  # the formula itself knows what cannot be
    return np.where(np.isinf(array), np.sign(filled) * np.ldexp(1.0, exponent), filled)


def _number(domain, turn: np.ndarray) -> np.ndarray:
    """A number of the domain that may stand for NaN."""
    if isinstance(domain, OneOf):
        return np.asarray(domain.values)[turn % len(domain.values)]
    if isinstance(domain, Probabilities):
        domain = Interval(0.0, 1.0)
    if isinstance(domain, Interval) and np.isfinite(domain.low) and np.isfinite(domain.high):
        return domain.low + (domain.high - domain.low) * np.asarray(SHARES)[turn % len(SHARES)]
    number = np.asarray(ANY)[turn % len(ANY)]
    if isinstance(domain, Interval) and domain.low >= 0:
        return abs(number) + 0.5
    if isinstance(domain, LogProbabilities) or (isinstance(domain, Interval) and domain.high <= 0):
        return -abs(number)
    return number
