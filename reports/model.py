"""What does the page show?  Failures, grades, deviations, promises and skips, from the rows of a run."""

from collections import Counter, defaultdict
from dataclasses import dataclass

from reports import words
from reports.grouping import dtype_order, grouped, row_order, summary
from reports.load import SEVERITIES, Results
from reports.matrix import column_of, column_order, matrices, spans
from reports.outcome import is_ok, outcome
from reports.witnesses import CARDS, choose_witnesses, number_failures

_DETAILS = (
    "quantity",
    "check",
    "dtypes",
    "explanation",
    "condition",
    "upstream",
    "confirmed",
    "share",
    "witness",
)


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
    failures: list
    other_failures: list
    deviations: list
    promises: list
    skips: list
    notes: list
    absent: list
    summaries: dict


def build(results: Results) -> Report:
    """The page's content for one run."""
    rows, header = results.rows, results.header
    rows.sort(key=row_order)
    number_failures(rows)
    choose_witnesses(rows)
    columns = sorted({column_of(row) for row in rows}, key=column_order)
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
        failures=failures[:CARDS],
        other_failures=_by_quantity(failures[CARDS:]),
        deviations=_deviations(rows, header["deviations"]),
        promises=_coarse_promises(header["contracts"]),
        skips=_by_message(rows, "skip", "no reason given"),
        notes=_by_message(rows, "note", "no message"),
        absent=sorted({each["loss"] for each in header["contracts"]} - losses),
        summaries={each["loss"]: each["summary"] for each in header["contracts"]},
    )


def _deviations(rows: list, described: list) -> list:
    """The deviations with the rows they affect; severe ones first, those without a description last."""
    affected = defaultdict(list)
    for row in rows:
        for each in row["deviation"]:
            affected[each].append(row)
    known = {each["id"] for each in described}
    unknown = [_undescribed(each, own) for each, own in affected.items() if each not in known]
    told = [*described, *unknown]
    for each in told:
        each["anchor"] = words.anchor("deviation", each["id"])
        each["rows"] = len(affected[each["id"]])
        each["affected"] = _by_quantity(affected[each["id"]])
    return sorted(told, key=lambda each: (_severity(each), not each["rows"], each["loss"] or "", each["id"]))


def _undescribed(name: str, rows: list) -> dict:
    return dict.fromkeys((*_DETAILS, "reproduces")) | {
        "id": name,
        "loss": ", ".join(sorted({row["loss"] for row in rows})),
        "severity": "undescribed",
        "summary": "This file has no description of it.",
    }


def _severity(deviation: dict) -> int:
    severity = deviation["severity"]
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def _by_quantity(rows: list) -> list:
    groups = grouped(rows, lambda row: (row["home"], row["loss"], row["check"], row["quantity"]))
    return [
        {"subject": subject, "loss": loss, "check": check, "quantity": quantity, **summary(own)}
        for (subject, loss, check, quantity), own in groups.items()
    ]


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
