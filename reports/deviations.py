"""Which known deviations did the run meet, how severe are they, and which script shows each?"""

from collections import defaultdict

from reports import words
from reports.grouping import check_order, dtype_order, grouped, row_order, summary
from reports.load import SEVERITIES

MEANINGS = {
    "wrong": (
        "Silent wrong numbers",
        "An answer that looks right and is not, or one to a call that should be refused.",
    ),
    "nan": ("NaN or infinity", "No number, or no answer at all, where the truth is an ordinary number. It shows."),
    "accuracy": ("Lost accuracy", "The right size, but fewer right digits than the contract promises."),
    "convention": ("Convention", "A defensible choice that is not the contract's, where definitions differ."),
}
"""Of each severity, its heading and what it means."""
_OTHERS = ("Others", "Without a description in this file, or of a severity that this page does not know.")

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


def by_severity(rows: list, described: list) -> list:
    """(heading, meaning, deviations) for each severity that occurs, severe ones first."""
    groups = grouped(deviations(rows, described), lambda each: MEANINGS.get(each["severity"], _OTHERS))
    return [(*meaning, own) for meaning, own in groups.items()]


def deviations(rows: list, described: list) -> list:
    """The deviations with the rows they affect, ordered; those without a description last."""
    affected = defaultdict(list)
    for row in rows:
        for each in row["deviation"]:
            affected[each].append(row)
    known = {each["id"] for each in described}
    unknown = [_undescribed(each, own) for each, own in affected.items() if each not in known]
    return sorted((_told(each, affected[each["id"]]) for each in [*described, *unknown]), key=_order)


def _order(deviation: dict) -> tuple:
    """Severe ones first, then those met, wrong numbers before missing refusals, by loss and id."""
    severity = deviation["severity"]
    place = SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)
    refusal = deviation["check"] == "rejection"
    return place, severity, not deviation["rows"], refusal, deviation["loss"] or "", deviation["id"]


def _told(deviation: dict, rows: list) -> dict:
    return deviation | {
        "anchor": words.anchor("deviation", deviation["id"]),
        "rows": len(rows),
        "affected": by_quantity(rows),
        "checks": sorted({row["check"] for row in rows or [deviation] if row["check"]}, key=check_order),
        "dtypes": deviation["dtypes"] or sorted({row["dtype"] for row in rows if row["dtype"]}, key=dtype_order),
        "reproducer": _script(rows),
    }


def _script(rows: list) -> str | None:
    """The script of the row that replays the witness: it is about no other deviation, and excused by this one."""
    scripts = [row["reproducer"] for row in sorted(rows, key=row_order)
               if row["reproducer"] and row["verdict"] == "known" and len(row["deviation"]) == 1]  # fmt: skip
    return scripts[0] if scripts else None


def _undescribed(name: str, rows: list) -> dict:
    return dict.fromkeys((*_DETAILS, "reproduces")) | {
        "id": name,
        "loss": ", ".join(sorted({row["loss"] for row in rows})),
        "severity": "undescribed",
        "summary": "This file has no description of it.",
    }


def by_quantity(rows: list) -> list:
    """Rows summed up by subject, loss, check and quantity."""
    groups = grouped(rows, lambda row: (row["home"], row["loss"], row["check"], row["quantity"]))
    return [
        {"subject": subject, "loss": loss, "check": check, "quantity": quantity, **summary(own)}
        for (subject, loss, check, quantity), own in groups.items()
    ]
