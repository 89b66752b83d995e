"""What is a cell of a matrix?  Some rows of one loss, their worst verdict, and the lines that it opens to."""

from collections import Counter
from dataclasses import dataclass

from reports.grouping import grouped, row_order, summary
from reports.load import VERDICTS


@dataclass(frozen=True)
class Cell:
    """Rows with the same row and column of a matrix, the worst verdicts first.

    `big` and `small` are its text, `tone` its colour, `spoken` the text in words.
    """

    id: str
    title: str
    big: str
    small: str
    tone: str
    spoken: str
    rows: list

    @property
    def verdict(self) -> str:
        """The worst verdict of its rows."""
        return self.rows[0]["verdict"]

    @property
    def label(self) -> str:
        """What a screen reader says and a pointer shows."""
        counts = Counter(row["verdict"] for row in self.rows)
        told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict])
        return f"{self.title}: {self.spoken}; rows: {told}"

    @property
    def alone(self) -> str:
        """The numbers of its rows with a line of their own, as text."""
        return " ".join(str(row["line"]) for row in self.rows if row["line"])

    @property
    def lines(self) -> list:
        """Its other rows: those that differ only in question, dtype and reduction, and say the same, are one line."""
        rest = sorted((row for row in self.rows if not row["line"]), key=row_order)
        lines = [_line(rows) for rows in grouped(rest, _alike).values()]
        return sorted(lines, key=lambda line: VERDICTS.index(line["verdict"]))


def number_lines(rows: list) -> list:
    """Marks in `line` the number of each row with a line of its own; returns those lines.

    Failures, known deviations, and whatever has a witness or a script are never summed up.
    """
    for row in rows:
        row["line"] = None
    alone = [row for row in rows if row["verdict"] in ("fail", "known") or _has_more(row)]
    for number, row in enumerate(alone, 1):
        row["line"] = number
    return [_line([row]) | {"row": row} for row in alone]


def by_verdict(rows: list) -> list:
    """The rows, the worst verdicts first."""
    return sorted(rows, key=lambda row: VERDICTS.index(row["verdict"]))


def _has_more(row: dict) -> bool:
    return bool(row["deviation"] or row["witness"] or row["reproducer"])


def _alike(row: dict) -> tuple:
    return row["check"], row["quantity"], row["device"], row["mode"], row["verdict"], row["message"]


def _line(rows: list) -> dict:
    shared = {key: rows[0][key] for key in ("check", "quantity", "device", "mode", "message")}
    return shared | summary(rows)
