"""Is the subgradient at a tie the one that torch chooses, where any would be correct?"""

from dataclasses import replace
from functools import cached_property

import numpy as np

from conformance.case import Case, gradients, lift_rounded
from conformance.checks.check import check
from conformance.checks.gradient import compare_gradients
from conformance.strategies import recipes
from reference.arithmetic.certified import Certified, certified_precision
from reference.arithmetic.rounded import Model, Rounded
from reference.domains import Interval


class TiedCase(Case):
    """A case whose gradients are judged at exact ties only, where the pullback, as it is written, chooses."""

    judged_in_part = True
    any_subgradient = False

    @cached_property
    def expected_gradients(self) -> dict[str, Rounded]:
        """What the pullback chooses at ties; no promise elsewhere."""
        every = super().expected_gradients
        chosen = self._chosen(Model(self.format.working, reordered=self.reordered))
        exactly = self._chosen(Model(self.format, exact=True))
        return {k: _where_tied(r, exactly[k], every[k]) for k, r in chosen.items()}

    def _chosen(self, model: Model) -> dict[str, Rounded]:
        """What the pullback, as it is written, gives."""
        return self._stored(gradients(self, lift_rounded(model)))

    def truth(self, kinks: bool) -> dict[str, Certified]:
        with certified_precision():
            return gradients(self, Certified.exact)


def _where_tied(chosen: Rounded, exactly: Rounded, every: Rounded) -> Rounded:
    """A tie is where several answers are right although the operands of the comparison are known exactly.

    ``exactly``: with what rounds nothing in the format of the case, so that more operands are known.
    """
    several, open_here, open_exactly = (
        np.zeros(r.shape) if r.spread is None else r.spread for r in (every, chosen, exactly)
    )
    value = np.where(open_here == 0, chosen.value, exactly.value)
    known = (open_here == 0) | (open_exactly == 0) & np.isfinite(exactly.error)
    return Rounded(value, np.where((several > 0) & known, chosen.error, np.inf), chosen.model)


def tied_recipes(contract, reduction):
    """Recipes whose later arguments follow the first one at distances where losses have kinks."""
    bare = without_offset(contract)
    return recipes(contract, reduction).map(
        lambda r: replace(
            r,
            relation="tied",
            regimes=dict.fromkeys(r.regimes, "grid"),
            parameters=dict(r.parameters) | (bare if r.seed % 2 else {}),
        )
    )


def without_offset(contract) -> dict[str, float]:
    """The parameters that may be zero at the least: an offset, be it small, keeps equal arguments from a tie."""
    ranges = {k: d for k, d in contract.parameters.items() if isinstance(d, Interval)}
    return {k: 0.0 for k, d in ranges.items() if d.low == 0 and not d.open}


def tie(case: Case, question: str | None) -> Case | None:
    """The case with arguments that are the same in some rows, if its gradients have a tie anywhere."""
    fields = {f: getattr(case, f) for f in Case.__dataclass_fields__}
    own = TiedCase(**fields | {"arguments": _alike(case)})
    ties = (np.isfinite(r.error).any() for r in own.expected_gradients.values())
    return own if any(ties) else None


def _alike(case: Case) -> dict[str, np.ndarray | None]:
    """The arguments, later ones repeating the first in some rows, by the digest of the case."""
    rng = np.random.default_rng(int(case.digest()[:12], 16))
    first, *later = (k for k in case.contract.positional if case.arguments[k] is not None)
    arguments, pattern = dict(case.arguments), case.arguments[first]
    for name in later:
        array = arguments[name]
        if array.dtype == float and array.shape == pattern.shape and case.layout(name) == case.layout(first):
            marks = rng.random(array.shape[:2]) < 0.25
            arguments[name] = np.where(marks.reshape(*marks.shape, *(1 for _ in array.shape[2:])), pattern, array)
    return arguments


@check(
    "convention",
    recipes=tied_recipes,
    alter=tie,
    applies=lambda contract: bool(contract.convention) and contract.pullback is not None,
    budgets={"smoke": (1, 0, 1), "gate": (3, 0, 3), "nightly": (6, 0, 6)},
    sample=4,
    noted=True,
)
def compare_conventions(row, case) -> None:
    """The gradient check, at ties, against one subgradient."""
    compare_gradients(row, case)
