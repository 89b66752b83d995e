"""Which pages stand beside one another, and how does a reader get from one to the next?"""

import re
from pathlib import Path

from reports.document import UnreadableError, text, write

PAGES = {
    "index.html": "Conformance",
    "audit.html": "Audit",
    "compare.html": "Comparison",
    "trend.html": "Trend",
    "perf.html": "Performance",
    "history.html": "History",
}
MARK = "<!--pages--><!--/pages-->"
"""Where a page has its links to the others; nothing from outside can look like it, since text is escaped."""
LIST = "<!--list of pages-->"
"""Marks the page that only lists the others, which stands where there is no conformance report."""

_PLACE = re.compile(r"<!--pages-->.*?<!--/pages-->", re.DOTALL)


def refresh(folder: Path) -> None:
    """Writes the links between all pages in a folder anew; a page without a place for them stays as it is."""
    found = {name: text(folder / name) for name in PAGES if (folder / name).is_file()}
    labels = {name: "Reports" if LIST in page else PAGES[name] for name, page in found.items()}
    for name, page in found.items():
        linked = _PLACE.sub(lambda _, name=name: _links(labels, name), page, count=1)
        if linked != page:
            write(linked, folder / name)


def has_conformance(folder: Path) -> bool:
    """Whether a page stands in the index's place that is not a mere list."""
    try:
        return LIST not in text(folder / "index.html")
    except UnreadableError:
        return False


def _links(labels: dict, own: str) -> str:
    """The links as one page has them; none where it stands alone."""
    if len(labels) < 2:
        return MARK
    items = [
        f'<li><a href="{name}" aria-current="page">{label}</a>' if name == own else f'<li><a href="{name}">{label}</a>'
        for name, label in labels.items()
    ]
    return f'<!--pages--><nav class="pages" aria-label="Reports"><ul>{"".join(items)}</ul></nav><!--/pages-->'
