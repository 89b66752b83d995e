"""How fast does the suite itself verify?  A call that is no call of a loss: blocks of rows, drawn, bounded, judged."""

from __future__ import annotations

import importlib
import itertools
import sys
from collections.abc import MutableMapping

from perf.call import Call
from perf.facts import none_told
from perf.gate.calls import Task
from perf.gate.side import NotLoaded, Side, taken

#: What is verified: cheap rows, rows of classes, rows with expensive functions.
CONTRACTS = ("huber_loss", "cross_entropy", "binary_cross_entropy_with_logits")
MAKER = "perf.gate.suite:verifying"
OWN = {"conformance", "reference"}
#: The most elements of a dimension, so that a block takes as long at every turn.
CLASSES = 16


def sides(folder: str | None, name: str) -> dict[str, Side]:
    """The suite in a folder, once for each contract, by the name of the cell."""
    return {
        f"suite-verified-rows-{c}": Side(None, folder, name, MAKER, (("contract", c),), apart=True) for c in CONTRACTS
    }


def verifying(side: Side, task: Task, shared: MutableMapping) -> Call:
    """A call that verifies the next block of values.  From now on this process has the suite of the side's folder.

    Raises NotLoaded where that suite is made otherwise.
    """
    taken(OWN)
    sys.path.insert(0, side.folder)
    importlib.invalidate_caches()
    contract, numbers = dict(side.options)["contract"], itertools.count()
    try:
        verify = verifier(contract)
        verify(next(numbers))
    except Exception as error:
        raise NotLoaded(f"{side.name} verifies otherwise: {type(error).__name__}: {error}") from None
    return Call(lambda: verify(next(numbers)), lambda rows: {}, none_told)


def verifier(name: str):
    """``f(number)``: draw, fill, run, bound and judge one block of values; how many rows were verified."""
    from conformance import streams
    from conformance.row import Item, Row
    from conformance.sampling import fill
    from conformance.subject import torch_subject
    from reference import CONTRACTS as KNOWN

    contract = KNOWN[name]
    item = Item(torch_subject(contract), name, "value", "float32", "none", "cpu", "eager", 0, "gate")

    def verify(number: int) -> int:
        row = Row(item)
        for recipe in streams.block(0, name, "value", "float32", "none", number):
            if recipe.sizes.get("c", (1,))[0] <= CLASSES:
                row.feed(fill(contract, recipe, "float32", "none"))
        return max((tally.cases for tally in row.tallies.values()), default=0)

    return verify
