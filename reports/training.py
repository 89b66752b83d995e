"""How did the networks fare that were trained with a subject?  One plot for each training run, as coordinates."""

import math
from dataclasses import dataclass

from reports import words

WIDTH, HEIGHT = 340, 200
LEFT, RIGHT, TOP, BOTTOM = 46, 8, 10, 28
"""Margins of a plot, in the units of its width."""
TICKS = 4
"""Intervals between marks of the vertical axis, about."""
KINDS = ("train", "validation")
WHO = ("oracle", "subject")


@dataclass(frozen=True)
class Plot:
    """One training run.  `lines` are (kind, who, points as SVG has them); `across` and `up` are (place, text) of marks.

    `mark` is the place of the first step that was wrong, `ends` the last losses as (kind, subject's, oracle's).
    """

    loss: str
    subject: str
    data: str
    steps: int
    parted: int | None
    mark: float | None
    lines: list
    across: list
    up: list
    ends: list
    apart: float | None


def plots(rows: list) -> list:
    """A plot for each row that has curves, in the order of the rows."""
    return [_plot(row, row["curves"]) for row in rows if row["curves"]]


def _plot(row: dict, curves: dict) -> Plot:
    runs = {(kind, who): _numbers(curves[kind], who) for kind in KINDS for who in WHO}
    epochs = max(map(len, runs.values()))
    marks = _marks([x for run in runs.values() for x in run if _is_finite(x)])
    low, high = marks[0], marks[-1]
    steps, parted = curves["steps"] or 0, curves["parted"]
    return Plot(
        loss=row["loss"],
        subject=row["home"],
        data=curves["data"] or "",
        steps=steps,
        parted=parted,
        mark=_across(epochs * min(parted, steps) / steps, epochs) if parted and steps else None,
        lines=[(kind, who, points) for (kind, who), run in runs.items() for points in _points(run, epochs, low, high)],
        across=[(_across(n, epochs), str(n)) for n in range(0, epochs + 1, max(1, math.ceil(epochs / 8)))],
        up=[(_up(x, low, high), words.number(x)) for x in marks],
        ends=[(kind, *(words.number((runs[kind, who] or [None])[-1]) for who in WHO[::-1])) for kind in KINDS],
        apart=max((_apart(*(runs[kind, who] for who in WHO)) for kind in KINDS), default=None),
    )


def _numbers(runs: object, who: str) -> list:
    run = runs.get(who) if isinstance(runs, dict) else None
    return [words.real(x) for x in run] if isinstance(run, list) else []


def _is_finite(x: float | None) -> bool:
    return x is not None and math.isfinite(x)


def _apart(first: list, second: list) -> float:
    """The largest difference between two runs, as a share of the second: of its size then."""
    both = [(a, b) for a, b in zip(first, second, strict=False) if _is_finite(a) and _is_finite(b) and a]
    return max((abs(b - a) / abs(a) for a, b in both), default=0.0)


def _marks(numbers: list) -> list:
    """Round numbers from below the smallest to above the largest."""
    low, high = min(numbers, default=0.0), max(numbers, default=1.0)
    rough = (high - low) / TICKS or abs(high) / TICKS or 1.0
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * each for each in (1, 2, 5, 10) if unit * each >= rough)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [step * n for n in range(first, max(last, first + 1) + 1)]


def _across(epoch: float, epochs: int) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * epoch / max(epochs, 1), 1)


def _up(x: float, low: float, high: float) -> float:
    return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (x - low) / (high - low), 1)


def _points(run: list, epochs: int, low: float, high: float) -> list:
    """The pieces of a line, which ends where there is no number."""
    pieces, piece = [], []
    for epoch, x in enumerate([*run, None], 1):
        if _is_finite(x):
            piece.append(f"{_across(epoch, epochs)},{_up(x, low, high)}")
        elif piece:
            pieces.append(" ".join(piece))
            piece = []
    return pieces
