"""Which grade has each loss in each dtype?  One matrix for each subject, over the same columns."""

from collections import Counter
from dataclasses import dataclass

from reports import words
from reports.grouping import dtype_order, grouped
from reports.load import VERDICTS
from reports.outcome import many

_SPOKEN = {"skip": "skipped", "vacuous": "vacuous", "pass": "pass, not graded", "fail": "fail, not graded"}
_SPOKEN |= {letter.lower(): f"grade {letter}" for letter in "ABCF"}


@dataclass(frozen=True)
class Cell:
    """The rows of one loss, dtype and device: `letter` is the worst grade, or a sign; `tone` its colour."""

    id: str
    title: str
    letter: str
    tone: str
    verdict: str
    ratio: str
    rows: list

    @property
    def label(self) -> str:
        """What a screen reader says and a pointer shows."""
        counts = Counter(row["verdict"] for row in self.rows)
        told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict])
        ratio = f", worst ratio {self.ratio}" if self.ratio else ""
        return f"{self.title}: {_SPOKEN.get(self.tone, self.letter)}{ratio}; rows: {told}"


@dataclass(frozen=True)
class Matrix:
    """One subject's losses by columns: `losses` has (name, entries, counts in words).

    An entry is a `Cell`, "·" (promised, no rows in this run) or "" (not promised).
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
    """One `Matrix` for each subject, its losses by name."""
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
    counts = Counter(row["verdict"] for row in rows)
    return Matrix(subject, many(counts["fail"], "failure") if counts["fail"] else "no failure", counts, losses)


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
    rows = sorted(rows, key=lambda row: VERDICTS.index(row["verdict"]))
    device, dtype = column
    letter, tone = _letter(rows)
    return Cell(
        id=words.anchor("cell", rows[0]["home"], rows[0]["loss"], device, dtype),
        title=" · ".join(filter(None, [title, dtype or "any dtype", device])),
        letter=letter,
        tone=tone,
        verdict=rows[0]["verdict"],
        ratio=words.number(max((row["worst_ratio"] for row in rows), key=words.size)),
        rows=rows,
    )


def _letter(rows: list) -> tuple[str, str]:
    grades = [row["grade"] for row in rows if row["grade"]]
    if grades:
        worst = min(grades, key="FCBA".find)
        return worst, worst.lower()
    verdicts = {row["verdict"] for row in rows}
    if verdicts == {"skip"}:
        return "–", "skip"
    if "fail" in verdicts:
        return "!", "fail"
    if any(row["vacuous"] for row in rows):
        return "∅", "vacuous"
    return "✓", "pass"
