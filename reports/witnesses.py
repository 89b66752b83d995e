"""Which witnesses does the page have room for?  The worst rows' first; the results file has all."""

from reports import words
from reports.load import VERDICTS

CARDS = 100
"""Failures with a card of their own; the others are listed."""
ROOM = 800_000
"""Characters, estimated, that witnesses may take on the page."""


def number_failures(rows: list) -> None:
    """Marks in `failure` the number of each failing row that has a card."""
    number = 0
    for row in rows:
        row["failure"] = None
        if row["verdict"] == "fail":
            number += 1
            row["failure"] = number if number <= CARDS else None


def choose_witnesses(rows: list) -> None:
    """Marks in `shown` the witnesses for which the page has room, the worst verdicts and ratios first."""
    room = ROOM
    order = sorted(rows, key=lambda row: (VERDICTS.index(row["verdict"]), -words.size(row["worst_ratio"])))
    for row in order:
        need = _room_for(row["witness"])
        row["shown"] = 0 < need <= room
        room -= need if row["shown"] else 0


def _room_for(witness: dict | None) -> int:
    if not witness:
        return 0
    tensors = [*(witness["arguments"] or {}).values(), *(witness["cotangent"] or {}).values()]
    return 1500 + sum(
        150 + sum(14 + len(words.exact(element)) for element in words.elements(tensor)[: words.SHOWN])
        for tensor in tensors
    )
