"""How is the report on speed called?  python -m reports perf, with whichever files there are."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from reports import document, pages
from reports.commands import Parser
from reports.document import UnreadableError
from reports.history import store
from reports.load import load as load_results
from reports.perf import benchmarks, gate, markdown, proof
from reports.perf.page import Page, Sources, build, listing, render
from reports.render import write

INPUTS = {
    "perf": (Path("reports/out/perf.json"), benchmarks.load, "benchmarks"),
    "gate": (Path("reports/out/perf-gate.json"), gate.load, "gate"),
    "history": (Path("reports/history.jsonl"), store.read, "history"),
    "proof": (Path("perf/proof/data"), proof.load, "proof of the gate"),
}
"""For each option where its file is by default, what reads it, and what it is."""

HTML = Path("reports/out/perf.html")


def main(arguments: list) -> int:
    """Writes the page and the summaries; raises `UnreadableError`."""
    options = _parser().parse_args(arguments)
    try:
        page = build(_sources(options))
    except UnreadableError as error:
        _summarise(markdown.unreadable(str(error)), options)
        raise
    document.write(render(page), options.html)
    _summarise(markdown.render(page), options)
    _index(page, options.html)
    print(f"{page.headline}: {page.told}")
    print(f"report: {options.html}")
    return 0


def _sources(options: argparse.Namespace) -> Sources:
    found, absent = {}, []
    for name, (default, load, what) in INPUTS.items():
        found[name] = _read(getattr(options, name), default, load)
        if found[name] is None:
            absent.append(f"{what} ({default.as_posix()})")
    if not any(found.values()):
        raise UnreadableError(f"nothing to report: none of {', '.join(str(path) for path, _, _ in INPUTS.values())}")
    return Sources(found["perf"], found["gate"], found["history"], found["proof"], tuple(absent))


def _read(named: Path | None, default: Path, load: Callable):
    """What a file says; None where only the default was looked for and is not there."""
    if named is not None and not named.exists():
        raise UnreadableError(f"{named}: no such file")
    return load(named or default) if named or _holds_something(default) else None


def _holds_something(path: Path) -> bool:
    return any(path.glob("*.jsonl")) if path.is_dir() else path.exists()


def _index(page: Page, path: Path) -> None:
    """Makes the page beside the report from which every other opens, and the links between all of them."""
    folder = path.parent
    results = folder / "conformance.json"
    try:
        if results.exists() and not pages.has_conformance(folder):
            write(load_results(results), folder / "index.html")
    except UnreadableError as error:
        print("reports:", " ".join(str(error).split()), file=sys.stderr)
    if not pages.has_conformance(folder):
        document.write(listing(f"{page.headline}: {page.told}", path), folder / "index.html")
    pages.refresh(folder)


def _summarise(text: str, options: argparse.Namespace) -> None:
    if options.markdown:
        document.write(text, options.markdown)
    if options.append:
        document.write(text, Path(options.append), "a")


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m reports perf", description=__doc__)
    for name, (default, _, what) in INPUTS.items():
        told = f"the {what} (default: {default}, if there is one)"
        parser.add_argument(f"--{name}", type=Path, metavar="FOLDER" if name == "proof" else "FILE", help=told)
    page = Path("reports/out/perf.html")
    parser.add_argument(
        "--html", type=Path, metavar="FILE", default=page, help="where the page goes (default: %(default)s)"
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="where a summary in markdown goes, if anywhere")
    parser.add_argument("--append", metavar="FILE", help="a file to whose end the summary is added; empty: none")
    return parser
