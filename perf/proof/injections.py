"""Which regressions are injected, into which cells, and as which subjects?

``perf.proof.injections:extra_clone_mse`` is the loss of the cell ``mse``, called in the way ``extra_clone``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from perf.gate.side import Side
from perf.proof import ways
from perf.proof.cells import CELLS, Proven

#: Slowdowns by spinning, in percent.
SPINS = (3, 5, 10, 20)
OWN = "perf.proof.injections"


@dataclass(frozen=True)
class Injection:
    """``family``: "work" is work that a loss does not need; "spin" is time alone, ``percent`` of the call."""

    name: str
    proven: Proven
    family: str
    base: Side
    head: Side
    percent: int | None = None


class Wrapped(torch.nn.Module):
    """A loss of torch.nn that is called in a way.  Base and head are both wrapped, so that only the way differs."""

    def __init__(self, loss: str, way: Callable, reduction: str = "mean"):
        super().__init__()
        self.loss, self.way = getattr(torch.nn, loss)(reduction=reduction), way

    def forward(self, input, target):
        return self.way(self.loss, input, target)


def subject(way: str, cell: str) -> Callable:
    """What is called as the class of torch.nn is."""
    return lambda reduction="mean": Wrapped(CELLS[cell].cell.loss, getattr(ways, way), reduction)


def side(way: str, cell: str) -> Side:
    source = f"{OWN}:{way}_{cell}"
    return Side(source, name=source)


def work() -> list[Injection]:
    """Every injection that does more than the loss needs."""
    found = []
    for name, proven in CELLS.items():
        cell = proven.cell
        of_gradients = ways.OF_GRADIENTS if cell.direction == "forward+backward" else ()
        of_python = ways.OF_PYTHON if cell.size == "S" else ()
        for way in (*ways.ANY, *of_gradients, *of_python, *ways.UNFUSED[name]):
            if way in ways.ITS_OWN.get(name, ()):
                continue
            base = "by_rows" if way is ways.by_columns else "plain"
            found.append(Injection(way.__name__, proven, "work", side(base, name), side(way.__name__, name)))
    return found


def spins(percent: int) -> list[Injection]:
    """A spin of so many percent in every cell."""
    return [
        Injection(f"spin_{percent}", proven, "spin", side("plain", name), spinning(percent, name), percent)
        for name, proven in CELLS.items()
    ]


def spinning(percent: int, cell: str) -> Side:
    source = f"{OWN}:plain_{cell}"
    return Side(source, None, source, "perf.proof.spin:of_subject", (("percent", percent),))


def unchanged() -> list[Injection]:
    """Nothing injected: base and head are the same."""
    return [Injection("none", p, "none", side("plain", n), side("plain", n)) for n, p in CELLS.items()]


def __getattr__(name: str) -> Callable:
    """The subjects by their names."""
    for cell in CELLS:
        way = name.removesuffix(f"_{cell}")
        if way != name and hasattr(ways, way):
            return subject(way, cell)
    raise AttributeError(name)
