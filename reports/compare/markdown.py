"""What does the summary of a comparison say in markdown?"""

from reports import words
from reports.compare import comparison as whole
from reports.compare import view
from reports.compare.comparison import Comparison
from reports.compare.view import Line
from reports.markdown import plain, table

LINES = 40
"""Lines of a table; the page has more."""
TITLES = (("worse", "Regressions"), ("better", "Improvements"))


def render(comparison: Comparison) -> str:
    """The summary of one comparison."""
    head, told = whole.headline(comparison)
    names = f"{comparison.old.path.name} → {comparison.new.path.name}"
    parts = [
        f"## Plumbline, comparison: {plain(head)}\n\n{plain(told)} ({plain(names)}).",
        "\n".join(f"- {plain(each)}" for each in whole.caveats(comparison)),
        *(_moves(comparison, kind, title) for kind, title in TITLES),
        _deviations(comparison.appeared, "New deviations"),
        _deviations(comparison.vanished, "Vanished deviations"),
        _drift(comparison),
        _environments(comparison),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def unreadable(reason: str) -> str:
    """The summary where nothing could be compared."""
    return f"## Plumbline, comparison: nothing compared\n\n{plain(reason)}\n"


def _moves(comparison: Comparison, kind: str, title: str) -> str:
    found = view.lines(comparison, kind)
    if not found:
        return ""
    heads = ["loss", "check", "dtypes", "rows", "why", "verdict", "grade", "ratio", "message"]
    more = f"\n\n{len(found) - LINES:,} more lines are on the page." if len(found) > LINES else ""
    return f"### {title}\n\n" + table(heads, [_line(each) for each in found[:LINES]]) + more


def _line(line: Line) -> list:
    named = [plain(line.loss), plain(" ".join(filter(None, [line.asked, line.quantity, line.where])))]
    ends = (line.verdicts, line.grades, line.ratios)
    why = plain(", ".join(line.why))
    return [*named, plain(", ".join(line.dtypes)), line.rows, why, *map(_ends, ends), plain(line.message)]


def _ends(ends: tuple) -> str:
    old, new = map(plain, ends)
    return old if old == new else f"{old or 'none'} → {new or 'none'}"


def _deviations(found: list, title: str) -> str:
    if not found:
        return ""
    lines = [
        [plain(each.id), len(each.rows), "yes" if each.counts else "no", plain(each.summary or "")] for each in found
    ]
    return f"### {title}\n\n" + table(["deviation", "rows", "counts", "summary"], lines)


def _drift(comparison: Comparison) -> str:
    found = view.lines(comparison, "drift")[:LINES]
    if not found:
        return ""
    lines = [[*_line(each)[:4], _ends(each.grades), _ends(each.ratios), _ends(each.ulps)] for each in found]
    listed = table(["loss", "check", "dtypes", "rows", "grade", "ratio", "ULP"], lines)
    told = f"Drift within the same grade: {words.count(comparison.counts['drift'])} rows, the largest first"
    return f"<details><summary>{told}</summary>\n\n{listed}\n\n</details>"


def _environments(comparison: Comparison) -> str:
    lines = [
        [plain(name), plain(old), plain(new)] for name, old, new, differs in view.environments(comparison) if differs
    ]
    return (
        "<details><summary>What differs between the runs</summary>\n\n"
        + table(["", "old", "new"], lines)
        + "\n\n</details>"
    )
