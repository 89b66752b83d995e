"""What does the page show?  Failures, checks, grades, deviations, promises and skips, from the rows of a run."""

from collections import Counter
from dataclasses import dataclass

from reports import checks
from reports.cell import number_lines
from reports.deviations import by_quantity, by_severity
from reports.grouping import dtype_order, grouped, row_order, summary
from reports.load import Results
from reports.matrix import column_of, column_order, matrices, spans
from reports.outcome import is_ok, outcome
from reports.training import plots
from reports.witnesses import CARDS, choose_witnesses, number_failures


@dataclass(frozen=True)
class Report:
    """Everything that the template shows."""

    results: Results
    outcome: tuple
    ok: bool
    counts: Counter
    columns: list
    devices: list
    matrices: list
    checks: list
    check_columns: list
    unasked: list
    lines: list
    failures: list
    other_failures: list
    severities: list
    promises: list
    skips: list
    notes: list
    absent: list
    plots: list
    summaries: dict


def build(results: Results) -> Report:
    """The page's content for one run."""
    rows, header = results.rows, results.header
    rows.sort(key=row_order)
    number_failures(rows)
    choose_witnesses(rows)
    columns = sorted({column_of(row) for row in rows}, key=column_order)
    asked = checks.columns_of(rows)
    failures = [row for row in rows if row["verdict"] == "fail"]
    losses = {row["loss"] for row in rows}
    return Report(
        results=results,
        outcome=outcome(results),
        ok=is_ok(results),
        counts=Counter(row["verdict"] for row in rows),
        columns=columns,
        devices=spans(columns),
        matrices=matrices(rows, columns, header["contracts"]),
        checks=checks.matrices(rows, asked, results.complete),
        check_columns=asked,
        unasked=checks.unasked(rows),
        lines=number_lines(rows),
        failures=failures[:CARDS],
        other_failures=by_quantity(failures[CARDS:]),
        severities=by_severity(rows, header["deviations"]),
        promises=_coarse_promises(header["contracts"]),
        skips=_by_message(rows, "skip", "no reason given"),
        notes=_by_message(rows, "note", "no message"),
        plots=plots(rows),
        absent=sorted({each["loss"] for each in header["contracts"]} - losses),
        summaries={each["loss"]: each["summary"] for each in header["contracts"]},
    )


def _by_message(rows: list, verdict: str, silent: str) -> list:
    chosen = [row for row in rows if row["verdict"] == verdict]
    groups = grouped(chosen, lambda row: row["message"] or silent)
    told = [{"message": message, **summary(own)} for message, own in groups.items()]
    return sorted(told, key=lambda each: -each["rows"])


def _coarse_promises(contracts: list) -> list:
    """Promises of less than B as (loss, grade, reason, dtypes, quantities), alike ones in one line."""
    coarse = [
        ((contract["loss"], promise["grade"], promise["reason"], promise["quantity"]), promise["dtype"] or "")
        for contract in contracts
        for promise in contract["promises"]
        if promise["grade"] not in ("A", "B")
    ]
    by_quantity = grouped(coarse, lambda pair: pair[0])
    lines = [(key, tuple(sorted({dtype for _, dtype in own}, key=dtype_order))) for key, own in by_quantity.items()]
    alike = grouped(lines, lambda line: (*line[0][:3], line[1]))
    return [(*common, [key[3] or "" for key, _ in own]) for common, own in alike.items()]
