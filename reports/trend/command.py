"""How is the history of conformance called?  python -m reports trend add RESULTS | show."""

import argparse
from pathlib import Path

from reports.commands import Parser, publish
from reports.document import UnreadableError
from reports.history.store import append, date_of
from reports.load import load
from reports.render import environment
from reports.trend.entry import entry
from reports.trend.store import Trend, read

FILE = Path("reports/trend.jsonl")
SHOWN = 8
"""News of one run that a terminal lists."""


def main(arguments: list) -> int:
    """Adds a run, or shows what there is; raises `UnreadableError`."""
    options = _parser().parse_args(arguments)
    return options.run(options)


def _add(options: argparse.Namespace) -> int:
    results = load(options.results)
    if not results.rows:
        raise UnreadableError(f"{options.results}: a run without rows, of which there is nothing to keep")
    run = entry(results, options.commit, options.date)
    date_of(run["date"], "the date of the run")
    earlier = read(options.file) if options.file.exists() else Trend([])
    if earlier.warnings and not earlier.runs:
        raise UnreadableError(f"{options.file}: no line of it is a conformance run; nothing was added")
    append(run, options.file)
    for warning in earlier.warnings:
        print(warning)
    state = "" if results.complete else ", incomplete"
    print(f"trend: {len(run['losses'])} losses of {run['date']}{state} added to {options.file}")
    return 0


def _show(options: argparse.Namespace) -> int:
    from reports.trend.view import matching, view  # draws, which adding does not need

    trend = read(options.file)
    if options.loss and not matching(trend, options.loss):
        raise UnreadableError(f"{options.file}: no loss is named like {options.loss!r}")
    shown = view(trend, options.loss)
    print("\n".join(_told(shown)))
    if options.html:
        page = environment().get_template("trend.html").render(view=shown, pattern=options.loss)
        publish(page, options.html)
    return 0


def _told(shown) -> list:
    """The history in lines for a terminal, the latest run last."""
    told = [*shown.trend.warnings, f"{len(shown.trend.runs)} runs of {len(shown.trend.series())} losses"]
    for run in reversed(shown.runs):
        state = "" if run.complete else ", incomplete"
        told.append(
            f"{run.date}  torch {run.torch}  {run.asked}{state}  {run.failures} failures, {run.known} known rows, "
            f"{run.deviations} deviations"
        )
        told += [f"    {each}" for each in run.news[:SHOWN]]
        told += [f"    and {len(run.news) - SHOWN} more"] if len(run.news) > SHOWN else []
    return told


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m reports trend", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="add | show")
    add = commands.add_parser("add", help="add a conformance run as one line")
    add.add_argument("results", type=Path, metavar="RESULTS", help="its results file")
    add.add_argument("--commit", metavar="SHA", help="what was tested")
    add.add_argument("--date", metavar="ISO", help="when (default: as the results say)")
    add.set_defaults(run=_add)
    show = commands.add_parser("show", help="print the runs and what changed")
    show.add_argument("--loss", metavar="PATTERN", help="only losses with this in their name, or like it with * and ?")
    show.add_argument("--html", type=Path, metavar="FILE", help="where a page goes, if anywhere")
    show.set_defaults(run=_show)
    for each in (add, show):
        each.add_argument("--file", type=Path, metavar="FILE", default=FILE, help="the history (default: %(default)s)")
    return parser
