"""Two calls that take turns."""

import random

import pytest

from perf.gate.pairs import paired


def work(rounds):
    def run():
        for _ in range(rounds):
            pass

    return run


@pytest.mark.parametrize("slower", [1.0, 1.2])
def test_the_ratio_is_that_of_the_work(slower):
    found = sorted(
        paired(work(int(20_000 * slower)), work(20_000), 0.1, random.Random(s))["log_ratio"] for s in range(3)
    )
    assert 0.9 * slower < 2.718281828 ** found[1] < 1.1 * slower


def test_short_calls_are_timed_in_blocks():
    found = paired(work(10), work(10), 0.05, random.Random(0))
    assert found["head"] < 50
    assert found["turns"] < 0.05 / (4 * 0.0002)
