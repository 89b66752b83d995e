"""Does a search climb, is it the same each time, does it stay where the contract is about, and find a narrow fault?"""

import numpy as np
import pytest
import torch

from conformance.audit import search
from conformance.audit.request import COST
from conformance.audit.search import work
from conformance.verdict import GRADES, THRESHOLD

#: A share of the usual effort: a second or two.
SHARE = 0.01


def task(loss, contract, source=None, dtype="float32", index=0, share=SHARE):
    return {
        "source": source, "loss": loss, "contract": contract, "dtype": dtype, "mode": "eager", "device": "cpu",
        "seed": 0, "index": index, "cost": COST * share, "sound": False,
    }  # fmt: skip


class WorseTowardsAPoint(torch.nn.Module):
    """The absolute difference, less accurate the nearer it is to 100: by 8 units of the last place at most."""

    def __init__(self, reduction="mean"):
        super().__init__()
        self.reduction = reduction

    def forward(self, input, target):
        error = (input - target).abs()
        near = (1 - (error.detach() - 100).abs() / 25).clamp(min=0)
        result = error * (1 + near * 2.0**-20)
        return {"none": lambda x: x, "sum": torch.sum, "mean": torch.mean}[self.reduction](result)


class WorstAtOnePair(torch.nn.Module):
    """The absolute difference, less accurate the nearer both numbers are to two of their own: by 42 places at most."""

    def __init__(self, reduction="mean"):
        super().__init__()
        self.reduction = reduction

    def forward(self, input, target):
        error = (input - target).abs()
        octaves = [(x.detach().double() / to).log2().abs() for x, to in ((input, 41.7), (target, -2.7))]
        near = 1 / (1 + 5 * sum(octaves).nan_to_num(100.0))
        result = error * (1 + near * 2.0**-18).to(error.dtype)
        return {"none": lambda x: x, "sum": torch.sum, "mean": torch.mean}[self.reduction](result)


@pytest.fixture(scope="module")
def searched():
    return work(task("BCELoss", "binary_cross_entropy"))


def test_the_same_shard_finds_the_same(searched):
    assert work(task("BCELoss", "binary_cross_entropy")) == searched


def test_the_worst_is_at_numbers_that_the_contract_is_about(searched):
    for of in searched["quantities"].values():
        for worst in filter(None, of["worst"].values()):
            for name in ("input", "target"):
                found = np.array([float.fromhex(x) for x in worst["arguments"][name]["data"]])
                assert ((found >= 0) & (found <= 1)).all()


def test_a_narrow_worst_case_is_climbed_to_that_random_cases_of_the_same_effort_miss(monkeypatch):
    given = task("L1Loss", "l1_loss", f"{__name__}:{WorstAtOnePair.__name__}", index=1, share=0.05)
    climbed = float(work(given)["quantities"]["value"]["worst"]["ulp"]["error_ulp"])
    monkeypatch.setattr(search, "GENERATIONS", 0)
    drawn = float(work(given)["quantities"]["value"]["worst"]["ulp"]["error_ulp"])
    assert climbed > 2 * drawn
    assert climbed > 21  # half of the worst


def test_an_error_that_grows_towards_a_point_is_found_and_proved_to_be_one():
    found = work(task("L1Loss", "l1_loss", f"{__name__}:{WorseTowardsAPoint.__name__}"))
    of = found["quantities"]["value"]
    assert of["failing"] > 0
    assert GRADES.index(of["grade"]) > GRADES.index("B")
    assert float(of["failures"][0]["certified_ratio"]) > THRESHOLD
