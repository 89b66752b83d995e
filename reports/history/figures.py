"""How is a history drawn?  All cells as one heat map, and a plot for each cell that changed most or last."""

from datetime import timedelta
from itertools import pairwise

import numpy as np
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from reports import words
from reports.drawing import BLUE, CHARACTER, FAIL, INK, QUIET, Drawing, canvas, label, svg
from reports.history.store import History

WIDE, NARROW, PLOT = 1160, 350, 350
REACH = np.log(1.25)
"""Change at which the heat map's colour is full."""
LEVELS = 8
"""Shades of each colour: few compress well."""
ALTERNATING = 12
"""Machine breaks that are drawn; where machines take turns there are too many."""
WARM, COOL = (0xC8, 0x4A, 0x1F), (0x2F, 0x7D, 0xB5)
TITLES = {
    "ratio": "time over eager",
    "bytes": "bytes moved",
    "operators": "operators",
    "peak_bytes": "peak bytes",
    "saved_bytes": "bytes saved",
    "instructions": "instructions",
}


def heat(history: History) -> Drawing | None:
    """Each cell's ratio over its own median on the same machine, a line for each cell, for both widths of page."""
    shown = np.flatnonzero(np.isfinite(history.numbers["ratio"]).any(axis=0))
    if len(shown) == 0:
        return None
    order = sorted(shown.tolist(), key=lambda cell: history.cells[cell])
    told = f"Ratios of {len(order)} cells in {len(history.runs)} runs, each over its median"
    table = _relative(history)[:, order]
    narrow, wide = (svg(_heat(history, table, order, width), f"heat-{width}", told) for width in (NARROW, WIDE))
    return Drawing("All cells", narrow, wide)


def _relative(history: History) -> np.ndarray:
    """Logarithms of ratios less the median of the cell on the machine."""
    logs = np.log(np.where(history.numbers["ratio"] > 0, history.numbers["ratio"], np.nan))
    for runs in history.machines().values():
        there = np.isfinite(logs[runs]).any(axis=0)
        logs[np.ix_(runs, there)] -= np.nanmedian(logs[np.ix_(runs, there)], axis=0)
    return logs


def _heat(history: History, table: np.ndarray, order: list, width: int):
    wide = width > 600
    groups = _groups([history.cells[cell] for cell in order])
    left = 10 + CHARACTER * max(len(name) for name, _, _ in groups) if wide else 104
    height = max(3 * table.shape[1], 15 * len(groups)) + 40
    figure, axes = canvas(width, height, left=left, right=10, top=6, bottom=34)
    columns = _columns(table, 260 if wide else 120)
    axes.imshow(_colours(columns).transpose(1, 0, 2), aspect="auto", interpolation="none", extent=_extent(table))
    axes.set_yticks([(a + b) / 2 for _, a, b in groups], [name if wide else label(name, 16) for name, _, _ in groups])
    for _, start, _ in groups[1:]:
        axes.axhline(start, color=QUIET, linewidth=0.4)
    for place in _shown_breaks(history):
        axes.axvline(place, color=INK, linewidth=1.5, linestyle=(0, (4, 3)))
    _dates(axes, history, 6 if wide else 3)
    axes.grid(False)
    return figure


def _extent(table: np.ndarray) -> tuple:
    return (0, table.shape[0], table.shape[1], 0)


def _groups(names: list) -> list:
    """Losses with the first and the last line of each."""
    losses = [name.partition("-")[0] for name in names]
    starts = [n for n, loss in enumerate(losses) if n == 0 or loss != losses[n - 1]]
    ends = [*starts[1:], len(losses)]
    return [(label(losses[a].removesuffix("Loss"), 26), a, b) for a, b in zip(starts, ends, strict=True)]


def _columns(table: np.ndarray, most: int) -> np.ndarray:
    """Neighbouring runs together, their median, so that there are no more than so many."""
    runs = len(table)
    if runs <= most:
        return table
    padded = np.full((int(np.ceil(runs / most)) * most, table.shape[1]), np.nan)
    places = (np.arange(runs) * most // runs) * (len(padded) // most)
    places += np.concatenate([np.arange(n) for n in np.bincount(np.arange(runs) * most // runs)])
    padded[places] = table
    blocks = padded.reshape(most, -1, table.shape[1])
    found = np.sort(blocks, axis=1)
    middle = np.maximum(np.isfinite(blocks).sum(axis=1) - 1, 0) // 2
    return np.take_along_axis(found, middle[:, None], axis=1)[:, 0]


def _colours(table: np.ndarray) -> np.ndarray:
    """Warm where slower, cool where faster, more opaque the further; clear where nothing was measured."""
    share = np.clip(np.nan_to_num(table) / REACH, -1, 1)
    share = np.round(share * LEVELS) / LEVELS
    tones = np.where(share[..., None] > 0, np.array(WARM), np.array(COOL))
    opacity = np.where(np.isfinite(table), 12 + 243 * np.abs(share) ** 1.5, 0)
    return np.concatenate([tones, opacity[..., None]], axis=-1).astype(np.uint8)


def _shown_breaks(history: History) -> list:
    found = history.breaks()
    return found if len(found) <= ALTERNATING else []


def _dates(axes, history: History, number: int) -> None:
    """Dates at some of the runs of an axis of runs."""
    runs = len(history.runs)
    places = np.unique(np.linspace(0, runs - 1, min(number, runs)).round().astype(int))
    axes.set_xticks(places + 0.5, [f"{history.runs[n].date:%Y-%m-%d}" for n in places])
    for text, place in zip(axes.get_xticklabels(), places, strict=True):
        text.set_ha("left" if place == 0 and runs > 1 else "right" if place == runs - 1 and runs > 1 else "center")


def plot(history: History, cell: int, number: str, found: list) -> Drawing:
    """One number of a cell by date: every run, the level between changes, the changes, the breaks."""
    figure, axes = canvas(PLOT, 190, left=58, right=14, top=14, bottom=28)
    dates = date2num([run.date for run in history.runs])
    own = sorted((each for each in found if each.cell == cell and each.number == number), key=lambda each: each.run)
    for runs in history.machines().values():
        _series(axes, dates[runs], history.numbers[number][runs, cell], [c for c in own if c.run in set(runs)], dates)
    for each in own:
        axes.axvline(dates[each.run], color=FAIL if each.is_worse else BLUE, linewidth=1.25)
    for place in _shown_breaks(history):
        axes.axvline((dates[place - 1] + dates[place]) / 2, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    axes.yaxis.set_major_formatter(lambda y, _: words.number(y) if number == "ratio" else _short(y))
    _calendar(axes, dates, history)
    told = f"{TITLES[number]} of {history.cells[cell]} in {len(history.runs)} runs, with {len(own)} changes"
    return Drawing(history.cells[cell], svg(figure, f"cell-{cell}-{number}", label(told, 200)))


def _series(axes, dates, series, own: list, all_dates) -> None:
    there = np.isfinite(series)
    _specks(axes, dates[there], series[there])
    ends = [dates[there].min(), *(all_dates[each.run] for each in own), dates[there].max()] if there.any() else []
    for start, end in pairwise(ends):
        inside = there & (dates >= start) & ((dates < end) | (end == ends[-1]))
        if inside.any():
            axes.plot([start, end], [np.median(series[inside])] * 2, color=INK, linewidth=1.75)


def _specks(axes, x: np.ndarray, y: np.ndarray) -> None:
    """A dot at each place, all in one path, which is small even for two years."""
    points = np.stack([np.stack([x, y], axis=1)] * 2, axis=1).reshape(-1, 2)
    points[1::2, 0] += 1e-3
    path = Path(points, np.tile([Path.MOVETO, Path.LINETO], len(x)))
    axes.add_patch(PathPatch(path, edgecolor=QUIET, linewidth=2.5, capstyle="round", facecolor="none", alpha=0.55))
    axes.update_datalim(points)
    axes.autoscale_view()


def _calendar(axes, dates, history: History) -> None:
    """The axis of dates; a lone run has a day around it."""
    if len(dates) == 1:
        axes.set_xlim(dates[0] - 1, dates[0] + timedelta(days=1).days)
    locator = AutoDateLocator(minticks=2, maxticks=5)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))


def _short(x: float) -> str:
    for unit in ("", "k", "M", "G"):
        if abs(x) < 1000 or unit == "G":
            return f"{x:.3g}{unit}"
        x /= 1000
    return ""
