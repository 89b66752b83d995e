"""What does the page on speed show?  Everything from whichever files there are; failures first."""

from dataclasses import dataclass
from pathlib import Path

from reports.drawing import Drawing
from reports.grouping import grouped
from reports.history.store import History
from reports.history.view import View, view
from reports.perf import dots, forest, memory, noise, outcome, roofline, tables
from reports.perf.benchmarks import IMPLEMENTATIONS, Measured
from reports.perf.gate import OUTCOMES, Gate
from reports.perf.names import short
from reports.perf.proof import Proof
from reports.render import environment

FOREST = 30
"""Lines of the first forest plot, which has the worst; the others are one click away."""


@dataclass(frozen=True)
class Sources:
    """What was found, None where it was not; `absent` tells what that was."""

    measured: Measured | None = None
    gate: Gate | None = None
    history: History | None = None
    proof: Proof | None = None
    absent: tuple = ()


@dataclass(frozen=True)
class Page:
    """Everything that the template shows."""

    sources: Sources
    kind: str
    headline: str
    told: str
    reasons: list
    warnings: list
    cells: list
    forest: list
    times: list
    counters: tuple
    instructions: dict
    canary: Drawing | None
    trials: Drawing | None
    roofs: list
    largest: Drawing | None
    fits: list
    memory: list
    implementations: list
    measured: list
    not_run: list
    view: View | None

    @property
    def counts(self) -> list:
        """Cells of the gate by outcome."""
        return [(each, sum(cell["outcome"] == each for cell in self.cells)) for each in OUTCOMES]


def build(sources: Sources) -> Page:
    """The page's content."""
    kind, headline, told = outcome.outcome(sources.measured, sources.gate)
    gate, measured = sources.gate, sources.measured
    cells, benchmarks = gate.cells if gate else [], measured.cells if measured else []
    names = short(cells)
    rows = forest.rows(cells, names)
    return Page(
        sources=sources,
        kind=kind,
        headline=headline,
        told=told,
        reasons=outcome.reasons(gate),
        warnings=_warnings(sources),
        cells=[{**each, "name": names[each["cell"]]} for each in _worst_first(cells)],
        forest=[forest.draw(rows[:FOREST], "forest"), forest.draw(rows[FOREST:], "forest-more")],
        times=tables.times(cells, names),
        counters=tables.counters(cells, names),
        instructions=tables.instructions(cells, names),
        canary=noise.canary(gate.canary if gate else None),
        trials=noise.trials(sources.proof),
        roofs=roofline.roofs(benchmarks),
        largest=roofline.largest(benchmarks),
        fits=_fits(measured),
        memory=memory.bars(benchmarks),
        implementations=_implementations(benchmarks),
        measured=tables.measured(benchmarks),
        not_run=_not_run(measured),
        view=view(sources.history) if sources.history and sources.history.runs else None,
    )


def render(page: Page) -> str:
    """The page as text; it needs no other file and no network."""
    return (
        environment()
        .get_template("perf.html")
        .render(page=page, sources=page.sources, view=page.view, percent=forest.change)
    )


def listing(about: str, path: Path) -> str:
    """The page that stands in the index's place where there is no conformance report; `path` is the report's."""
    has_history = (path.parent / "history.html").exists()
    return environment().get_template("list.html").render(about=about, name=path.name, history=has_history)


def _worst_first(cells: list) -> list:
    return sorted(cells, key=lambda each: OUTCOMES.index(each["outcome"]))


def _fits(measured: Measured | None) -> list:
    if measured is None:
        return []
    known = measured.about["fits"]
    latency = dots.draw(dots.of_fits(known, "latency_us"), "Latency", "latency", "µs for each call")
    slope = dots.draw(dots.of_fits(known, "ns_per_element"), "Time for each element", "slope", "ns for each element")
    return [each for each in (latency, slope) if each]


def _implementations(cells: list) -> list:
    found = {each["implementation"] for each in cells}
    return [each for each in IMPLEMENTATIONS if each in found] + sorted(found - set(IMPLEMENTATIONS))


def _not_run(measured: Measured | None) -> list:
    """Reasons with the cells that were not run for them, the most frequent first."""
    groups = grouped(measured.about["not_run"] if measured else [], lambda each: each["reason"] or "no reason given")
    lines = [(reason, sorted(each["cell"] for each in own)) for reason, own in groups.items()]
    return sorted(lines, key=lambda line: -len(line[1]))


def _warnings(sources: Sources) -> list:
    """What does not fit together, and what could not be read."""
    warnings = list(sources.proof.warnings[:5]) if sources.proof else []
    measured, gate, history = sources.measured, sources.gate, sources.history
    own = measured.about["fingerprint"] if measured else None
    if own and gate and gate.header["fingerprint"] not in (None, own):
        warnings.append("The benchmarks and the gate ran on different machines; nothing is compared between them.")
    if own and history and history.runs and history.runs[-1].fingerprint != own:
        warnings.append("The last run in the history was on another machine than these benchmarks: a machine break.")
    wrong = [each["cell"] for each in measured.cells if each["verdict"] not in (None, "pass", "known")] if own else []
    if wrong:
        warnings.append(f"Wrong answers were timed: {', '.join(wrong[:5])}.")
    return warnings
