"""Into which shards does a campaign fall?  One for each seed, contract, check and dtype, whoever runs them."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace

from conformance import options
from conformance.checks import CHECKS
from conformance.items import forms, items
from conformance.modes import MODES
from conformance.options import Selected, Selection
from conformance.row import Item
from reference import Contract


def tasks(selection: Selection, asked: dict, seeds: range) -> list[dict]:
    """Every shard, seed by seed; after them those that replay what deviations state, once for each loss.

    The repository's corpus is asked with the first seed only.
    """
    losses = list(dict.fromkeys(s.loss for s in selection.subjects))
    drawn = [
        {"kind": "rows", "seed": seed, "loss": c.loss, "contract": c.name, "check": check, "dtype": dtype,
         "corpus": seed == seeds.start, "asked": asked}
        for seed in seeds
        for loss in losses
        for c in selection.contracts(Selected(loss, None))
        for check in selection.checks if CHECKS[check].applies(c)
        for dtype in dtypes(replace(selection, seed=seed), c, check)
    ]  # fmt: skip
    return drawn + [{"kind": "replays", "seed": seeds.start, "loss": loss, "asked": asked} for loss in losses]


def dtypes(selection: Selection, contract: Contract, check: str) -> Iterator[str]:
    """The dtypes of which a check asks any row of a contract, in its order."""
    among = {
        dtype
        for question in CHECKS[check].questions(contract)
        for mode in selection.modes if MODES[mode].asks(check)
        for dtype, _ in forms(selection, contract, check, question, mode)
    }  # fmt: skip
    return (dtype for dtype in contract.dtypes if dtype in among)


def selection_of(task: dict) -> Selection:
    """What the command line selects, as far as a shard is about it.  Raises pytest.UsageError as options do."""
    asked = task["asked"] | {"loss": [task["loss"]], "seed": task["seed"], "deviations": None}
    return options.selection(Namespace(**asked))


def items_of(task: dict, selection: Selection) -> list[Item]:
    """The rows of a shard, in the order of a conformance run."""
    every = items(selection, task["check"])
    return [i for i in every if (i.contract_name, i.dtype) == (task["contract"], task["dtype"])]
