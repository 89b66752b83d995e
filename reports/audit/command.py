"""How is the page of an audit called?  python -m reports audit [--results FILE]"""

import argparse
from pathlib import Path

from reports import document
from reports.audit import csv
from reports.audit.load import load
from reports.commands import Parser, publish

RESULTS = Path("reports/out/audit.json")


def main(arguments: list) -> int:
    """Writes the page and the table; raises `UnreadableError`."""
    options = _parser().parse_args(arguments)
    audit = load(options.results)
    from reports.audit.page import headline, render  # draws, which bad input does not need

    page = options.html or options.results.parent / "audit.html"
    table = options.csv or page.with_suffix(".csv")
    document.write(csv.render(audit), table)
    print(": ".join(headline(audit)))
    publish(render(audit), page)
    print(f"table: {table}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m reports audit", description=__doc__)
    parser.add_argument(
        "--results", type=Path, metavar="FILE", default=RESULTS, help="the audit (default: %(default)s)"
    )
    parser.add_argument("--html", type=Path, metavar="FILE", help="where the page goes (default: audit.html beside it)")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="where the table goes (default: beside the page)")
    return parser
