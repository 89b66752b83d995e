"""What has a proof found so far of one quantity?  Counts, a histogram of errors, the worst inputs, violating runs."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import asdict, dataclass, field

import numpy as np

from conformance.proof.block import Block
from conformance.proof.patterns import shown
from conformance.verdict import GRADES, Comparison

#: Bounds of the histogram of errors, in ULP; what exceeds the last is infinite, or worse than all.
BOUNDS = (0.5, 1.0, *(2.0**i for i in range(1, 11)), np.inf)
#: Half an ULP, and what float64 may make of it.
HALF = 0.5 * (1 + 2.0**-40)
#: Runs of violating elements that one shard keeps; others are only counted.
RUNS = 2000


#: Sizes of which the largest is kept, and where its element is.
EXTREMES = {"worst_ulp": "worst", "worst_ratio": "strained", "known_ulp": "known_worst"}


@dataclass(frozen=True, eq=False)
class Judged:
    """Elements of which the verdict of the conformance run was asked: masks and numbers of shape (n,) or (n, classes).

    ``coarse``: within the bound of grade C.  ``excused``: explained by known deviations, ``ids``: how many by each.
    """

    comparison: Comparison
    coarse: np.ndarray
    failing: np.ndarray
    excused: np.ndarray
    ids: Counter
    expected: np.ndarray
    actual: np.ndarray

    def grade(self, where: np.ndarray) -> str:
        """The worst grade of some elements: B where all are within the bound."""
        beyond = where & _worst(self.comparison.beyond[0] & ~self.comparison.vacuous[0])
        if not beyond.any():
            return "B"
        return "F" if (beyond & ~_each(self.coarse)).any() else "C"


@dataclass
class Found:
    """Of one quantity, over the elements judged so far.

    ``alike``: elements that hold another NaN than the one that stands for all, and are answered alike.  ``vacuous``:
    elements of which nothing is promised.  ``histogram``: elements by their error.  ``worst``: inputs in hexadecimal,
    what was expected and observed, where the error in ULP is largest; ``strained``: where the test ratio is; both,
    and ``grade``, are of what no known deviation explains, ``known_worst`` and ``known_grade`` of what one does.
    ``runs``: violating elements, as :func:`runs` tells them.
    """

    elements: int = 0
    alike: int = 0
    vacuous: int = 0
    histogram: list[int] = field(default_factory=lambda: [0] * len(BOUNDS))
    worst_ulp: float = 0.0
    worst: dict | None = None
    worst_ratio: float = 0.0
    strained: dict | None = None
    grade: str = "B"
    known_ulp: float = 0.0
    known_worst: dict | None = None
    known_grade: str = "B"
    known: dict[str, int] = field(default_factory=dict)
    failures: int = 0
    runs: list[list[int]] = field(default_factory=list)

    def settle(self, block: Block, errors: np.ndarray, settled: np.ndarray, expected, actual) -> None:
        """Take in elements within one ULP; ``errors`` in ULP, ``settled`` a mask of shape (size,)."""
        errors = errors if errors.ndim == 1 else errors.max(axis=1)
        count = int(np.count_nonzero(settled))
        if not count:
            return
        errors = np.where(settled, errors, 0.0)
        rounded = count - int(np.count_nonzero(errors > HALF))
        self.elements += count
        self.histogram[0] += rounded
        self.histogram[1] += count - rounded
        at = int(np.argmax(errors))
        if errors[at] > self.worst_ulp:
            self.worst_ulp = float(errors[at])
            self.worst = described(block, at, expected[at], actual[at])

    def judged(self, block: Block, judged: Judged, own: np.ndarray, serial: np.ndarray) -> None:
        """Take in elements that the verdict of the conformance run was asked of; ``own`` marks those that count."""
        vacuous = _worst(judged.comparison.vacuous[0])
        ulp, ratio = _worst(judged.comparison.ulp[0]), _worst(judged.comparison.ratio[0])
        ulp = np.where(np.isnan(ulp), np.inf, ulp)  # a number in place of NaN
        live, known = own & ~vacuous, _worst(judged.excused)
        self.elements += int(np.count_nonzero(own))
        self.vacuous += int(np.count_nonzero(own & vacuous))
        self.histogram = [a + b for a, b in zip(self.histogram, binned(ulp[live]), strict=True)]
        self.keep("worst_ulp", block, np.where(live & ~known, ulp, 0.0), judged)
        self.keep("worst_ratio", block, np.where(live & ~known, ratio, 0.0), judged)
        self.keep("known_ulp", block, np.where(live & known, ulp, 0.0), judged)
        self.grade = max(self.grade, judged.grade(own & ~known), key=GRADES.index)
        self.known_grade = max(self.known_grade, judged.grade(own & known), key=GRADES.index)
        self.known = dict(Counter(self.known) + judged.ids)
        failing = _worst(judged.failing)
        if failing.any():
            self.failures += int(np.count_nonzero(failing))
            self.runs += runs(block, np.flatnonzero(failing), serial)[: max(RUNS - len(self.runs), 0)]

    def keep(self, number: str, block: Block, sizes: np.ndarray, judged: Judged) -> None:
        at = int(np.argmax(sizes))
        if sizes[at] > getattr(self, number):
            setattr(self, number, float(sizes[at]))
            setattr(self, EXTREMES[number], described(block, at, judged.expected[at], judged.actual[at]))

    @property
    def is_rounded(self) -> bool:
        """Whether every element is the number nearest to the truth, or one of two that are equally near."""
        return self.histogram[0] == self.elements - self.vacuous

    def told(self) -> dict:
        """What a proof says of the quantity."""
        plain = self.plain()
        kept = ("elements", "alike", "vacuous", *itertools.chain(*EXTREMES.items()), "known", "failures")
        return {k: plain[k] for k in kept} | {
            "correctly_rounded": self.histogram[0],
            "grade": "A" if self.is_rounded and self.grade == "B" else self.grade,
            "known_grade": self.known_grade if self.known else None,
            "histogram": {f"{bound:g}": n for bound, n in zip(BOUNDS, self.histogram, strict=True)},
        }

    def plain(self) -> dict:
        """As it goes into a file: infinities as text."""
        return {k: str(v) if v == np.inf else v for k, v in asdict(self).items()}

    @classmethod
    def of(cls, kept: dict) -> Found:
        """The inverse."""
        return cls(**kept | {k: float(kept[k]) for k in EXTREMES})

    def add(self, other: Found) -> None:
        """Take in what another shard found; of equally bad inputs the first is kept."""
        for number, place in EXTREMES.items():
            if getattr(other, number) > getattr(self, number):
                setattr(self, number, getattr(other, number))
                setattr(self, place, getattr(other, place))
        for count in ("elements", "alike", "vacuous", "failures"):
            setattr(self, count, getattr(self, count) + getattr(other, count))
        self.histogram = [a + b for a, b in zip(self.histogram, other.histogram, strict=True)]
        self.grade = max(self.grade, other.grade, key=GRADES.index)
        self.known_grade = max(self.known_grade, other.known_grade, key=GRADES.index)
        self.known = dict(Counter(self.known) + Counter(other.known))
        self.runs = self.runs + other.runs


def binned(ulp: np.ndarray) -> list[int]:
    """How many errors are at most so many ULP, and above the bound before."""
    places = np.searchsorted(np.array((HALF, *BOUNDS[1:])), ulp)
    return [int(n) for n in np.bincount(places, minlength=len(BOUNDS))]


def described(block: Block, at: int, expected, actual) -> dict:
    """One element: its inputs in hexadecimal, what is fixed, what was expected and answered."""
    told = {str(slot): shown(block.argument_of(slot, at)) for slot in block.patterns}
    answers = {
        k: ", ".join(shown(x) for x in np.atleast_1d(a)) for k, a in (("expected", expected), ("observed", actual))
    }
    return told | {"setting": block.plane.setting} | answers


def runs(block: Block, elements: np.ndarray, serial: np.ndarray) -> list[list[int]]:
    """Elements next to each other in a row, or on a line of one number, by their patterns.

    Each as [first row, last row, first column, last column, how many].  ``serial``: numbers of all elements of the
    block, in which neighbours follow each other.
    """
    rows, columns = block.places(elements)
    is_line = block.plane.columns is None and not block.plane.is_halved
    apart = (np.diff(serial[elements]) != 1) | ((np.diff(rows) != 0) & (not is_line))
    starts = np.flatnonzero(np.concatenate([[True], apart]))
    ends = np.append(starts[1:], len(elements)) - 1
    found = np.stack([rows[starts], rows[ends], columns[starts], columns[ends], ends - starts + 1], axis=1)
    return [[int(n) for n in run] for run in found]


def _each(marks: np.ndarray) -> np.ndarray:
    """What holds of all components of each element."""
    return marks if marks.ndim == 1 else marks.all(axis=tuple(range(1, marks.ndim)))


def _worst(part: np.ndarray) -> np.ndarray:
    """The worst of all components of each element."""
    return part if part.ndim == 1 else part.max(axis=tuple(range(1, part.ndim)))
