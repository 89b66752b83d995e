"""What was asked of each loss?  One matrix of losses and checks for each subject, over the same columns."""

from collections import Counter

from reports import words
from reports.cell import Cell, by_verdict
from reports.grouping import CHECKS, check_order, grouped
from reports.matrix import Matrix, told_of

NOTHING_TO_ASK = "n/a"
"""The sign of a check that has no question for a loss in what a finished run selected."""

_SPOKEN = {"fail": "failing", "known": "known", "note": "with a note", "skip": "skipped"}


def columns_of(rows: list) -> list:
    """The checks that have rows, in the order of the page; None where a subject never got to a check."""
    return sorted({row["check"] for row in rows}, key=check_order)


def unasked(rows: list) -> list:
    """The known checks that have no row, in words."""
    asked = {row["check"] for row in rows}
    return [words.spaced(check) for check in CHECKS if check not in asked]


def matrices(rows: list, columns: list, complete: bool) -> list:
    """One `Matrix` for each subject, its losses by name.

    Where there are no rows, "n/a": the run is complete and asked this of other losses of the subject; "":
    otherwise.
    """
    by_subject = grouped(rows, lambda row: row["home"])
    several = len(by_subject) > 1
    return [_matrix(subject, own, columns, complete, several) for subject, own in by_subject.items()]


def _matrix(subject: str, rows: list, columns: list, complete: bool, several: bool) -> Matrix:
    asked = {row["check"] for row in rows if row["check"]} if complete else set()
    losses = []
    for loss, own in sorted(grouped(rows, lambda row: row["loss"]).items()):
        title = f"{loss} · {subject}" if several else loss
        by_check = grouped(own, lambda row: row["check"])
        line = [
            _cell(title, by_check[check]) if check in by_check else NOTHING_TO_ASK * (check in asked)
            for check in columns
        ]
        losses.append((loss, line, ""))
    return Matrix(subject, told_of(rows), Counter(row["verdict"] for row in rows), losses)


def _cell(title: str, rows: list) -> Cell:
    rows, check = by_verdict(rows), words.spaced(rows[0]["check"] or "not run")
    verdict = rows[0]["verdict"]
    worst = sum(row["verdict"] == verdict for row in rows)
    plain = verdict in ("pass", "skip")
    return Cell(
        id=words.anchor("check", rows[0]["home"], rows[0]["loss"], rows[0]["check"] or "not-run"),
        title=f"{title} · {check}",
        big="" if plain else f"{worst:,}",
        small=f"{len(rows):,}" if plain else f"/{len(rows):,}",
        tone=f"is-{verdict}",
        spoken=f"{'all' if plain else worst} {_SPOKEN.get(verdict, 'passing')}",
        rows=rows,
    )
