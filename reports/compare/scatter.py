"""How do all worst ratios compare at a glance?  One dot for each row: before across, after upwards."""

import math

import numpy as np
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from reports import words
from reports.compare.comparison import Comparison
from reports.compare.judgement import THRESHOLD
from reports.drawing import BLUE, FAIL, INK, LINE, MOST, QUIET, Drawing, canvas, logarithmic, svg

SIZES = {"narrow": (350, 330), "wide": (620, 460)}
TONES = (("same", QUIET, 3.0), ("drift", QUIET, 3.0), ("better", BLUE, 5.0), ("worse", FAIL, 5.5))
LEAST, LARGEST = 1e-3, 1e4
"""Ratios beyond these are drawn at the edge."""
GRID = 100
"""Places for a dot in a factor of ten: dots at the same place are one."""


def scatter(comparison: Comparison) -> Drawing | None:
    """The figure for both widths of page; None where no row has two finite ratios."""
    points = {kind: _points(comparison.of(kind)) for kind, _, _ in TONES}
    if not any(map(len, points.values())):
        return None
    number = sum(_is_drawn(change) for kind, _, _ in TONES for change in comparison.of(kind))
    told = f"Worst test ratios of {number} rows, before across and after upwards"
    narrow, wide = (svg(_figure(points, *SIZES[size]), f"scatter-{size}", told) for size in ("narrow", "wide"))
    return Drawing("Worst test ratios", narrow, wide)


def _ratios(change) -> list:
    return [words.real(end.ratio) if end else None for end in (change.pair.old, change.pair.new)]


def _is_drawn(change) -> bool:
    return all(ratio is not None and abs(ratio) < MOST for ratio in _ratios(change))


def _points(changes: list) -> np.ndarray:
    """Where dots are, (dots, 2), in powers of ten; each place once."""
    found = {
        tuple(round(GRID * math.log10(min(max(ratio, LEAST), LARGEST))) for ratio in _ratios(change))
        for change in changes
        if _is_drawn(change)
    }
    return np.array(sorted(found), float).reshape(-1, 2) / GRID


def _figure(points: dict, width: int, height: int):
    figure, axes = canvas(width, height, left=58, right=12, top=10, bottom=42)
    every = 10.0 ** np.concatenate([each for each in points.values() if len(each)])
    low, high = every.min() / 1.5, max(every.max(), THRESHOLD) * 1.5
    axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high), xlabel="before", ylabel="after")
    axes.plot([low, high], [low, high], color=LINE, linewidth=1.25)
    for line in (axes.axhline, axes.axvline):
        line(THRESHOLD, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    for kind, tone, size in TONES:
        if len(points[kind]):
            _dots(axes, 10.0 ** points[kind], tone, size)
    for axis in (axes.xaxis, axes.yaxis):
        logarithmic(axis)
    return figure


def _dots(axes, places: np.ndarray, tone: str, size: float) -> None:
    """Dots in one path, which is small however many there are."""
    corners = np.repeat(places, 2, axis=0)
    corners[1::2, 0] *= 1.0001
    path = Path(corners, np.tile([Path.MOVETO, Path.LINETO], len(places)))
    axes.add_patch(PathPatch(path, edgecolor=tone, linewidth=size, capstyle="round", facecolor="none", alpha=0.8))
