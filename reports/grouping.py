"""How are rows grouped, ordered and summed up?"""

from collections import defaultdict
from collections.abc import Callable, Iterable

from reports import words
from reports.load import VERDICTS

_DTYPES = ("float16", "bfloat16", "float32", "float64", "complex64", "complex128")
_REDUCTIONS = ("none", "mean", "batchmean", "sum")
_CHECKS = (
    None,
    "value",
    "gradient",
    "second_derivative",
    "forward_mode",
    "reduction",
    "special_values",
    "convention",
    "layout",
    "shape",
    "result_type",
    "purity",
    "completeness",
    "rejection",
    "legacy",
    "identity",
    "training",
)


def dtype_order(dtype: str) -> tuple:
    """A sorting key: floats by size, complex, then the others by name."""
    return (_DTYPES.index(dtype), "") if dtype in _DTYPES else (len(_DTYPES), dtype)


def row_order(row: dict) -> tuple:
    """A sorting key: subject, loss, check, quantity, dtype; the same however the run was spread."""
    return (
        row["home"],
        row["loss"],
        _place(_CHECKS, row["check"]),
        row["quantity"] or "",
        dtype_order(row["dtype"] or ""),
        _place(_REDUCTIONS, row["reduction"]),
        row["device"] or "",
        row["mode"] or "",
        row["message"] or "",
    )


def _place(known: tuple, name: str | None) -> tuple:
    return (known.index(name), "") if name in known else (len(known), name or "")


def grouped(items: Iterable, key: Callable) -> dict:
    """The items by their key, in order of appearance."""
    groups = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return dict(groups)


def summary(rows: list) -> dict:
    """What several rows have in common, for one line of a table."""
    return {
        "rows": len(rows),
        "losses": sorted({row["loss"] for row in rows}),
        "checks": sorted({row["check"] for row in rows if row["check"]}),
        "dtypes": sorted({row["dtype"] for row in rows if row["dtype"]}, key=dtype_order),
        "reductions": list(dict.fromkeys(row["reduction"] for row in rows if row["reduction"])),
        "verdict": min((row["verdict"] for row in rows), key=VERDICTS.index),
        "excused": sum(row["excused"] or 0 for row in rows),
        "cases": sum(row["cases"] or 0 for row in rows),
        "worst_ratio": max((row["worst_ratio"] for row in rows), key=words.size),
        "worst_ulp": max((row["worst_ulp"] for row in rows), key=words.size),
    }
