"""How many rows the gate verifies per second, next to torch's own forward and backward on the same data."""

import itertools

import pytest

from conformance import streams
from conformance.row import Item, Row
from conformance.sampling import fill
from conformance.session import Session
from conformance.subject import torch_subject
from conformance.tally import Tally
from reference import CONTRACTS

LOSSES = ("huber_loss", "cross_entropy", "binary_cross_entropy_with_logits")
NUMBERS = itertools.count()


def item(contract: str, check: str) -> Item:
    subject = torch_subject(CONTRACTS[contract])
    return Item(subject, contract, check, "float32", "none", "cpu", "eager", 0, "gate")


def small_classes(recipe) -> bool:
    """Cross-entropy is measured with at most 16 classes."""
    return recipe.sizes.get("c", (1,))[0] <= 16


def verify(contract: str) -> int:
    """Draw, fill, run, bound and judge one new block: values, then gradients.  Returns the rows verified."""
    rows = 0
    for check in ("value", "gradient"):
        row = Row(item(contract, check))
        for recipe in filter(small_classes, streams.block(0, contract, check, "float32", "none", next(NUMBERS))):
            row.feed(fill(CONTRACTS[contract], recipe, "float32", "none"))
        tallies: list[Tally] = list(row.tallies.values())
        rows += max((tally.cases for tally in tallies), default=0)
    return rows


@pytest.mark.parametrize("contract", LOSSES)
def test_verified_rows_per_second(benchmark, contract):
    benchmark.group = CONTRACTS[contract].loss
    counted: list[int] = []
    benchmark.pedantic(lambda: counted.append(verify(contract)), rounds=12, warmup_rounds=1)
    measured = counted[1:]
    benchmark.extra_info["rows_per_second"] = round(sum(measured) / benchmark.stats.stats.total)


@pytest.mark.parametrize("contract", LOSSES)
def test_torch_forward_and_backward_on_the_same_data(benchmark, contract):
    benchmark.group = CONTRACTS[contract].loss
    recipes = filter(small_classes, streams.block(0, contract, "gradient", "float32", "none", 0))
    cases = [fill(CONTRACTS[contract], recipe, "float32", "none") for recipe in recipes]
    sessions = [Session(torch_subject(CONTRACTS[contract]), case, "cpu") for case in cases]

    def run():
        for session in sessions:
            session.gradients(("input",))

    benchmark(run)
    rows = sum(case.rows for case in cases)
    benchmark.extra_info["rows_per_second"] = round(rows / benchmark.stats.stats.mean)
