"""The reduced value as a question about a subject's own terms, and not about the oracle's."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np

from conformance.case import Case, lift_rounded, values
from reference.arithmetic.certified import Certified, certified_precision
from reference.arithmetic.rounded import Model, Rounded


@dataclass(frozen=True, eq=False)
class GivenTerms(Case):
    """A case whose terms are given: those that a subject returns unreduced, each with the oracle's bound.

    The bound stays, since a subject that reduces without storing its terms is no worse for it.
    """

    terms: Rounded | None = None

    @cached_property
    def expected_values(self) -> dict[str, Rounded]:
        model = Model(self.format.working)
        terms = Rounded(self.terms.value, self.terms.error, model)
        return self._stored(values(self, lift_rounded(model), lambda **_: terms))

    @property
    def expected_gradients(self) -> dict[str, Rounded]:
        """None: terms that are given do not depend on the arguments."""
        return {}

    def truth(self, kinks: bool) -> dict[str, Certified]:
        with certified_precision():
            return values(self, Certified.exact, lambda **_: Certified.exact(self.terms.value))


def unreduced(case: Case) -> Case:
    """The same calls without reduction, also where the terms of the case are given."""
    ones = {f: np.ones((case.calls, *case.shape)) for f in case.contract.fields}
    return replace(Case(**_own(case)), reduction="none", cotangents=ones)


def _own(case: Case) -> dict[str, object]:
    return {f.name: getattr(case, f.name) for f in fields(Case)}


def given_terms(case: Case, terms: np.ndarray) -> tuple[GivenTerms, np.ndarray]:
    """The question, about the calls whose terms are all finite, and which calls these are."""
    bounds = next(iter(unreduced(case).expected_values.values())).error
    finite = np.isfinite(terms) & np.isfinite(bounds)
    finite = finite.all(axis=tuple(range(1, finite.ndim)))
    chosen = np.flatnonzero(finite)
    part = case.select(chosen)
    kept = Rounded(terms[chosen].reshape(-1), bounds[chosen].reshape(-1), Model(case.format.working))
    return GivenTerms(**_own(part), terms=kept), chosen
