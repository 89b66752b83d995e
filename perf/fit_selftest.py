"""A fit over sizes finds the latency and the slope that times were made of."""

import pytest

from perf.fit import fits, line

FACTS = {"loss": "HuberLoss", "implementation": "eager", "direction": "forward", "dtype": "float32", "device": "cpu"}


def test_times_that_lie_on_a_line_give_it_back():
    found = line([1000, 60000, 16000000], [5e-6 + 2e-9 * n for n in (1000, 60000, 16000000)])
    assert found == pytest.approx({"latency_us": 5.0, "ns_per_element": 2.0})


@pytest.mark.parametrize("seconds", [[1e-3, 5e-4], [1e-9, 1e-3]])
def test_neither_part_is_negative(seconds):
    assert all(v >= 0 for v in line([1000, 60000], seconds).values())


def test_one_size_has_no_fit():
    one = FACTS | {"elements": 1000, "size": "S"}
    assert fits([(one, 1e-5)]) == []
    (found,) = fits([(one, 1e-5), (FACTS | {"elements": 2000, "size": "M"}, 2e-5)])
    assert found["sizes"] == ["S", "M"]
    assert found["loss"] == "HuberLoss"
