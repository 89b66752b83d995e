"""Is the subgradient at a tie the one that torch chooses, where any would be correct?"""

from dataclasses import replace
from functools import cached_property

import numpy as np

from conformance.case import Case, gradients, lift_rounded
from conformance.checks.check import LIGHT, check
from conformance.checks.gradient import compare_gradients
from conformance.strategies import recipes
from reference.arithmetic.certified import Certified, certified_precision
from reference.arithmetic.rounded import Model, Rounded


class TiedCase(Case):
    """A case whose gradients are judged at exact ties only, where the pullback, as it is written, chooses."""

    @cached_property
    def expected_gradients(self) -> dict[str, Rounded]:
        """What the pullback chooses at ties; no promise elsewhere."""
        every = super().expected_gradients
        chosen = self._stored(gradients(self, lift_rounded(Model(self.format.working))))
        return {k: _where_tied(r, every[k]) for k, r in chosen.items()}

    def truth(self, kinks: bool) -> dict[str, Certified]:
        with certified_precision():
            return gradients(self, Certified.exact)


def _where_tied(chosen: Rounded, every: Rounded) -> Rounded:
    """A tie is where several answers are right although the operands of the comparison are known exactly."""
    several = np.zeros(chosen.shape) if every.spread is None else every.spread
    open_here = np.zeros(chosen.shape) if chosen.spread is None else chosen.spread
    tied = (several > 0) & (open_here == 0)
    return Rounded(chosen.value, np.where(tied, chosen.error, np.inf), chosen.model)


def tied_recipes(contract, reduction):
    """Recipes whose later arguments follow the first one at distances where losses have kinks."""
    return recipes(contract, reduction).map(
        lambda r: replace(r, relation="tied", regimes=dict.fromkeys(r.regimes, "grid"))
    )


def tie(case: Case, question: str | None) -> Case | None:
    """The case, if its gradients have a tie anywhere."""
    own = TiedCase(**{f: getattr(case, f) for f in Case.__dataclass_fields__})
    ties = (np.isfinite(r.error).any() for r in own.expected_gradients.values())
    return own if any(ties) else None


@check("convention", recipes=tied_recipes, alter=tie, budgets=LIGHT, noted=True)
def compare_conventions(row, case) -> None:
    """The gradient check, at ties, against one subgradient."""
    compare_gradients(row, case)
