"""One shard of a proof: some rows of one plane, block by block.

A fraction 1/n takes of every row the columns that a fixed lattice chooses, another n-th in every row, so that every row
and every column takes part; rows and columns at a boundary are taken whole.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

import numpy as np

from conformance.answers import differentiable
from conformance.items import load_subject
from conformance.options import Selected
from conformance.proof.block import Block
from conformance.proof.judge import Judge
from conformance.proof.space import Plane, planes
from conformance.refusal import Malformed, Refused
from conformance.row import Item
from conformance.session import Session
from conformance.subject import single_threaded
from reference import CONTRACTS

#: Elements of a block: what is computed of one at a time stays in a processor's cache.
BLOCK = 1 << 17
#: By how much the lattice moves from row to row; odd, so that it meets every column.
STEP = 27
#: Rows of a shard: so many elements, that is seconds of work.
SHARD = 1 << 26


def spans(plane: Plane, fraction: int) -> list[tuple[int, int]]:
    """The rows of every shard of a plane, as (first, last + 1)."""
    rows, columns = plane.axes()
    size = max(1, SHARD * fraction // max(len(columns), fraction) // fraction)
    size = size if fraction == 1 else size * min(fraction, 8)
    return [(i, min(i + size, len(rows))) for i in range(0, len(rows), size)]


def prove(task: Mapping) -> dict:
    """The work of one shard: what it ``found`` by quantity and the ``seconds`` of a processor, or its ``problem``.

    ``task``: ``loss``, ``contract``, ``source`` of the subject (None for torch.nn), ``dtype``, ``mode``, ``device``,
    ``upstream``, ``fraction`` (n of 1/n), ``given``, ``plane`` (its number), ``rows`` (first, last + 1).
    """
    began = time.process_time()
    single_threaded()
    contract = CONTRACTS[task["contract"]]
    subject = load_subject(Selected(task["loss"], task["source"]), contract)
    if subject.problem:
        return {"problem": subject.problem, "unsupported": False}
    plane = planes(contract, task["dtype"], task["given"])[task["plane"]]
    item = Item(subject, contract.name, "value", task["dtype"], "none", task["device"], task["mode"], 0, "gate")
    try:
        judge = Judge(item, gradients_of(item, plane, task["upstream"]))
        for block in blocks(plane, *task["rows"], task["fraction"], task["upstream"]):
            judge.judge(block)
        judge.finish()
    except (Refused, Malformed) as wrong:
        return {"problem": str(wrong), "unsupported": getattr(wrong, "unsupported", False)}
    found = {k: of.plain() for k, of in judge.found.items()}
    return {"found": found, "seconds": time.process_time() - began}


def gradients_of(item: Item, plane: Plane, upstream: float) -> tuple[str, ...]:
    """The arguments that the subject has gradients for, by a few elements."""
    rows, columns = plane.axes()
    middle = slice(len(rows) // 2, len(rows) // 2 + 1)
    case = Block.of(plane, rows[middle, None], columns[None, :1], upstream).case()
    return differentiable(Session(item.subject, case, item.device, mode=item.mode))


def blocks(plane: Plane, start: int, stop: int, fraction: int, upstream: float) -> Iterator[Block]:
    """The blocks of some rows of a plane, within the domain."""
    every = (block.confined() for block in _of_rows(plane, start, stop, fraction, upstream))
    yield from (block for block in every if block is not None)


def _of_rows(plane: Plane, start: int, stop: int, fraction: int, upstream: float) -> Iterator[Block]:
    rows, columns = plane.axes()
    own = np.arange(start, min(stop, len(rows)))
    if fraction == 1:
        yield from _portions(plane, rows[own], columns, upstream)
        return
    whole = corners(plane, plane.rows, rows)[own]
    always = corners(plane, plane.columns, columns)
    yield from _portions(plane, rows[own[whole]], columns, upstream)
    yield from _portions(plane, rows[own[~whole]], columns[always], upstream)
    yield from _lattice(plane, own[~whole], fraction, always, upstream)


def _lattice(plane: Plane, own: np.ndarray, fraction: int, never: np.ndarray, upstream: float) -> Iterator[Block]:
    """Of every row one column in so many, but those that are taken anyhow."""
    rows, columns = plane.axes()
    length = -(-len(columns) // fraction)
    step = max(1, BLOCK // length)
    for start in range(0, len(own), step):
        some = own[start : start + step, None]
        chosen = -STEP * some % fraction + fraction * np.arange(length)
        kept = chosen < len(columns)
        kept[kept] = ~never[chosen[kept]]
        if kept.any():
            yield Block.of(
                plane, np.broadcast_to(rows[some], kept.shape)[kept][None], columns[chosen[kept]][None], upstream
            )


def corners(plane: Plane, slot, bits: np.ndarray) -> np.ndarray:
    """Which rows or columns a fraction takes whole."""
    if plane.is_halved:
        return np.isin(bits, (0, 1, 0xFFFE, 0xFFFF)) & (slot is None)
    return np.ones(len(bits), bool) if slot is None else plane.corners(slot, bits)


def _portions(plane: Plane, rows: np.ndarray, columns: np.ndarray, upstream: float) -> Iterator[Block]:
    step = max(1, BLOCK // max(len(columns), 1))
    for start in range(0, len(rows), step):
        yield Block.of(plane, rows[start : start + step, None], columns[None], upstream)
