"""What does the summary of the report on speed say in markdown?"""

from reports import words
from reports.history.view import View
from reports.markdown import plain, table
from reports.perf.forest import change
from reports.perf.page import Page

LINES = 40
"""Cells, changes and counters that are listed; the page has all."""


def render(page: Page) -> str:
    """The summary of one run."""
    parts = [
        f"## Plumbline, speed: {plain(page.headline)}\n\n{plain(page.told)}.",
        "\n".join(f"- {plain(each)}" for each in [*page.reasons, *page.warnings]),
        _cells(page),
        _counters(page),
        _canary(page),
        _changes(page.view),
        _absent(page),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def unreadable(reason: str) -> str:
    """The summary of a run that left nothing to read."""
    return f"## Plumbline, speed: no report\n\n{plain(reason)}\n"


def _cells(page: Page) -> str:
    times = {each["name"]: each for each in page.times}
    lines = [
        _cell(each, times.get(each["name"], {})) for each in page.cells if each["outcome"] != "pass" or each["reasons"]
    ]
    heads = ["cell", "outcome", "slower", "95 % interval", "fails beyond", "finds from", "reasons"]
    more = f"\n\n{len(lines) - LINES:,} more are on the page." if len(lines) > LINES else ""
    return table(heads, lines[:LINES]) + more if lines else ""


def _cell(cell: dict, time: dict) -> list:
    ends = [change(time.get(key)) for key in ("low", "high")]
    loud = f"**{cell['outcome']}**" if cell["outcome"] == "regression" else cell["outcome"]
    numbers = [change(time.get("percent")), " to ".join(filter(None, ends))]
    limits = [change(time.get("threshold")), change(time.get("detectable"))]
    return [plain(cell["name"]), loud, *numbers, *limits, plain("; ".join(cell["reasons"]))]


def _counters(page: Page) -> str:
    lines, equal = page.counters
    if not lines and not equal:
        return ""
    told = [[plain(name), plain(counter), a, b, much] for name, _, counter, a, b, much, _ in lines[:LINES]]
    headline = f"{len(lines):,} counters differ, {equal:,} are equal."
    return headline + ("\n\n" + table(["cell", "counter", "base", "head", "change"], told) if told else "")


def _canary(page: Page) -> str:
    canary = page.sources.gate and page.sources.gate.canary
    if not canary:
        return ""
    flagged = "flagged: the machine is too noisy" if canary["flagged"] else "not flagged"
    return f"Identical code against itself: {change(canary['percent'])}, p {words.number(canary['p'])}, {flagged}."


def _changes(view: View | None) -> str:
    if view is None:
        return ""
    lines = [[c.date, plain(c.cell), c.number, c.before, c.after, c.percent] for c in view.changes[:LINES]]
    listed = table(["date", "cell", "number", "before", "after", "change"], lines) if lines else "No change."
    told = f"History: {len(view.history.runs)} runs, {len(view.changes) + view.more} changes"
    return f"<details><summary>{told}</summary>\n\n{listed}\n\n</details>"


def _absent(page: Page) -> str:
    return f"Not in this report: {plain(', '.join(page.sources.absent))}." if page.sources.absent else ""
