"""What does a page or a terminal show of the trend?  The runs, what each changed, and a plot for every loss."""

from dataclasses import dataclass
from fnmatch import fnmatchcase

from reports import words
from reports.drawing import Drawing, variable
from reports.trend.figures import dtypes, plot, style
from reports.trend.store import Run, Trend, ratio

RUNS, PLOTS = 30, 40
"""Runs in the table, and plots, at most; the file has all, and `--loss` asks for one."""


@dataclass(frozen=True)
class Line:
    """One run as it is written; `news`: what is other than in the run before it."""

    date: str
    torch: str
    suite: str
    asked: str
    commit: str
    complete: bool
    failures: int
    known: int
    deviations: int
    news: list


@dataclass(frozen=True)
class View:
    """Everything that is shown, the latest run first; `key`: (dtype, colour, whether it is dashed)."""

    trend: Trend
    runs: list[Line]
    more_runs: int
    plots: list[Drawing]
    more_plots: int
    key: list


def view(trend: Trend, pattern: str | None = None) -> View:
    """The whole history, or the losses that a pattern fits."""
    shown = sorted(matching(trend, pattern), key=lambda series: (-_urgency(trend, series), series))
    runs = [line(trend, place) for place in range(len(trend.runs))][::-1]
    return View(
        trend=trend,
        runs=runs[:RUNS],
        more_runs=max(0, len(runs) - RUNS),
        plots=[plot(trend, series, index) for index, series in enumerate(shown[:PLOTS])],
        more_plots=max(0, len(shown) - PLOTS),
        key=[(dtype, variable(style(dtype)[0]), style(dtype)[1] != "-") for dtype in dtypes(trend)],
    )


def matching(trend: Trend, pattern: str | None) -> list:
    """The series whose loss or subject has the pattern in it, or fits it with * and ?; all without one."""
    return [
        each
        for each in trend.series()
        if not pattern or any(pattern in name or fnmatchcase(name, pattern) for name in each[:2])
    ]


def _urgency(trend: Trend, series: tuple) -> int:
    """Failures in the last run: those losses come first."""
    last = trend.runs[-1].losses.get(series) if trend.runs else None
    return last["verdicts"].get("fail", 0) if last else 0


def line(trend: Trend, place: int) -> Line:
    """A run, and what it brought."""
    run = trend.runs[place]
    return Line(
        date=f"{run.date:%Y-%m-%d %H:%M}",
        torch=run.torch,
        suite=run.suite_version or "?",
        asked=" ".join(filter(None, [run.budget, f"seed {run.seed}"])),
        commit=(run.commit or "")[:10],
        complete=run.complete,
        failures=run.total("fail"),
        known=run.total("known"),
        deviations=len(run.deviations),
        news=news(trend.runs[place - 1], run) if place else [],
    )


def news(old: Run, new: Run) -> list:
    """What changed from one run to the next, in words: versions, failures, deviations, grades."""
    told = [f"torch {old.torch} → {new.torch}"] if old.torch != new.torch else []
    if old.suite_version != new.suite_version:
        told.append(f"suite {old.suite_version or '?'} → {new.suite_version or '?'}")
    told += [f"new deviation {id}" for id in sorted(new.deviations - old.deviations)]
    told += [f"vanished deviation {id}" for id in sorted(old.deviations - new.deviations)]
    for series in sorted(set(old.losses) & set(new.losses)):
        told += _moved(old, new, series)
    return told


def _moved(old: Run, new: Run, series: tuple) -> list:
    first, second = old.losses[series], new.losses[series]
    failures = [each["verdicts"].get("fail", 0) for each in (first, second)]
    told = [f"{series[1]}: {failures[0]} → {failures[1]} failures"] if failures[0] != failures[1] else []
    for dtype in first["dtypes"]:
        before, after = (each["dtypes"].get(dtype, {}).get("grade") for each in (first, second))
        if before and after and before != after:
            ratios = " → ".join(words.number(ratio(run, series, dtype)) for run in (old, new))
            told.append(f"{series[1]} {dtype}: grade {before} → {after}, ratio {ratios}")
    return told
