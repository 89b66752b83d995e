"""How do implementations compare, loss by loss?  Plots with a line for each loss and a mark for each implementation."""

from collections.abc import Callable
from dataclasses import dataclass

from reports.drawing import (
    AMBER,
    BLUE,
    CHARACTER,
    INK,
    KNOWN,
    LINE,
    NOTE,
    QUIET,
    Drawing,
    canvas,
    finite,
    label,
    logarithmic,
    svg,
)
from reports.grouping import grouped
from reports.perf.benchmarks import IMPLEMENTATIONS

COLOURS = dict(zip(IMPLEMENTATIONS, (BLUE, AMBER, KNOWN, NOTE), strict=True))
MARKS = dict(zip(IMPLEMENTATIONS, "osD^", strict=True))
WIDTH = 350


@dataclass(frozen=True)
class Dot:
    """One mark: the line it is on, the implementation, its number, and whether it is of a forward pass alone."""

    line: str
    implementation: str
    number: float
    forward: bool = False


def colour(implementation: str) -> str:
    """That of an implementation; any other is grey."""
    return COLOURS.get(implementation, QUIET)


def draw(dots: list, title: str, name: str, unit: str, mark: float | None = None) -> Drawing | None:
    """A line for each loss, ordered by its largest number; `mark` is a number with a line of its own."""
    shown = [dot for dot in dots if finite([dot.number]) and dot.number > 0]
    if not shown:
        return None
    lines = sorted(grouped(shown, lambda dot: dot.line).items(), key=lambda pair: max(d.number for d in pair[1]))
    figure, axes = _axes([line for line, _ in lines], unit)
    ends = [(min(d.number for d in own), max(d.number for d in own)) for _, own in lines]
    axes.hlines(range(len(lines)), *zip(*ends, strict=True), color=LINE, linewidth=1.5)
    _marks(axes, [(dot, place) for place, (_, own) in enumerate(lines) for dot in own])
    if mark is not None:
        axes.axvline(mark, color=INK, linewidth=1.5)
    logarithmic(axes.xaxis)
    told = f"{title}, {unit}, of {len(lines)} losses; the numbers are in the table of all cells."
    return Drawing(title, svg(figure, name, told))


def _marks(axes, placed: list) -> None:
    for (how, forward), own in grouped(placed, lambda pair: (pair[0].implementation, pair[0].forward)).items():
        tone, numbers = colour(how), [dot.number for dot, _ in own]
        face = "none" if forward else tone
        mark = MARKS.get(how, "o")
        axes.plot(numbers, [place for _, place in own], mark, color=tone, markerfacecolor=face, markersize=6)


def _axes(lines: list, unit: str):
    names = [label(line.removesuffix("Loss"), 26) for line in lines]
    left = 10 + CHARACTER * max(map(len, names))
    figure, axes = canvas(WIDTH, 17 * len(names) + 46, left=left, right=10, bottom=38)
    axes.set(xscale="log", ylim=(-0.7, len(names) - 0.3), yticks=range(len(names)), yticklabels=names, xlabel=unit)
    axes.spines["left"].set_visible(False)
    axes.grid(False, axis="y")
    return figure, axes


def of_fits(fits: list, key: str, scale: Callable = float) -> list:
    """Dots of one of the two numbers of each fit."""
    return [
        Dot(each["loss"], each["implementation"], scale(number), each["direction"] == "forward")
        for each in fits
        for number in finite([each[key]])
    ]
