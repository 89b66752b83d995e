"""How is the history called?  python -m reports history add | show."""

import argparse
from pathlib import Path

from reports.commands import Parser, publish
from reports.document import UnreadableError
from reports.history.entry import entry
from reports.history.store import append, date_of, read
from reports.history.view import View, matching, view
from reports.perf import benchmarks, gate
from reports.render import environment

FILE = Path("reports/history.jsonl")
PERF, GATE = Path("reports/out/perf.json"), Path("reports/out/perf-gate.json")


def main(arguments: list) -> int:
    """Adds a run, or shows what there is; raises `UnreadableError`."""
    options = _parser().parse_args(arguments)
    return options.run(options)


def _add(options: argparse.Namespace) -> int:
    measured = benchmarks.load(options.perf or PERF)
    gated = gate.load(options.gate or GATE) if options.gate or GATE.exists() else None
    run = entry(measured, gated, options.commit, options.date)
    date_of(run["date"], "the date of the run")
    earlier = read(options.file) if options.file.exists() else None
    append(run, options.file)
    for warning in earlier.warnings if earlier else ():
        print(warning)
    if earlier and earlier.runs and earlier.runs[-1].fingerprint != run["fingerprint"]:
        print(
            f"machine break: {run['fingerprint']} after {earlier.runs[-1].fingerprint}; nothing is compared across it"
        )
    print(f"history: {len(run['cells'])} cells of {run['date']} added to {options.file}")
    return 0


def _show(options: argparse.Namespace) -> int:
    history = read(options.file)
    if options.cell and not matching(history, options.cell):
        raise UnreadableError(f"{options.file}: no cell is named like {options.cell!r}")
    shown = view(history, options.cell)
    print("\n".join(_told(shown)))
    if options.html:
        page = environment().get_template("history.html").render(view=shown, pattern=options.cell)
        publish(page, options.html)
    return 0


def _told(shown: View) -> list:
    """The history in lines for a terminal."""
    runs = f"{len(shown.history.runs)} runs of {len(shown.history.cells)} cells"
    lines = [*shown.history.warnings, runs]
    lines += [f"machine {name}: {count} runs, {a} to {b}; {parts}" for name, parts, count, a, b in shown.machines]
    lines += [f"{c.date}  {c.cell}  {c.number}  {c.before} -> {c.after}  {c.percent}" for c in shown.changes]
    lines += [f"{shown.more} more changes"] if shown.more else []
    lines += [f"last run only: {c.cell}  {c.before} -> {c.after}  {c.percent}" for c in shown.tonight]
    return lines if shown.changes or shown.tonight else [*lines, "no changes"]


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m reports history", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="add | show")
    add = commands.add_parser("add", help="add a run of the benchmarks as one line")
    add.add_argument("--perf", type=Path, metavar="FILE", help=f"its benchmarks (default: {PERF})")
    add.add_argument("--gate", type=Path, metavar="FILE", help=f"its gate, for instructions (default: {GATE}, if any)")
    add.add_argument("--commit", metavar="SHA", help="what was measured (default: as the benchmarks say)")
    add.add_argument("--date", metavar="ISO", help="when (default: as the benchmarks say)")
    add.set_defaults(run=_add)
    show = commands.add_parser("show", help="print where numbers changed")
    show.add_argument("--cell", metavar="PATTERN", help="only cells with this in their name, or like it with * and ?")
    show.add_argument("--html", type=Path, metavar="FILE", help="where a page goes, if anywhere")
    show.set_defaults(run=_show)
    for each in (add, show):
        each.add_argument("--file", type=Path, metavar="FILE", default=FILE, help="the history (default: %(default)s)")
    return parser
