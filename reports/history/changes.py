"""When did a number change?  Steps of exact counts, and changes of the mean of a noisy ratio, on one machine at a time.

A ratio's change points come from binary segmentation (Scott and Knott, 1974): the place that parts a stretch best is
tested, and both parts are searched again.  As in Apache Otava (Fleming et al., 2023, after the E-divisive means of
Matteson and James, 2014) the statistic is a difference of means and the test is one of t's kind, without permutations.
As in rustc-perf the scale of the noise comes from differences of neighbours, which a step does not widen, and a single
night stands out beyond Q3 + 3 IQR of them.
"""

from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist

import numpy as np

from reports.history.store import NUMBERS, History

LEVEL = 1e-4
"""Chance that a stretch of pure Gaussian noise is parted anywhere: that of one place by the number of places."""
NIGHTS = 5
"""Runs that a stretch has at least; a change is told from a few bad nights only after as many."""
SMALLEST = 0.01
"""Relative change of a ratio that is told at least; of a number of instructions too, which harmless changes move."""
LAGS = (1, 7)
"""Distances in runs of the neighbours whose differences are the noise; the longer one takes in slow wandering."""

_NORMAL_QUARTILE = 0.6744897501960817
_WINDOW = 9


@dataclass(frozen=True)
class Change:
    """From run `run` on, `number` of cell `cell` (both indices of the history) is `after` and no longer `before`."""

    run: int
    cell: int
    number: str
    before: float
    after: float

    @property
    def factor(self) -> float:
        return self.after / self.before if self.before else np.inf

    @property
    def is_worse(self) -> bool:
        return self.after > self.before


def changes(history: History) -> list:
    """Every change, the latest first, then the largest; never between two machines."""
    found = []
    for runs in history.machines().values():
        for number in NUMBERS:
            table = history.numbers[number][runs]
            search = _mean_shifts if number == "ratio" else _steps
            for cell in np.flatnonzero(np.isfinite(table).any(axis=0)):
                found += search(table[:, cell], runs, int(cell), number)
    return sorted(found, key=lambda change: (-change.run, -abs(np.log(max(change.factor, 1e-9)))))


def _steps(series: np.ndarray, runs: np.ndarray, cell: int, number: str) -> list:
    """Every step of a count; steps of instructions only from `SMALLEST` on."""
    there = np.flatnonzero(np.isfinite(series))
    values = series[there]
    least = SMALLEST * np.abs(values[:-1]) if number == "instructions" else 0.0
    places = np.flatnonzero(np.abs(np.diff(values)) > least) + 1
    return [Change(int(runs[there[n]]), cell, number, float(values[n - 1]), float(values[n])) for n in places.tolist()]


def _mean_shifts(series: np.ndarray, runs: np.ndarray, cell: int, number: str) -> list:
    there = np.flatnonzero(np.isfinite(series) & (series > 0))
    logs = np.log(series[there])
    places = [0, *shifts(logs), len(logs)]
    means = [float(np.exp(np.median(logs[a:b]))) for a, b in pairwise(places)] if len(logs) else []
    return [
        Change(int(runs[there[place]]), cell, number, means[n], means[n + 1])
        for n, place in enumerate(places[1:-1])
        if abs(means[n + 1] / means[n] - 1) >= SMALLEST
    ]


def shifts(logs: np.ndarray) -> list:
    """The places where the mean of a series of logarithms changes, in order."""
    if len(logs) < 2 * NIGHTS:
        return []
    scale = noise(logs)
    return sorted(_parted(_tamed(logs, scale), scale, 0))


def noise(logs: np.ndarray) -> float:
    """The standard deviation of one night, from the medians of differences of neighbours."""
    found = [np.median(np.abs(logs[lag:] - logs[:-lag])) for lag in LAGS if len(logs) > lag]
    return max(float(max(found)) / (np.sqrt(2) * _NORMAL_QUARTILE), 1e-6)


def _tamed(logs: np.ndarray, scale: float) -> np.ndarray:
    """The series with single bad nights drawn in to three deviations around the running median."""
    padded = np.pad(logs, _WINDOW // 2, mode="reflect")
    middle = np.median(np.lib.stride_tricks.sliding_window_view(padded, _WINDOW), axis=1)
    return np.clip(logs, middle - 3 * scale, middle + 3 * scale)


def _parted(logs: np.ndarray, scale: float, start: int) -> list:
    """Places of changes in a stretch that begins at `start`."""
    number = len(logs)
    if number < 2 * NIGHTS:
        return []
    before = np.arange(NIGHTS, number - NIGHTS + 1)
    sums = np.cumsum(logs)
    difference = (sums[-1] - sums[before - 1]) / (number - before) - sums[before - 1] / before
    score = np.abs(difference) / (scale * np.sqrt(1 / before + 1 / (number - before)))
    best = int(np.argmax(score))
    if score[best] <= -NormalDist().inv_cdf(LEVEL / (2 * len(before))):
        return []
    place = int(before[best])
    return [
        *_parted(logs[:place], scale, start),
        start + place,
        *_parted(logs[place:], scale, start + place),
    ]


def tonight(history: History) -> list:
    """Cells whose last ratio stands out, too new to be a change: beyond Q3 + 3 IQR of its machine's nightly changes."""
    if not history.runs:
        return []
    runs, found = history.machines()[history.runs[-1].fingerprint], []
    for cell, series in enumerate(history.numbers["ratio"][runs].T):
        logs = np.log(series[np.isfinite(series) & (series > 0)])
        if np.isfinite(series[-1]) and len(logs) > 2 * NIGHTS:
            usual = float(np.median(logs[-_WINDOW - 1 : -1]))
            low, high = np.percentile(np.abs(np.diff(logs[:-1])), [25, 75])
            if abs(logs[-1] - usual) > max(high + 3 * (high - low), SMALLEST):
                found.append(Change(int(runs[-1]), cell, "ratio", float(np.exp(usual)), float(series[-1])))
    return sorted(found, key=lambda change: -abs(np.log(change.factor)))
