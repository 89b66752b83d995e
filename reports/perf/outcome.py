"""Did anything become slower?  The verdict on the run, in one line, and why."""

from collections import Counter

from reports.outcome import many
from reports.perf.benchmarks import Measured
from reports.perf.gate import OUTCOMES, Gate

HEADLINES = {"pass": "No regression", "regression": "Regression", "inconclusive": "Inconclusive"}


def outcome(measured: Measured | None, gate: Gate | None) -> tuple[str, str, str]:
    """Kind (pass, regression, inconclusive, ungated), headline, and the counts behind it."""
    told = []
    if gate:
        counts = Counter(each["outcome"] for each in gate.cells)
        told += [f"{counts[each]:,} {each}" for each in OUTCOMES if counts[each]]
        told = [f"{many(len(gate.cells), 'cell')} gated", *told]
    if measured:
        told.append(f"{many(len(measured.cells), 'cell')} measured")
        told.append(f"{len(measured.about['not_run']):,} not run")
    return (*_verdict(measured, gate), ", ".join(told))


def _verdict(measured: Measured | None, gate: Gate | None) -> tuple[str, str]:
    if gate is None:
        return "ungated", "Benchmarks only, nothing was gated" if measured else "Nothing was measured or gated"
    if not gate.footer["complete"]:
        return "inconclusive", "Incomplete run of the gate, no verdict"
    stated = gate.footer["outcome"]
    if stated == "regression" or any(each["outcome"] == "regression" for each in gate.cells):
        return "regression", HEADLINES["regression"]
    if stated == "pass" and gate.footer["exit_status"]:
        return "inconclusive", "No regression, but the run does not pass"
    return (stated, HEADLINES[stated]) if stated in HEADLINES else ("inconclusive", "No verdict")


def reasons(gate: Gate | None) -> list:
    """Why: the gate's own reasons, and what did not run."""
    if gate is None:
        return []
    lacking = [
        f"tier {name}: {state}" + (f", {reason}" if reason else "")
        for name, state, reason in gate.tiers if state != "run"
    ]  # fmt: skip
    return [*map(str, gate.footer["reasons"] or []), *lacking]
