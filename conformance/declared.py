"""How does a subject depart from the contract on purpose?  A declared deviation moves the oracle, it mutes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial, wraps

import numpy as np

from reference import Contract
from reference.arithmetic.certified import Certified
from reference.arithmetic.rounded import Rounded
from reference.derived import step_by_step
from reference.reductions import MEAN, Reduction

#: What is promised of a gradient that is found by differentiating a formula step by step.
STEPWISE = ("C", "the gradient of a declared deviation without a pullback is differentiated step by step")


@dataclass(frozen=True, eq=False)
class Declared:
    """One deviation that a subject declares: what it computes in place of the contract's loss.

    ``id`` and ``reason``: what the results call it, and why it is so.
    ``formula(contract, **given)``: the terms, shape (rows,), from all arguments in row form, as in a contract; the
    contract's own are ``contract.formula(**given)``.  ``pullback(contract, cotangent, **given)``: their gradients by
    argument; those that it leaves out are the contract's.  Without a pullback the formula is differentiated.
    ``defaults``: parameters that have another default than the contract's.
    ``reduce``: reductions that are others, by name (:mod:`reference.reductions`).

    It is restricted to ``quantities`` ("value", "grad_input"; formula, pullback and defaults only), ``dtypes``,
    ``reductions``, and to the cases of which ``when(case)`` is true.
    """

    id: str
    reason: str
    formula: Callable | None = None
    pullback: Callable | None = None
    defaults: Mapping[str, object] = field(default_factory=dict)
    reduce: Mapping[str, Reduction] = field(default_factory=dict)
    quantities: tuple[str, ...] | None = None
    dtypes: tuple[str, ...] | None = None
    reductions: tuple[str, ...] | None = None
    when: Callable[[object], bool] | None = None

    def __post_init__(self):
        if not self.id or not self.reason:
            raise ValueError("a declared deviation has an id and a reason")
        if not (self.formula or self.pullback or self.defaults or self.reduce):
            raise ValueError(f"declared deviation {self.id} replaces nothing")
        if self.reduce and self.quantities is not None:
            raise ValueError(f"declared deviation {self.id}: another reduction is one of all quantities")

    @property
    def stepwise(self) -> bool:
        """Whether its gradients are found by differentiating its formula."""
        return self.formula is not None and self.pullback is None

    @property
    def replaces_formula(self) -> bool:
        """Whether it replaces more than how terms are reduced."""
        return bool(self.formula or self.pullback or self.defaults)

    def applies(self, case) -> bool:
        """Whether it is about a case, which is one of the contract as it stands."""
        defaults = case.contract.defaults
        return (
            (self.dtypes is None or case.dtype in self.dtypes)
            and case.reduction in (self.reductions or self._reduced_only or (case.reduction,))
            and all(case.parameters[k] == defaults.get(k) for k in self.defaults)
            and (self.when is None or bool(self.when(case)))
        )

    @property
    def _reduced_only(self) -> tuple[str, ...] | None:
        return None if self.replaces_formula else tuple(self.reduce)

    def unknown(self, contracts: list[Contract]) -> str | None:
        """What it names that none of the contracts of a loss has, in one line."""
        said = (
            ("reductions", self.reduce, {r for c in contracts for r in c.reductions}),
            ("parameters", self.defaults, {k for c in contracts for k in c.parameters if k in c.defaults}),
            ("quantities", self.quantities or (), {q for c in contracts for q in quantities_of(c)}),
        )
        for what, named, known in said:
            for name in named:
                if name not in known:
                    of = f"the {what} of {contracts[0].loss}"
                    return f"declared deviation {self.id}: {name!r} is none of {of}: {', '.join(sorted(known))}"
        return None

    def moves(self, quantity: str) -> bool:
        return self.quantities is None or quantity in self.quantities

    def move(self, of: Contract) -> Contract:
        """The contract that this makes of another one."""
        formula, pullback, promises = of.formula, of.pullback, dict(of.promises)
        if any(self.moves(field) for field in of.fields):
            formula = wraps(of.formula)(lambda **given: self._terms(of, given))
        if of.has_gradient and self.replaces_formula:
            pullback = partial(self._gradients, of)
        if self.stepwise:
            moved = [f"grad_{k}" for k in of.arguments if self.moves(f"grad_{k}")]
            promises |= {(q, d): STEPWISE for q in moved for d in of.dtypes}
        reductions = {**of.reductions, **self.reduce}
        return replace(of, formula=formula, pullback=pullback, promises=promises, reductions=reductions, mirrored=None)

    def _given(self, given: Mapping) -> dict:
        return {**given, **{k: like(v, given[k]) for k, v in self.defaults.items()}}

    def _terms(self, of: Contract, given: Mapping):
        given = self._given(given)
        return of.formula(**given) if self.formula is None else self.formula(of, **given)

    def _gradients(self, of: Contract, cotangent, **given) -> dict:
        own, given = of.pull(cotangent, **given), self._given(given)
        if self.pullback is not None:
            found = self.pullback(of, cotangent, **given)
        elif self.formula is not None:
            found = step_by_step(lambda **g: self.formula(of, **g), tuple(own))(cotangent, **given)
        else:
            found = of.pull(cotangent, **given)
        return own | {k: g for k, g in found.items() if self.moves(f"grad_{k}")}


@lru_cache(maxsize=512)
def moved(contract: Contract, declared: tuple[Declared, ...]) -> Contract:
    """The contract that deviations make of one, each of what those before it have made."""
    for each in declared:
        contract = each.move(contract)
    return contract


def quantities_of(contract: Contract) -> list[str]:
    return [*contract.fields, *(f"grad_{k}" for k in contract.arguments)]


def like(number, other):
    """A parameter's value in the arithmetic that another value of it came in."""
    if isinstance(other, Rounded):
        return Rounded.nearest(number, other.model)
    return Certified.exact(number, kinks=other.kinks) if isinstance(other, Certified) else number


def showing(case, quantity: str, declared: Declared) -> np.ndarray:
    """Where a deviation changes what is expected of a case, by more than both bounds: shape (calls, ...)."""
    return differing(case, without(case, declared), quantity)


def changes(case, quantity: str, declared: Declared) -> np.ndarray:
    """Where a deviation changes what is expected, or how far off a value may be: shape (calls, ...).

    The bound of a gradient says nothing: a formula without a pullback is differentiated in another way.
    """
    if quantity not in case.contract.fields:
        return showing(case, quantity, declared)
    errors = [c.expected(quantity).error for c in (case, without(case, declared))]
    with np.errstate(all="ignore"):
        return showing(case, quantity, declared) | (np.maximum(*errors) > 2 * np.minimum(*errors))


def without(case, *declared: Declared):
    """The case without some of its declared deviations; without any, where none is named."""
    return replace(case, declared=tuple(d for d in case.declared if declared and d not in declared))


def differing(case, other, quantity: str) -> np.ndarray:
    """Where two cases of the same numbers expect something else, by more than both bounds."""
    left, right = case.expected(quantity), other.expected(quantity)
    with np.errstate(all="ignore"):
        reach = sum(r.error + (0.0 if r.spread is None else r.spread) for r in (left, right))
        same = (left.value == right.value) | np.isnan(left.value) & np.isnan(right.value)
        return ~same & ~(abs(left.value - right.value) <= reach) & np.isfinite(reach)


def mean_of_all(id: str, reason: str) -> Declared:
    """The mean divides by the number of terms, whatever their weights are."""
    return Declared(id, reason, reduce={"mean": MEAN})


def other_defaults(id: str, reason: str, **defaults) -> Declared:
    """Parameters that have another default."""
    return Declared(id, reason, defaults=defaults)


def scaled(id: str, reason: str, factor: float) -> Declared:
    """Every term times a factor."""
    return Declared(
        id, reason,
        formula=lambda of, **given: factor * of.formula(**given),
        pullback=lambda of, up, **given: of.pull(factor * up, **given),
    )  # fmt: skip


def clamped(id: str, reason: str, low: float, high: float, argument: str = "input") -> Declared:
    """An argument is clamped to an interval before the loss is taken; beyond its ends it has no gradient."""

    def inside(given):
        return {**given, argument: np.minimum(np.maximum(given[argument], low), high)}

    def pullback(of, up, **given):
        found, x = of.pull(up, **inside(given)), given[argument]
        live = np.where(x < low, 0.0, np.where(x > high, 0.0, found[argument]))
        return {**found, argument: live}

    return Declared(id, reason, formula=lambda of, **given: of.formula(**inside(given)), pullback=pullback)
