"""Which cells does a budget measure, and which does it leave, for what reason?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from perf.cell import IMPLEMENTATIONS, PASSES, SIZES, Cell
from reference import CONTRACTS

#: The losses that are measured in every way by default: one of each kind of arithmetic.
CLOSELY = (
    "HuberLoss", "BCEWithLogitsLoss", "CrossEntropyLoss", "KLDivLoss", "CTCLoss", "CosineEmbeddingLoss",
)  # fmt: skip
USUAL = {"implementation": ("eager", "oracle"), "size": ("S", "M"), "dtype": ("float32",)}


@dataclass(frozen=True)
class Asked:
    """What the command line asks for; empty filters let everything through."""

    budget: str = "gate"
    losses: tuple[str, ...] = ()
    implementations: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()
    devices: tuple[str, ...] = ("cpu",)

    def wants(self, cell: Cell) -> bool:
        filters = (
            (self.losses, cell.loss), (self.implementations, cell.implementation), (self.sizes, cell.size),
            (self.dtypes, cell.dtype),
        )  # fmt: skip
        return all(not chosen or value in chosen for chosen, value in filters)


def every(devices: Iterable[str]) -> list[Cell]:
    """Every cell there is, by loss.  The oracle and the mirror do not know devices."""
    return [
        Cell(name, implementation, direction, size, dtype, device)
        for name, contract in CONTRACTS.items()
        for device in devices
        for dtype in contract.dtypes if not dtype.startswith("complex")
        for size in SIZES
        for implementation in IMPLEMENTATIONS if device == "cpu" or implementation in ("eager", "compile")
        for direction in PASSES
    ]  # fmt: skip


def cells(asked: Asked) -> tuple[list[Cell], list[tuple[Cell, str]]]:
    """The cells to measure, and those that are left, with the reason."""
    found = [c for c in every(asked.devices) if asked.wants(c)]
    left = [(c, reason) for c in found if (reason := beyond(asked.budget, c, asked))]
    skipped = {c for c, _ in left}
    return [c for c in found if c not in skipped], left


def beyond(budget: str, cell: Cell, asked: Asked) -> str | None:
    """Why a budget leaves a cell; what is asked for by name is never beyond it."""
    named = {"implementation": asked.implementations, "size": asked.sizes, "dtype": asked.dtypes}
    if budget == "nightly":
        return None
    unusual = [k for k, usual in USUAL.items() if not named[k] and getattr(cell, k) not in usual]
    if cell.loss in CLOSELY and budget == "gate" and (cell.size, cell.implementation) != ("L", "oracle"):
        unusual = [k for k in unusual if k == "dtype"]
    if budget == "smoke" and cell.size == "M" and not asked.sizes:
        unusual.append("size")
    return f"{unusual[0]} {getattr(cell, unusual[0])}: not in the budget {budget}" if unusual else None
