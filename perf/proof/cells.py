"""On which cells is the gate proven?"""

from __future__ import annotations

from dataclasses import dataclass

from perf.cell import Cell


@dataclass(frozen=True)
class Proven:
    """A cell by a short name; ``bound``: whether arithmetic (or dispatch) or the memory costs most of it."""

    name: str
    cell: Cell
    bound: str


#: Exponentials, logarithms or the dispatcher are what the first three wait for; a few additions and products an
#: element are all that the others do between reading and writing.
CELLS = {
    p.name: p
    for p in (
        Proven("bce", Cell("binary_cross_entropy_with_logits", "eager", "forward+backward", "M"), "compute"),
        Proven("cross_entropy", Cell("cross_entropy", "eager", "forward+backward", "M"), "compute"),
        Proven("small_huber", Cell("huber_loss", "eager", "forward+backward", "S"), "compute"),
        Proven("mse", Cell("mse_loss", "eager", "forward+backward", "M"), "memory"),
        Proven("smooth_l1", Cell("smooth_l1_loss", "eager", "forward", "M"), "memory"),
        Proven("l1", Cell("l1_loss", "eager", "forward+backward", "M"), "memory"),
    )
}
