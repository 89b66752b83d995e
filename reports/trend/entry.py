"""What of a conformance run is kept?  For each loss its verdicts, grades, worst ratios and deviations."""

from collections import Counter
from datetime import UTC, datetime

from reports import words
from reports.compare.entry import of_result
from reports.grouping import dtype_order, grouped, worst_grade
from reports.load import VERDICTS, Results

_ENVIRONMENT = ("torch", "python", "cpu", "cpu_capability", "gpu", "platform")


def entry(results: Results, commit: str | None = None, date: str | None = None) -> dict:
    """One run as a line of the history."""
    header = results.header
    return {
        "kind": "conformance",
        "date": date or header["started"] or datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit,
        "suite_version": header["suite_version"],
        "environment": {key: header["environment"].get(key) for key in _ENVIRONMENT},
        "seed": header["seed"],
        "budget": header["budget"],
        "complete": results.complete,
        "exit_status": results.footer["exit_status"],
        "losses": [_loss(*each) for each in sorted(grouped(results.rows, _series).items())],
    }


def _series(row: dict) -> tuple:
    """What a line of the trend follows."""
    return row["home"], row["loss"], row["device"] or "", row["mode"] or ""


def _loss(series: tuple, rows: list) -> dict:
    counts = Counter(row["verdict"] for row in rows)
    by_dtype = grouped((row for row in rows if row["dtype"]), lambda row: row["dtype"])
    return dict(zip(("subject", "loss", "device", "mode"), series, strict=True)) | {
        "verdicts": {each: counts[each] for each in VERDICTS if counts[each]},
        "cases": sum(row["cases"] or 0 for row in rows),
        "deviations": sorted({id for row in rows for id in of_result(row).deviations}),
        "dtypes": {dtype: _dtype(by_dtype[dtype]) for dtype in sorted(by_dtype, key=dtype_order)},
    }


def _dtype(rows: list) -> dict:
    """The worst ratio and ULP of rows that no deviation explains, and of those that one does, and the grades."""
    graded = [row for row in rows if row["grade"]]
    own = [row for row in graded if row["verdict"] != "known"]
    known = [row for row in graded if row["verdict"] == "known"]
    return {
        "grade": worst_grade(own),
        "grades": dict(sorted(Counter(row["grade"] for row in graded).items())),
        "ratio": _worst(own, "worst_ratio"),
        "ulp": _worst(own, "worst_ulp"),
        "known_ratio": _worst(known, "worst_ratio"),
    }


def _worst(rows: list, number: str) -> float | str | None:
    """The worst number, as JSON has it; NaN counts as the worst there is."""
    found = max((row[number] for row in rows), key=words.size, default=None)
    size = words.size(found)
    return None if found is None else size if abs(size) != float("inf") else str(size)
