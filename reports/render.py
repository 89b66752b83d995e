"""How does a report become one HTML page?  Fills the template; CSS and script are part of the page."""

import os
from functools import cache
from importlib import resources
from pathlib import Path

from jinja2 import ChainableUndefined, DictLoader, Environment

from reports import document, pages, words
from reports.load import Results
from reports.model import Report, build


def render(report: Report, folder: str | None = "") -> str:
    """The page as text; it needs no other file and no network.

    `folder` is that of the results as seen from the page, for links to scripts; None where there is no way.
    """
    template = environment().get_template("report.html")
    return template.render(report=report, header=report.results.header, folder=folder)


def write(results: Results, path: Path) -> Report:
    """Writes the page to `path`, making its folder; raises `UnreadableError` where that cannot be done."""
    report = build(results)
    document.write(render(report, _way(path.parent, results.path.parent)), path)
    return report


def _way(start: Path, end: Path) -> str | None:
    """The relative path from one folder to another; None between drives."""
    try:
        way = Path(os.path.relpath(end, start)).as_posix()
    except ValueError:
        return None
    return "" if way == "." else way


@cache
def environment() -> Environment:
    """The templates of every page."""
    folder = resources.files("reports") / "templates"
    texts = {each.name: each.read_text("utf-8") for each in folder.iterdir() if each.is_file()}
    made = Environment(
        loader=DictLoader(texts),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=ChainableUndefined,
    )
    made.globals |= {"words": words, "navigation": pages.MARK}
    for name in ("number", "count", "clip", "spaced", "where", "shell"):
        made.filters[name] = getattr(words, name)
    return made
