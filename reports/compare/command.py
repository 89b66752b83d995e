"""How are two results files compared?  python -m reports compare OLD NEW, both conformance runs or both audits."""

import argparse
from collections import defaultdict
from pathlib import Path

from reports import document, pages
from reports.commands import Parser
from reports.compare import comparison as whole
from reports.compare import markdown
from reports.compare.comparison import Comparison, Options, compare
from reports.compare.pairing import ACROSS, CHOICES
from reports.compare.source import load
from reports.compare.view import lines
from reports.document import UnreadableError

SHOWN = 15
"""Regressions that a terminal lists."""


def main(arguments: list) -> int:
    """Writes page and summaries; 1 on a regression or where nothing can be said.  Raises `UnreadableError`."""
    options = _parser().parse_args(arguments)
    _guard(options)
    try:
        made = compare(load(options.old_file), load(options.new_file), _asked(options))
    except UnreadableError as error:
        _summarise(markdown.unreadable(str(error)), options)
        raise
    page = options.html or options.new_file.parent / "compare.html"
    from reports.compare.page import render  # draws, which takes a second to import and bad input does not need

    document.write(render(made), page)
    pages.refresh(page.parent)
    _summarise(markdown.render(made), options)
    print("\n".join(_told(made)))
    print(f"report: {page}")
    return made.exit_status


def _told(made: Comparison) -> list:
    """The comparison in lines for a terminal."""
    found = lines(made, "worse")
    told = [*whole.caveats(made)]
    told += [f"worse: {_line(each)}" for each in found[:SHOWN]]
    told += [f"{len(found) - SHOWN} more lines are worse"] if len(found) > SHOWN else []
    told += [f"new deviation: {each.id}" for each in made.appeared if each.counts]
    return [" ".join(each.split()) for each in [*told, ": ".join(whole.headline(made))]]


def _line(line) -> str:
    named = " ".join(filter(None, [line.loss, line.asked, line.quantity, ", ".join(line.dtypes), line.where]))
    ends = [
        f"{old or 'none'} -> {new or 'none'}" for old, new in (line.verdicts, line.grades, line.ratios) if old != new
    ]
    return f"{named} ({line.rows}): {', '.join(line.why)}; {', '.join(ends)}"


def _asked(options: argparse.Namespace) -> Options:
    sides = []
    for given in (options.old, options.new):
        wanted = defaultdict(list)
        for field, value in given or ():
            wanted[field].append(value)
        sides.append(dict(wanted))
    return Options(options.allow_missing, tuple(options.ignoring or ()), tuple(sides))


def _guard(options: argparse.Namespace) -> None:
    """Raises where a report would be written over what it is made from."""
    for path in (options.html, options.markdown, options.append and Path(options.append)):
        if path and path.resolve() in (options.old_file.resolve(), options.new_file.resolve()):
            raise UnreadableError(f"{path}: is one of the files to compare, and would be written over")


def _summarise(text: str, options: argparse.Namespace) -> None:
    if options.markdown:
        document.write(text, options.markdown)
    if options.append:
        document.write(text, Path(options.append), "a")


def _choice(text: str) -> tuple[str, str]:
    field, is_there, value = text.partition("=")
    if not is_there or field not in CHOICES:
        raise argparse.ArgumentTypeError(f"{text!r} is not FIELD=VALUE with one of {', '.join(CHOICES)}")
    return field, value


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m reports compare", description=__doc__)
    parser.add_argument("old_file", type=Path, metavar="OLD", help="results of a conformance run, or an audit")
    parser.add_argument("new_file", type=Path, metavar="NEW", help="the same of what is to be judged")
    for side in ("old", "new"):
        told = f"only the rows of the {side} file with this value, as device=cpu; repeatable"
        parser.add_argument(f"--{side}", action="append", type=_choice, metavar="FIELD=VALUE", help=told)
    told = "match rows whatever this field says; by itself where the files share no value of it; repeatable"
    parser.add_argument("--ignoring", action="append", choices=ACROSS, help=told)
    told = "rows that only the old file has are no regression, as where the new run asked less"
    parser.add_argument("--allow-missing", action="store_true", help=told)
    told = "where the page goes (default: compare.html beside NEW)"
    parser.add_argument("--html", type=Path, metavar="FILE", help=told)
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="where a summary in markdown goes, if anywhere")
    parser.add_argument("--append", metavar="FILE", help="a file to whose end the summary is added; empty: none")
    return parser
