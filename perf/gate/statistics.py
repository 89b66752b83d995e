"""What do the log ratios of some forks say?  Median, interval, significance, and what they would have found."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log

import numpy as np
from scipy.stats import binom, wilcoxon

#: Samples by which the power of the rule is found, and the power that is asked for.
DRAWS, POWER = 400, 0.9
#: The largest slowdown that is looked for, in percent.
MOST = 400.0


@dataclass(frozen=True)
class Rule:
    """A slowdown shows when its median exceeds ``percent`` and the one-sided Wilcoxon signed-rank test on the forks
    says ``p`` or less."""

    percent: float
    p: float

    def shows(self, found: Summary) -> bool:
        return found.percent > self.percent and found.p <= self.p


@dataclass(frozen=True)
class Summary:
    """``log_ratios``: one for each fork.  ``percent``: the median slowdown of head over base; ``low``, ``high``: its
    95 % confidence interval; ``p``: how often no slowdown gives as much."""

    log_ratios: tuple[float, ...]
    percent: float
    low: float
    high: float
    p: float


def summary(log_ratios: list[float]) -> Summary:
    """What the forks of a cell say together."""
    ordered = sorted(log_ratios)
    below = rank(len(ordered))
    return Summary(
        log_ratios=tuple(log_ratios),
        percent=percent(float(np.median(ordered))),
        low=percent(ordered[below]),
        high=percent(ordered[-1 - below]),
        p=float(significance(np.asarray(log_ratios)[None])[0]),
    )


def percent(log_ratio: float) -> float:
    """A slowdown in percent."""
    return 100 * (exp(log_ratio) - 1)


def rank(count: int, confidence: float = 0.95) -> int:
    """The place, from 0, of the order statistic that bounds the median, the other bound being as far from the end.

    The interval of two order statistics covers the median as often as a binomial count lies between them.  With too
    few numbers for ``confidence`` it is that of the smallest and the largest.  Source: H. A. David and H. N. Nagaraja,
    Order Statistics, 7.1.
    """
    return max(int(binom.ppf((1 - confidence) / 2, count, 0.5)) - 1, 0)


def significance(rows: np.ndarray) -> np.ndarray:
    """For every row the one-sided p of Wilcoxon's signed-rank test, that there is no slowdown."""
    spread = np.where(rows == 0, 1e-300, rows)  # zeros have no rank
    return wilcoxon(spread, alternative="greater", axis=-1, method="exact").pvalue


def detectable(log_ratios: tuple[float, ...], stages: list[tuple[int, Rule]], seed: int = 0) -> float:
    """The smallest slowdown, in percent, that all stages would find in nine runs of ten, forks spreading as these did.

    ``stages``: how many forks, and by which rule.  Forks are drawn from these about their median, widened by what a
    sample of their number lacks of the true variance.
    """
    rng, count = np.random.default_rng(seed), len(log_ratios)
    centred = (np.asarray(log_ratios) - np.median(log_ratios)) * (count / max(count - 1, 1)) ** 0.5
    drawn = [(rng.choice(centred, (DRAWS, forks)), rule) for forks, rule in stages]
    low, high = 0.0, log(1 + MOST / 100)
    if power(drawn, high) < POWER:
        return MOST
    while percent(high) - percent(low) > 0.05:
        middle = (low + high) / 2
        low, high = (low, middle) if power(drawn, middle) >= POWER else (middle, high)
    return round(percent(high), 2)


def power(drawn: list[tuple[np.ndarray, Rule]], slowdown: float) -> float:
    """How often all stages show a slowdown, given as a log ratio."""
    shown = np.ones(DRAWS, bool)
    for sample, rule in drawn:
        moved = sample + slowdown
        shown &= np.median(moved, axis=-1) > log(1 + rule.percent / 100)
        shown[shown] &= significance(moved[shown]) <= rule.p if shown.any() else shown[shown]
    return float(shown.mean())
