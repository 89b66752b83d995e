"""How far off is a subject on one case, in every quantity, and which of it do recorded deviations explain?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from conformance.answers import differentiable
from conformance.case import Case, Contradiction
from conformance.cuda import settle
from conformance.row import Item, Row, excuse_by_deviation, shortfall
from conformance.session import Malformed, Refused
from conformance.verdict import Comparison, compare, ratio_of

METRICS = ("ratio", "ulp")


def in_any_order(case: Case, comparison: Comparison) -> Comparison:
    """The comparison with the bound that holds for any order of the factors of products.

    Verdicts ask for it only above the threshold.  Here the test ratio is what is climbed on, and must not fall there.
    """
    quantity, ratio = comparison.quantity, comparison.ratio
    if not np.any(ratio > 0):
        return comparison
    allowed = np.fmax(case.expected(quantity).error, case.in_any_order.expected(quantity).error)
    with np.errstate(all="ignore"):
        plain = (comparison.error < np.inf) & ~comparison.vacuous
        return replace(comparison, ratio=np.where(plain, ratio_of(comparison.error, allowed), ratio))


@dataclass(frozen=True)
class Judgement:
    """One quantity of one case, elementwise, shape (calls, ...).

    ``excused``: below the promise, and explained by a recorded deviation; ``failing``: below it, and not explained;
    ``coarse``: of grade C.
    """

    actual: np.ndarray
    comparison: Comparison
    failing: np.ndarray
    excused: np.ndarray
    coarse: np.ndarray

    def scores(self, metric: str, known: bool = False) -> np.ndarray:
        """What is to be made large: test ratio or ULP error, -1 where nothing is promised, or a deviation explains
        it unless ``known``."""
        dead = self.comparison.vacuous if known else self.comparison.vacuous | self.excused
        return np.where(dead, -1.0, np.nan_to_num(getattr(self.comparison, metric), nan=-1.0, posinf=np.inf))


class Judge:
    """Asks one subject in one mode.  ``sound``: it is a control, of which torch.nn being as far off excuses nothing.

    ``excused`` counts elements by deviation; ``said`` counts what was no answer, in words.
    """

    def __init__(self, item: Item, sound: bool = False):
        self.item, self.sound = item, sound
        self.rows: dict[tuple[str, str], Row] = {}
        self.able: dict[tuple, tuple[str, ...]] = {}
        self.excused: dict[str, Counter] = {}
        self.said: Counter = Counter()

    def row(self, check: str, reduction: str) -> Row:
        """The row of a check that stands for it: it asks, and knows what deviations explain."""
        key = (check, reduction)
        return self.rows.setdefault(key, Row(replace(self.item, check=check, reduction=reduction)))

    def __call__(self, case: Case) -> dict[str, Judgement]:
        """Every quantity that the subject answers; none where the references contradict one another."""
        declared = self.item.subject.deviations
        case = replace(case, declared=declared) if declared else case
        try:
            answers = self.values(case) | self.gradients(case)
            settle(self.item.device)
            return {k: self.judged(case, k, a) for k, a in answers.items()}
        except Contradiction as wrong:
            self.said[str(wrong)] += 1
            return {}

    def values(self, case: Case) -> dict[str, np.ndarray]:
        try:
            found = self.row("value", case.reduction).session(case).values()
        except (Refused, Malformed) as other:
            self.said[f"value: {other}"] += 1
            return {}
        return self.shaped(case, found)

    def gradients(self, case: Case) -> dict[str, np.ndarray]:
        """The gradients that the subject has; those that do not arrive are none of the search's business."""
        if not case.contract.has_gradient:
            return {}
        session = self.row("gradient", case.reduction).session
        try:
            names = self._able(case)
            found = session(case).gradients(names) if names else {}
        except (Refused, Malformed) as other:
            self.said[f"gradient: {other}"] += 1
            return {}
        there = {k: case.through(k, g.array) for k, g in found.items() if g.array is not None and not g.missing}
        return self.shaped(case, there)

    def _able(self, case: Case) -> tuple[str, ...]:
        """The arguments that it has gradients for, found out once for each form of a case."""
        key = (case.reduction, repr(case.kinds), tuple(k for k, a in case.arguments.items() if a is not None))
        if key not in self.able:
            self.able[key] = differentiable(self.row("gradient", case.reduction).session(case))
        return self.able[key]

    def shaped(self, case: Case, found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The answers that have the contract's shape."""
        right = {k: a for k, a in found.items() if a.shape == case.expected(k).shape}
        self.said.update(f"{k} has shape {a.shape[1:]}" for k, a in found.items() if k not in right)
        return right

    def judged(self, case: Case, quantity: str, actual: np.ndarray) -> Judgement:
        comparison = in_any_order(case, compare(case, quantity, actual))
        below, coarse = shortfall(case, quantity, comparison, actual)
        failing = self.unexplained(case, quantity, actual, below, comparison) if below.any() else below
        return Judgement(actual, comparison, failing, below & ~failing, coarse)

    def unexplained(self, case: Case, quantity: str, actual, below, comparison: Comparison) -> np.ndarray:
        """What still fails once known deviations are taken off, and what is no worse than eager torch."""
        row = self.row("gradient" if quantity.startswith("grad_") else "value", case.reduction)
        tally = row.tally(quantity)
        left = (
            excuse_by_deviation(tally, row.item, case, quantity, actual, below)
            if self.sound
            else row.excuse(case, quantity, actual, below, comparison)
        )
        self.excused.setdefault(quantity, Counter()).update(tally.excused)
        tally.excused.clear()
        return left

    def eager(self, case: Case, quantity: str) -> np.ndarray | None:
        """What eager torch answers to the same, for subjects other than it."""
        check = "gradient" if quantity.startswith("grad_") else "value"
        return self.row(check, case.reduction).beside(case, quantity)
