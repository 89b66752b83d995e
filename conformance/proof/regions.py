"""Where does a loss violate its contract?  Runs of violating elements, as intervals and rectangles of numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from conformance.proof.patterns import numbers, shown, width
from conformance.proof.space import Plane
from reference.arithmetic.formats import format_of

#: Regions that a proof lists, the largest of them.
LISTED = 200


@dataclass
class Region:
    """Violating elements: ``rows`` and ``columns`` are the first and last rank of each, ``columns`` None on a line."""

    rows: tuple[int, int]
    columns: tuple[int, int] | None
    elements: int


def regions(plane: Plane, runs: Iterable[list[int]]) -> list[Region]:
    """Runs of one plane, as :func:`conformance.proof.found.runs` tells them, as few regions.

    Runs of the same columns in rows next to each other are one rectangle; on a line, neighbours are one interval.
    """
    size = width(format_of(plane.dtype))
    found = sorted((_region(plane, size, run) for run in runs), key=lambda r: (r.rows, r.columns or ()))
    kept: list[Region] = []
    open_: dict[tuple[int, int] | None, Region] = {}
    for region in found:
        above = open_.get(region.columns)
        if above is not None and above.rows[1] + 1 == region.rows[0]:
            above.rows, above.elements = (above.rows[0], region.rows[1]), above.elements + region.elements
        else:
            open_[region.columns] = region
            kept.append(region)
    return kept


def _region(plane: Plane, size: int, run: list[int]) -> Region:
    row, last_row, first, last, count = run
    if plane.is_halved:
        return Region(_ordered(row << 16 | first, row << 16 | last, size), None, count)
    rows = _ordered(row, last_row, size)
    return Region(rows, None if plane.columns is None else _ordered(first, last, size), count)


def _ordered(one: int, other: int, size: int) -> tuple[int, int]:
    """The ranks of two patterns, the lower one first."""
    low, high = sorted((rank(one, size), rank(other, size)))
    return low, high


def rank(pattern: int, size: int) -> int:
    """The place of a pattern among all of its size, in the order of :func:`conformance.proof.patterns.in_order`."""
    half = 1 << (size - 1)
    return half + pattern if pattern < half else 2 * half - 1 - pattern


def pattern(rank: int, size: int) -> int:
    """The inverse."""
    half = 1 << (size - 1)
    return rank - half if rank >= half else 2 * half - 1 - rank


def listed(plane: Plane, found: list[Region]) -> list[dict]:
    """Regions as they go into a file: of every slot the first and last number, in hexadecimal."""
    largest = sorted(found, key=lambda region: -region.elements)[:LISTED]
    return [_plain(plane, region) for region in largest]


def _plain(plane: Plane, region: Region) -> dict:
    spans = {str(plane.rows): [end(rank, plane.dtype) for rank in region.rows]}
    if region.columns is not None:
        spans[str(plane.columns)] = [end(rank, plane.dtype) for rank in region.columns]
    return spans | {"setting": plane.setting, "elements": region.elements}


def end(rank: int, dtype: str) -> str:
    """A number in hexadecimal, NaN with its bits, of which there are several."""
    bits = pattern(rank, width(format_of(dtype)))
    number = float(numbers(np.array([bits]), dtype)[0])
    return f"nan:{bits:#x}" if number != number else shown(number)
