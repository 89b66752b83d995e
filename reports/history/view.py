"""What does a page or a terminal show of a history?  Its changes, the plots that matter most, its machines."""

from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np

from reports import words
from reports.drawing import Drawing
from reports.history.changes import Change, changes, tonight
from reports.history.figures import TITLES, heat, plot
from reports.history.store import History

PLOTS = 12
"""Plots of a page; the table has more changes, and any cell can be asked for by its name."""
LINES = 40
"""Changes in the table of a page."""


@dataclass(frozen=True)
class View:
    """Everything that the section on history shows.  `changes`: lines of the table; `plots`: (drawing, number)."""

    history: History
    heat: Drawing | None
    changes: list
    more: int
    tonight: list
    plots: list
    machines: list


@dataclass(frozen=True)
class Line:
    """One change as it is written."""

    date: str
    cell: str
    number: str
    before: str
    after: str
    percent: str
    worse: bool
    commit: str
    new_suite: bool


def view(history: History, pattern: str | None = None) -> View:
    """The whole history, or the cells whose name a pattern fits, all of them drawn up to `PLOTS`."""
    found = changes(history)
    if pattern:
        own = matching(history, pattern)
        found = [each for each in found if each.cell in set(own)]
        drawn = list(dict.fromkeys([*((c.cell, c.number) for c in found), *_plain(history, own)]))[:PLOTS]
    else:
        drawn = chosen(found, len(history.runs))
    return View(
        history=history,
        heat=None if pattern else heat(history),
        changes=[line(history, each) for each in found[:LINES]],
        more=max(0, len(found) - LINES),
        tonight=[line(history, each) for each in tonight(history)[:LINES]],
        plots=[(plot(history, cell, number, found), TITLES[number]) for cell, number in drawn],
        machines=_machines(history),
    )


def matching(history: History, pattern: str) -> list:
    """The indices of the cells whose name has the pattern in it, or fits it with * and ?."""
    return [n for n, name in enumerate(history.cells) if pattern in name or fnmatchcase(name, pattern)]


def _plain(history: History, cells: list) -> list:
    """A number of each cell to draw where nothing changed: the first that was measured."""
    return [
        (cell, number)
        for cell in cells
        for number in [next((k for k, t in history.numbers.items() if np.isfinite(t[:, cell]).any()), None)]
        if number
    ]


def chosen(found: list, runs: int) -> list:
    """The cells and numbers to draw: those that changed last and those that changed most, taking turns."""
    largest = sorted(found, key=lambda each: -abs(np.log(max(each.factor, 1e-9))) if each.before else -np.inf)
    turns = [each for pair in zip(found, largest, strict=True) for each in pair]
    return list(dict.fromkeys((each.cell, each.number) for each in turns))[:PLOTS]


def line(history: History, change: Change) -> Line:
    """A change in words and numbers."""
    run, before = history.runs[change.run], history.runs[max(change.run - 1, 0)]
    written = words.number if change.number == "ratio" else _count
    return Line(
        date=f"{run.date:%Y-%m-%d}",
        cell=history.cells[change.cell],
        number=TITLES[change.number],
        before=written(change.before),
        after=written(change.after),
        percent=f"{100 * (change.factor - 1):+.3g} %".replace("-", "−") if change.before else "new",
        worse=change.is_worse,
        commit=(run.commit or "")[:10],
        new_suite=run.suite_version != before.suite_version,
    )


def _count(number: float) -> str:
    return f"{number:,.0f}"


def _machines(history: History) -> list:
    """For each machine: fingerprint, its description, number of runs, first and last date."""
    told = []
    for fingerprint, runs in history.machines().items():
        first, last = history.runs[runs[0]], history.runs[runs[-1]]
        parts = [f"{key} {value}" for key, value in last.machine.items() if value not in (None, "")]
        told.append((fingerprint, ", ".join(parts), len(runs), f"{first.date:%Y-%m-%d}", f"{last.date:%Y-%m-%d}"))
    return told
