"""By how much is each cell slower than its base, and how sure is that?  A forest plot of paired times."""

from dataclasses import dataclass

from reports import words
from reports.drawing import (
    AMBER,
    BEHIND,
    BLUE,
    CHARACTER,
    FAIL,
    INK,
    KNOWN,
    PLAIN,
    QUIET,
    Drawing,
    canvas,
    finite,
    label,
    percents,
    svg,
)
from reports.grouping import grouped
from reports.perf.gate import OUTCOMES

COLOURS = dict(zip(OUTCOMES, (FAIL, AMBER, KNOWN, QUIET, BLUE), strict=True))
WIDE, NARROW = 1160, 350
_MARKS = {"regression": "s", "inconclusive": "D", "accepted": "^"}


@dataclass(frozen=True)
class Row:
    """One line of the plot; all numbers are percent, or None."""

    name: str
    outcome: str
    percent: float
    low: float | None
    high: float | None
    threshold: float | None
    detectable: float | None


def rows(cells: list, names: dict) -> list:
    """Cells whose times were taken, the worst outcome first, then the slowest."""
    timed = [each for each in cells if each["time"] and each["time"]["stage"]]
    made = [_row(each, names[each["cell"]]) for each in timed if finite([each["time"]["stage"]["percent"]])]
    return sorted(made, key=lambda row: (OUTCOMES.index(row.outcome), -row.percent))


def _row(cell: dict, name: str) -> Row:
    stage, time = cell["time"]["stage"], cell["time"]
    found = [stage["percent"], stage["low"], stage["high"], time["threshold_percent"], time["detectable_percent"]]
    numbers = [next(iter(finite([x])), None) for x in found]
    return Row(name, cell["outcome"], *numbers)


def draw(shown: list, name: str) -> Drawing | None:
    """The plot, for a wide page and a narrow one; None without rows."""
    if not shown:
        return None
    told = f"Slowdown of {len(shown)} cells in percent with 95 % intervals; the numbers are in the table below."
    narrow, wide = (svg(_plot(shown, width), f"{name}-{width}", told) for width in (NARROW, WIDE))
    return Drawing("Slowdown over the base", narrow, wide)


def _plot(shown: list, width: int):
    wide = width > 600
    step = 22 if wide else 36
    left = 20 + CHARACTER * max(len(label(row.name)) for row in shown) if wide else 8
    height = step * len(shown) + 46
    figure, axes = canvas(width, height, left=left, right=190 if wide else 8, top=8, bottom=38)
    reach = finite(x for row in shown for x in (row.percent, row.low, row.high, row.threshold))
    percents(axes.xaxis, reach)
    axes.set(ylim=(len(shown) - 0.5, -0.5 if wide else -0.9), yticks=[], xlabel="slower than the base →")
    axes.axvline(0, color=QUIET, linewidth=1)
    _lines(axes, shown, wide)
    for place, row in enumerate(shown):
        _text(axes, place, row, wide)
    axes.spines["left"].set_visible(False)
    return figure


def _lines(axes, shown: list, wide: bool) -> None:
    """The bars of what cannot be found, the intervals, the marks and the thresholds, all of one kind at once."""
    edge, half = axes.get_xlim()[1], 0.34 if wide else 0.24
    places = list(enumerate(shown))
    hidden = [(n, min(row.detectable, edge)) for n, row in places if row.detectable is not None]
    axes.hlines([n for n, _ in hidden], 0, [x for _, x in hidden], color=PLAIN, linewidth=13)
    limits = [(row.threshold, n - half, n + half) for n, row in places if row.threshold is not None]
    axes.vlines(*(zip(*limits, strict=True) if limits else ([], [], [])), color=INK, linewidth=1.5)
    for outcome, own in grouped(places, lambda pair: pair[1].outcome).items():
        colour, sure = COLOURS[outcome], [(n, r) for n, r in own if r.low is not None and r.high is not None]
        axes.hlines(
            [n for n, _ in sure], [r.low for _, r in sure], [r.high for _, r in sure], color=colour, linewidth=2
        )
        mark = _MARKS.get(outcome, "o")
        axes.plot([r.percent for _, r in own], [n for n, _ in own], mark, color=colour, markersize=7)


def _text(axes, place: int, row: Row, wide: bool) -> None:
    ink = FAIL if row.outcome == "regression" else INK
    across = axes.get_yaxis_transform()
    if wide:
        axes.text(0, place, label(row.name) + "  ", transform=across, ha="right", va="center", color=ink)
        axes.text(1.01, place, interval(row), transform=across, ha="left", va="center", color=ink)
        return
    axes.text(0, place - 0.46, label(row.name, 40), transform=across, ha="left", va="center", color=ink, bbox=BEHIND)
    told = change(row.percent)
    axes.text(1, place - 0.46, told, transform=across, ha="right", va="center", color=ink, bbox=BEHIND)


def interval(row: Row) -> str:
    """+3.1 % (+2.2 to +4.0)."""
    ends = "" if row.low is None or row.high is None else f" ({_signed(row.low)} to {_signed(row.high)})"
    return change(row.percent) + ends


def change(percent: object) -> str:
    """+3.12 %; empty for None."""
    found = words.real(percent)
    return "" if found is None else f"{_signed(found)} %"


def _signed(number: float) -> str:
    digits = 2 if abs(number) < 10 else 1 if abs(number) < 100 else 0
    text = f"{abs(number):,.{digits}f}" if abs(number) < 1e6 else words.number(abs(number))
    return text if not text.strip("0.") else ("−" if number < 0 else "+") + text
