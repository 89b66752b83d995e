"""Whether recorded deviations still show: their witnesses, replayed; and how they look in the report."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from math import isfinite

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from conformance.deviations import DEVIATIONS, Deviation
from conformance.environment import version_of
from conformance.options import Selection

#: How often a witness is asked again whose answer may be right by chance.
ATTEMPTS = 8


def selected(selection: Selection) -> list[Deviation]:
    """The deviations that a run's filters select; none where torch.nn is not the subject."""
    losses = {s.loss for s in selection.subjects if s.source is None}
    return [
        d
        for d in DEVIATIONS.values()
        if d.loss in losses
        and d.check in selection.checks
        and d.witness().dtype in selection.dtypes
        and d.witness().reduction in selection.reductions
        and d.confirmed.device in selection.devices
        and set(d.modes or ("eager",)) & set(selection.modes)
    ]


def is_confirmed_here(deviation: Deviation) -> bool:
    """Whether this torch and machine are ones that the deviation was confirmed for."""
    where = deviation.confirmed
    inside = Version(version_of("torch") or "0") in SpecifierSet(where.torch, prereleases=True)
    return inside and platform.machine() == where.machine


def replay(deviation: Deviation) -> list[dict]:
    """The row of one deviation: known while its witness shows it, fail when it is gone, a note elsewhere."""
    from conformance.modes import MODES
    from conformance.outcome import case_in_hex
    from conformance.reproducers import exhibit  # these import torch, which reading results does not need
    from conformance.row import Row, witness_item

    quantity, case = deviation.quantities[0], deviation.witness()
    row = Row(witness_item(deviation, case))
    case = MODES[row.item.mode].alter(row.item, case)
    row.feed(case)
    tally, again = row.tally(quantity), ATTEMPTS if deviation.undefined else 0
    while deviation.id not in tally.excused and again:
        row.feed(case)
        again -= 1
    shows = deviation.id in tally.excused and not tally.failures
    verdict = "known" if shows else "fail" if is_confirmed_here(deviation) else "note"
    message = None if shows else gone(deviation, tally)
    return [
        row.item.key
        | {"quantity": quantity, "verdict": verdict, "deviation": [deviation.id], "message": message,
           "excused": sum(tally.excused.values()), "witness": case_in_hex(case) | observed(deviation, case, tally),
           "exhibit": exhibit.of_deviation(row, deviation, case) if shows else None}
    ]  # fmt: skip


def gone(deviation: Deviation, tally) -> str:
    if tally.failures:
        return f"stale: the witness of {deviation.id} now fails beyond what the deviation allows"
    if tally.problems:
        return f"stale: the witness of {deviation.id}: {tally.problems[0]}"
    return f"stale: the witness of {deviation.id} no longer shows it; delete it if it was mended upstream"


def number(x: float) -> float | str:
    """A number for JSON: those that are not finite as strings."""
    return float(x) if isfinite(x) else str(float(x))


def observed(deviation: Deviation, case, tally) -> dict:
    """What the witness is expected to give; what it gave is in the ratio and ULP of its row."""
    if deviation.says is not None:
        return {
            "index": None, "expected": None, "observed": deviation.says, "eager": None, "bound": None,
            "error_ulp": None, "ratio": None,
        }  # fmt: skip
    expected = case.expected(deviation.quantities[0])
    return {
        "index": [0] * expected.value.ndim, "expected": f"{float(expected.value.flat[0]):.9g}",
        "observed": tally.first_observed, "eager": None, "bound": f"{float(expected.error.flat[0]):.3g}",
        "error_ulp": number(tally.worst_ulp), "ratio": number(tally.worst_ratio),
    }  # fmt: skip


def described(rows: Iterable[dict]) -> list[dict]:
    """What the report says of every deviation that the rows name."""
    rows = list(rows)
    named = {id for row in rows for id in row["deviation"]}
    replayed = {r["deviation"][0]: r for r in rows if r["witness"] and len(r["deviation"]) == 1 and r["cases"] == 0}
    return [_described(d, replayed.get(d.id)) for d in DEVIATIONS.values() if d.id in named]


def _described(deviation: Deviation, row: dict | None) -> dict:
    where = deviation.confirmed
    return {
        "id": deviation.id, "loss": deviation.loss, "quantity": ", ".join(filter(None, deviation.quantities)) or None,
        "check": deviation.check, "dtypes": list(deviation.dtypes), "summary": deviation.summary,
        "explanation": deviation.explanation, "condition": deviation.condition, "severity": deviation.severity,
        "upstream": deviation.upstream, "confirmed": f"torch {where.torch}, {where.device}, {where.machine}",
        "share": deviation.share, "witness": row and row["witness"],
        "reproduces": None if row is None else row["verdict"] == "known",
    }  # fmt: skip
