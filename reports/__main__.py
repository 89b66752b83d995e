"""How are the reports called?  python -m reports [--results FILE] [--html FILE] [--markdown FILE], ignoring others.

`python -m reports perf` makes the report on speed, `python -m reports history` keeps and shows what it was;
`python -m reports compare` compares two results files, `python -m reports trend` keeps and shows what they said;
`python -m reports audit` makes the accuracy table of an audit.
"""

import argparse
import sys
from importlib import import_module
from pathlib import Path

from reports import document, markdown, pages
from reports.commands import Parser
from reports.document import UnreadableError
from reports.load import load, partial_path
from reports.render import write

BAD_INPUT = 4
INTERRUPTED = 2
COMMANDS = ("perf", "history", "compare", "trend", "audit")
"""Commands whose modules draw: they are imported only where asked for."""


def main(arguments: list | None = None) -> int:
    """Writes the page; 0 when it is written (whatever it says), 4 when the input cannot be read, 2 when interrupted."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        if given and given[0] in COMMANDS:
            return import_module(f"reports.{given[0]}.command").main(given[1:])
        options, _ = _parser().parse_known_args(given)
        if options.discard is not None:
            return _discard(options)
        report = _write(options)
    except UnreadableError as error:
        print("reports:", " ".join(str(error).split()), file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("reports: interrupted", file=sys.stderr)
        return INTERRUPTED
    print(": ".join(report.outcome))
    print(f"report: {_page(options)}")
    return 0


def _write(options: argparse.Namespace):
    try:
        report = write(load(options.results), _page(options))
        pages.refresh(_page(options).parent)
    except UnreadableError as error:
        _summarise(markdown.unreadable(str(error)), options)
        raise
    _summarise(markdown.render(report), options)
    return report


def _page(options: argparse.Namespace) -> Path:
    return options.html or options.results.parent / "index.html"


def _summarise(text: str, options: argparse.Namespace) -> None:
    if options.markdown:
        document.write(text, options.markdown)
    if options.append:
        document.write(text, Path(options.append), "a")


def _discard(options: argparse.Namespace) -> int:
    own = (options.results, partial_path(options.results), _page(options), options.markdown)
    for path in (*own, *options.discard):
        try:
            if path:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise UnreadableError(f"{path}: {error.strerror}") from None
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m reports", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--results",
        type=Path,
        metavar="FILE",
        default=Path("reports/out/conformance.json"),
        help="the results of a run (default: %(default)s)",
    )
    parser.add_argument(
        "--html",
        type=Path,
        metavar="FILE",
        help="where the page goes (default: index.html beside the results)",
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="where a summary in markdown goes, if anywhere")
    parser.add_argument("--append", metavar="FILE", help="a file to whose end the summary is added; empty: none")
    parser.add_argument(
        "--discard",
        nargs="*",
        type=Path,
        metavar="FILE",
        help="instead of all that, remove what an earlier run left in those files and in these",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
