"""How is the trend of a loss drawn?  Its worst ratio for each dtype over the runs; failures and deviations below."""

import math

from reports.compare.judgement import THRESHOLD
from reports.drawing import AMBER, BLUE, CHARACTER, FAIL, INK, KNOWN, QUIET, Drawing, canvas, label, logarithmic, svg
from reports.grouping import dtype_order
from reports.trend.store import Run, Trend, ratio

STYLES = {
    "float16": (AMBER, "-", "o"),
    "bfloat16": (AMBER, (0, (3, 2)), "s"),
    "float32": (BLUE, "-", "o"),
    "float64": (INK, "-", "o"),
    "complex128": (QUIET, (0, (3, 2)), "s"),
}
"""Colour, line and mark of each dtype."""
OTHER = (QUIET, "-", "o")
LEAST, LARGEST = 1e-2, 1e4
"""Ratios beyond these are drawn at the edge; a row that fails has any."""
WIDTH, HEIGHT, BELOW = 350, 250, 58


def style(dtype: str) -> tuple:
    """How a dtype is drawn."""
    return STYLES.get(dtype, OTHER)


def dtypes(trend: Trend) -> list:
    """Those that any run has a ratio of, in order."""
    every = [loss for run in trend.runs for loss in run.losses.values()]
    found = {name for loss in every for name, each in loss["dtypes"].items() if each.get("ratio") is not None}
    return sorted(found, key=dtype_order)


def changes(runs: list[Run]) -> list[tuple]:
    """(place, what changed) where a run has another version of torch or the suite than the one before it."""
    found = []
    for place in range(1, len(runs)):
        old, new = runs[place - 1], runs[place]
        told = [f"torch {new.torch.partition('+')[0]}"] if old.torch != new.torch else []
        told += [f"suite {new.suite_version}"] if old.suite_version != new.suite_version else []
        if told:
            found.append((place, ", ".join(told)))
    return found


def plot(trend: Trend, series: tuple, index: int) -> Drawing:
    """The trend of one loss."""
    figure, axes = canvas(WIDTH, HEIGHT, left=52, right=12, top=18, bottom=BELOW + 34)
    below = figure.add_axes((52 / WIDTH, 28 / HEIGHT, (WIDTH - 64) / WIDTH, (BELOW - 4) / HEIGHT))
    _ratios(axes, trend, series)
    _counts(below, trend, series)
    for each in (axes, below):
        each.set_xlim(-0.5, len(trend.runs) - 0.5)
    _versions(axes, below, trend)
    axes.set_xticks([])
    _dates(below, trend)
    subject, loss, device, mode = series
    told = f"Worst test ratios, failures and deviations of {loss} in {len(trend.runs)} runs"
    title = " ".join(
        [
            loss,
            *(
                each
                for each, usual in ((subject, "torch.nn"), (device, "cpu"), (mode, "eager"))
                if each not in ("", usual)
            ),
        ]
    )
    return Drawing(title, svg(figure, f"trend-{index}", label(told, 200)))


def _ratios(axes, trend: Trend, series: tuple) -> None:
    axes.set_yscale("log")
    axes.axhline(THRESHOLD, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    drawn = [THRESHOLD]
    for dtype in dtypes(trend):
        found = [(n, ratio(run, series, dtype)) for n, run in enumerate(trend.runs)]
        points = [(n, min(max(y, LEAST), LARGEST)) for n, y in found if y is not None and not math.isnan(y)]
        if points:
            tone, line, mark = style(dtype)
            axes.plot(*zip(*points, strict=True), color=tone, linestyle=line, marker=mark, markersize=3)
            drawn += [y for _, y in points]
    axes.set_ylim(min(0.2, *drawn) / 1.3, max(5.0, *drawn) * 1.3)
    logarithmic(axes.yaxis)


def _counts(axes, trend: Trend, series: tuple) -> None:
    """Deviations met as a line, failures as bars, hollow where the run is incomplete."""
    there = [(n, run) for n, run in enumerate(trend.runs) if series in run.losses]
    met = [(n, len(run.losses[series]["deviations"])) for n, run in there]
    failed = [(n, run.losses[series]["verdicts"].get("fail", 0), run.complete) for n, run in there]
    axes.plot(*zip(*met, strict=True), color=KNOWN, drawstyle="steps-mid", marker=".", markersize=4)
    for place, number, complete in failed:
        if number:
            axes.bar(place, number, width=0.7, color=FAIL if complete else "none", edgecolor=FAIL, linewidth=1)
    top = max(1, *(y for _, y in met), *(y for _, y, _ in failed))
    axes.set_ylim(0, top * 1.25)
    axes.set_yticks([0, top])


def _versions(axes, below, trend: Trend) -> None:
    """A line at each change of version, and its name where there is room for it."""
    step, end = (WIDTH - 64) / len(trend.runs), 0.0
    for place, told in changes(trend.runs):
        for each in (axes, below):
            each.axvline(place - 0.5, color=QUIET, linewidth=1)
        written = label(told, 30)
        wide = CHARACTER * len(written)
        side = "left" if place * step + wide <= WIDTH - 52 else "right"
        start = place * step - (wide if side == "right" else 0)
        if start >= end:
            axes.text(place - 0.5, 1.01, written, transform=axes.get_xaxis_transform(), ha=side, va="bottom")
            end = start + wide


def _dates(axes, trend: Trend) -> None:
    """The dates of the first and the last run."""
    last = len(trend.runs) - 1
    places = sorted({0, last})
    axes.set_xticks(places, [f"{trend.runs[n].date:%Y-%m-%d}" for n in places])
    for text, place in zip(axes.get_xticklabels(), places, strict=True):
        text.set_ha("center" if last == 0 else "left" if place == 0 else "right")
    axes.grid(False, axis="x")
