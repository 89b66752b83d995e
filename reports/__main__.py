"""How is the report called?  python -m reports [--results FILE] [--html FILE], ignoring other options."""

import argparse
import sys
from pathlib import Path

from reports.load import UnreadableError, load
from reports.render import write

BAD_INPUT = 4


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:
        raise UnreadableError(message)


def main(arguments: list | None = None) -> int:
    """Writes the page; 0 when it is written (whatever it says), 4 when the input cannot be read."""
    try:
        options, _ = _parser().parse_known_args(arguments)
        results = load(options.results)
        page = options.html or options.results.parent / "index.html"
        report = write(results, page)
    except UnreadableError as error:
        print("reports:", " ".join(str(error).split()), file=sys.stderr)
        return BAD_INPUT
    print(": ".join(report.outcome))
    print(f"report: {page}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m reports", description=__doc__, allow_abbrev=False)
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
    return parser


if __name__ == "__main__":
    sys.exit(main())
