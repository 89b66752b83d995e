"""Are all shards in a proof, each once, and is it the same wherever they ran?"""

import pytest
import torch

from conformance.campaign.errors import ShardError
from conformance.campaign.shards import gather
from conformance.proof import shard
from conformance.proof.claim import Claim
from conformance.proof.shard import prove
from conformance.proof.shard_selftest import SMALL, Widened
from conformance.proof.statement import document, share


class WrongInARectangle(Widened):
    """The absolute difference, but for some pairs next to each other."""

    def forward(self, input, target):
        result = super().forward(input, target).float()
        x, y = input.float(), target.float()
        return torch.where((x >= 1) & (x < 2) & (y <= -1) & (y >= -4), 2 * result, result).to(input.dtype)


def claim(cls=Widened):
    return Claim("L1Loss", "l1_loss", f"{cls.__module__}:{cls.__name__}", SMALL, "eager", "cpu", -0.5, 1, {})


@pytest.fixture
def tasks(monkeypatch):
    monkeypatch.setattr(shard, "SHARD", 1 << 13)
    found = claim().tasks()
    assert len(found) == 8
    return found


def verdict(proof):
    return {k: v for k, v in proof.items() if k != "seconds"}


def test_a_whole_proof_is_a_statement_over_every_pair(tasks):
    proof = document(claim(), tasks, [prove(task) for task in tasks])
    assert proof["pairs"] == 1 << 16
    assert proof["statement"].startswith("proved over 65,536 pairs: value: worst error 0.5 ULP at input=")


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_any_number_of_workers_makes_the_same_proof(tasks, tmp_path, workers):
    alone = document(claim(), tasks, [prove(task) for task in tasks])
    found = gather(prove, tasks, kept=tmp_path / "kept", identity={}, workers=workers)
    assert verdict(document(claim(), tasks, found)) == verdict(alone)


def test_a_shard_that_is_one_row_short_is_told(tasks):
    start, stop = tasks[3]["rows"]
    tasks[3]["rows"] = [start, stop - 1]
    with pytest.raises(ShardError, match="not every input was judged once: 65,280 of value"):
        document(claim(), tasks, [prove(task) for task in tasks])


def test_a_shard_that_begins_one_row_early_is_told(tasks):
    start, stop = tasks[3]["rows"]
    tasks[3]["rows"] = [start - 1, stop]
    with pytest.raises(ShardError, match="not every input was judged once: 65,792 of value"):
        document(claim(), tasks, [prove(task) for task in tasks])


def test_a_lost_shard_is_told(tasks):
    with pytest.raises(ShardError, match="not every input was judged once: 57,344 of value"):
        document(claim(), tasks[:-1], [prove(task) for task in tasks[:-1]])


def test_violations_next_to_each_other_are_one_rectangle_over_all_shards(tasks):
    of = claim(WrongInARectangle)
    tasks = of.tasks()
    proof = document(of, tasks, [prove(task) for task in tasks])
    (region,) = proof["quantities"]["value"]["regions"]
    assert region == {
        "input": ["0x1p+0", "0x1.cp+0"], "target": ["-0x1p+2", "-0x1p+0"], "setting": "", "elements": 4 * 9,
    }  # fmt: skip
    assert proof["quantities"]["value"]["failures"] == 36


def test_a_share_is_cut_off_so_that_only_all_is_all():
    assert (share(99_999, 100_000), share(7, 7), share(0, 3)) == ("99.99 %", "all", "0.00 %")
