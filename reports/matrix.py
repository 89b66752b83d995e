"""Which grade has each loss in each dtype?  One matrix for each subject, over the same columns."""

from collections import Counter
from dataclasses import dataclass

from reports import words
from reports.cell import Cell, by_verdict
from reports.grouping import dtype_order, grouped, worst_grade
from reports.load import VERDICTS
from reports.outcome import many

_SPOKEN = {"skip": "skipped", "vacuous": "vacuous", "pass": "pass, not graded", "fail": "fail, not graded"}
_SPOKEN |= {letter.lower(): f"grade {letter}" for letter in "ABCF"}


@dataclass(frozen=True)
class Matrix:
    """One subject's losses by columns: `losses` has (name, entries, counts in words).

    An entry is a `Cell`, or a sign (text) where there are no rows.
    """

    subject: str
    outcome: str
    counts: Counter
    losses: list


def column_of(row: dict) -> tuple[str, str]:
    """The column (device, dtype) of the matrix that a row belongs to."""
    return row["device"] or "", row["dtype"] or ""


def column_order(column: tuple[str, str]) -> tuple:
    """A sorting key: by device, then dtype; rows without come last."""
    device, dtype = column
    return device == "", device, dtype == "", dtype_order(dtype)


def spans(columns: list) -> list:
    """(device, number of its columns), in order."""
    return list(Counter(device or "any device" for device, _ in columns).items())


def matrices(rows: list, columns: list, contracts: list) -> list:
    """One `Matrix` for each subject, its losses by name; "·": promised, no rows; "": not promised."""
    dtypes = {contract["loss"]: set(contract["dtypes"] or ()) for contract in contracts}
    by_subject = grouped(rows, lambda row: row["home"])
    several = len(by_subject) > 1
    return [_matrix(subject, own, columns, dtypes, several) for subject, own in by_subject.items()]


def _matrix(subject: str, rows: list, columns: list, dtypes: dict, several: bool) -> Matrix:
    devices = {row["device"] or "" for row in rows}
    losses = []
    for loss, own in sorted(grouped(rows, lambda row: row["loss"]).items()):
        promised = {(device, dtype) for device in devices for dtype in dtypes.get(loss, ())}
        title = f"{loss} · {subject}" if several else loss
        losses.append((loss, _line(own, title, columns, promised), _told(own)))
    return Matrix(subject, told_of(rows), Counter(row["verdict"] for row in rows), losses)


def told_of(rows: list) -> str:
    """How many failures a subject has, in words."""
    failures = sum(row["verdict"] == "fail" for row in rows)
    return many(failures, "failure") if failures else "no failure"


def _told(rows: list) -> str:
    """How many rows, and which of them did not simply pass."""
    counts = Counter(row["verdict"] for row in rows)
    rest = [f"{counts[verdict]:,} {verdict}" for verdict in VERDICTS if counts[verdict] and verdict != "pass"]
    return f"{len(rows):,}" + (": " if rest else "") + ", ".join(rest)


def _line(rows: list, title: str, columns: list, promised: set) -> list:
    by_column = grouped(rows, column_of)
    return [
        _cell(title, column, by_column[column]) if column in by_column else "·" * (column in promised)
        for column in columns
    ]


def _cell(title: str, column: tuple[str, str], rows: list) -> Cell:
    device, dtype = column
    letter, tone = _letter(rows)
    ratio = words.number(max((row["worst_ratio"] for row in rows), key=words.size))
    return Cell(
        id=words.anchor("cell", rows[0]["home"], rows[0]["loss"], device, dtype),
        title=" · ".join(filter(None, [title, dtype or "any dtype", device])),
        big=letter,
        small=ratio,
        tone=tone,
        spoken=_SPOKEN.get(tone, letter) + (f", worst ratio {ratio}" if ratio else ""),
        rows=by_verdict(rows),
    )


def _letter(rows: list) -> tuple[str, str]:
    if worst := worst_grade(rows):
        return worst, worst.lower()
    verdicts = {row["verdict"] for row in rows}
    if verdicts == {"skip"}:
        return "–", "skip"
    if "fail" in verdicts:
        return "!", "fail"
    if any(row["vacuous"] for row in rows):
        return "∅", "vacuous"
    return "✓", "pass"
