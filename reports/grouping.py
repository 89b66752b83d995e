"""How are rows grouped, ordered and summed up?"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable

from reports import words
from reports.load import VERDICTS

FEW = 3
"""Questions of a check that are named where space is short; more are counted."""
CHECKS = (
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
"""Every check that is known, in the order of the page."""

_DTYPES = ("float16", "bfloat16", "float32", "float64", "complex64", "complex128")
_REDUCTIONS = ("none", "mean", "batchmean", "sum")


def dtype_order(dtype: str) -> tuple:
    """A sorting key: floats by size, complex, then the others by name."""
    return (_DTYPES.index(dtype), "") if dtype in _DTYPES else (len(_DTYPES), dtype)


def check_order(check: str | None) -> tuple:
    """A sorting key: no check at all, the known ones, then the others by name."""
    return _place((None, *CHECKS), check)


def question_order(question: str | None) -> list:
    """A sorting key: no question first, then by name, numbers in it by size."""
    return [part.zfill(20) if part.isdecimal() else part for part in re.split(r"([0-9]+)", question or "")]


def row_order(row: dict) -> tuple:
    """A sorting key: subject, loss, check, question, quantity, dtype; the same however the run was spread."""
    return (
        row["home"],
        row["loss"],
        check_order(row["check"]),
        question_order(row["question"]),
        row["quantity"] or "",
        dtype_order(row["dtype"] or ""),
        _reduction_order(row["reduction"]),
        row["device"] or "",
        row["mode"] or "",
        row["message"] or "",
    )


def _reduction_order(reduction: str | None) -> tuple:
    return _place(_REDUCTIONS, reduction)


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
        "asked": asked(rows),
        "questions": _questions(rows),
        "dtypes": sorted({row["dtype"] for row in rows if row["dtype"]}, key=dtype_order),
        "reductions": sorted({row["reduction"] for row in rows if row["reduction"]}, key=_reduction_order),
        "verdict": min((row["verdict"] for row in rows), key=VERDICTS.index),
        "grade": worst_grade(rows),
        "cases": sum(row["cases"] or 0 for row in rows),
        "vacuous": sum(row["vacuous"] or 0 for row in rows),
        "excused": sum(row["excused"] or 0 for row in rows),
        "worst_ratio": max((row["worst_ratio"] for row in rows), key=words.size),
        "worst_ulp": max((row["worst_ulp"] for row in rows), key=words.size),
        "sharpness": max((row["sharpness"] for row in rows), key=words.size),
    }


def asked(rows: list) -> list:
    """The checks of rows in few words: value, layout: offset, purity: 15 questions."""
    by_check = grouped(sorted((row["check"] for row in rows if row["check"]), key=check_order), lambda check: check)
    return [_named(check, _questions(row for row in rows if row["check"] == check)) for check in by_check]


def _named(check: str, questions: list) -> str:
    few = ", ".join(questions) if len(questions) <= FEW else f"{len(questions)} questions"
    return words.spaced(check) + (": " if questions else "") + few


def _questions(rows: Iterable) -> list:
    return sorted({row["question"] for row in rows if row["question"]}, key=question_order)


def worst_grade(rows: list) -> str | None:
    """The worst grade among rows, None where none has one."""
    return min((row["grade"] for row in rows if row["grade"]), key="FCBA".find, default=None)
