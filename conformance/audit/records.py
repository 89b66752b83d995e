"""What is the worst that a search has seen of one quantity, and at which inputs?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np

from conformance.audit.judge import METRICS, Judge, Judgement
from conformance.audit.sharp import sharpness
from conformance.case import Case
from conformance.tally import Tally
from conformance.verdict import THRESHOLD

#: Failures of one quantity that are kept, the first ones.
FAILURES = 3


@dataclass
class Worst:
    """One element of one case: how far off it is."""

    score: float = -1.0
    case: Case | None = None
    index: tuple[int, ...] = ()


@dataclass
class Record:
    """The worst of one quantity: by test ratio and by ULP error, without what recorded deviations explain.

    ``known``: the same of what they do explain.  ``clean`` and ``every`` hold the grades without them and with them.
    ``typical``: medians, one for each start, of what the bound allows in ULP; ``allowed``: the most that it did.
    """

    quantity: str
    worst: dict[str, Worst] = field(default_factory=lambda: {m: Worst() for m in METRICS})
    known: dict[str, Worst] = field(default_factory=lambda: {m: Worst() for m in METRICS})
    clean: Tally = field(default_factory=lambda: Tally("clean"))
    every: Tally = field(default_factory=lambda: Tally("every"))
    failures: list[Worst] = field(default_factory=list)
    failing: int = 0
    evaluations: int = 0
    vacuous: int = 0
    allowed: float = 0.0
    typical: list[float] = field(default_factory=list)
    sharpness: list[float] = field(default_factory=list)

    def take(self, case: Case, judged: Judgement, evaluations: int) -> None:
        """Keep what is worse than all before."""
        comparison = judged.comparison
        self.evaluations += evaluations
        self.vacuous += int(np.count_nonzero(comparison.vacuous))
        self.clean.measure(replace(comparison, vacuous=comparison.vacuous | judged.excused), judged.coarse)
        self.every.measure(comparison, judged.coarse)
        for metric in METRICS:
            _keep(self.worst[metric], case, judged.scores(metric))
            if judged.excused.any():
                _keep(self.known[metric], case, np.where(judged.excused, judged.scores(metric, known=True), -1.0))
        self.fail(case, judged)
        allowed = in_ulp(case, self.quantity, case.expected(self.quantity).error)
        self.allowed = max(self.allowed, float(np.max(allowed, initial=0.0, where=np.isfinite(allowed))))

    def fail(self, case: Case, judged: Judgement) -> None:
        """Count what fails, and keep the first of it."""
        count = int(np.count_nonzero(judged.failing))
        self.failing += count
        if count and len(self.failures) < FAILURES:
            score = np.where(judged.failing, judged.scores("ratio", known=True), -1.0)
            self.failures.append(_keep(Worst(), case, score))


def _keep(worst: Worst, case: Case, scores: np.ndarray) -> Worst:
    """The worst element of a case in place of the one before, where it is worse."""
    if scores.size and float(scores.max()) > worst.score:
        at = tuple(int(i) for i in np.unravel_index(np.argmax(scores), scores.shape))
        worst.score, worst.case, worst.index = float(scores[at]), case, at
    return worst


def all_allowed(case: Case, quantity: str) -> np.ndarray:
    """What the promise allows each element, in ULP: by every bound that an answer may be within, those of products in
    any order and of 16-bit steps, where C is promised, among them."""
    bound = np.fmax(case.expected(quantity).error, case.in_any_order.expected(quantity).error)
    if case.promise(quantity) == "C":
        bound = np.fmax(bound, case.coarse[quantity].error)
    return in_ulp(case, quantity, bound)


def in_ulp(case: Case, quantity: str, bound: np.ndarray) -> np.ndarray:
    """The threshold times a bound, in ULP: infinite where nothing is promised."""
    value = case.expected(quantity).value
    with np.errstate(all="ignore"):
        allowed = THRESHOLD * bound / case.format.ulp(value)
    return np.where(np.isnan(allowed) | np.isnan(value), np.inf, allowed)


@dataclass
class Records:
    """Those of every quantity of one search."""

    judge: Judge
    found: dict[str, Record] = field(default_factory=dict)
    evaluations: int = 0

    def judged(self, case: Case, evaluations: int) -> dict[str, Judgement]:
        """Put a case to the subject and keep what is worse than all before."""
        answers = self.judge(case)
        self.evaluations += evaluations
        for quantity, judged in answers.items():
            self.found.setdefault(quantity, Record(quantity)).take(case, judged, evaluations)
        return answers

    def begun(self, case: Case) -> None:
        """Keep what the promises allow at a start, which is drawn and not sought, and how sharp its bounds are."""
        for quantity in case.expected_values | case.expected_gradients:
            if quantity not in self.found:
                continue
            record, allowed = self.found[quantity], all_allowed(case, quantity)
            known, sharp = allowed[np.isfinite(allowed)], sharpness(case, quantity)
            record.typical += [float(np.median(known))] if known.size else []
            record.allowed = max(record.allowed, float(np.max(known, initial=0.0)))
            record.sharpness += [] if sharp is None else [sharp]

    @property
    def excused(self) -> dict[str, Counter]:
        return self.judge.excused
