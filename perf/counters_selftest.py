"""Counters are exact, the same every time, and see what a planted waste adds."""

import pytest
import torch

from perf.call import Call
from perf.counters import count

X = torch.linspace(-1, 1, 1000)


def counted(forward, needs=True):
    x = X.clone().requires_grad_(needs)

    def run():
        return torch.autograd.grad(forward(x), x) if needs else forward(x)

    return count(Call(run, lambda result: {}, lambda call: (None, {})))


def plain(x):
    return (x * x).sum()


WASTE = {
    "a clone": (lambda x: (x.clone() * x).sum(), "allocations"),
    "a view": (lambda x: (x.view(-1) * x).sum(), "operators"),
    "float64 inside": (lambda x: (x.double() * x.double()).sum().float(), "bytes"),
    "a kept temporary": (lambda x: ((x + 0) * (x * 1)).sum(), "saved_bytes"),
    "a number brought to Python": (lambda x: (x * x).sum() * (x.sum().item() * 0 + 1), "operators"),
    "larger blocks at once": (lambda x: (x.repeat(4) * x.repeat(4)).sum() / 4, "peak_bytes"),
}


def test_the_counters_of_a_call_are_the_same_every_time():
    assert len({str(counted(plain)) for _ in range(5)}) == 1


def test_counters_are_what_the_call_does():
    found = counted(lambda x: x * x, needs=False)
    assert found.operators == {"aten.mul.Tensor": 1}
    assert found.bytes == 3 * X.nbytes
    assert found.allocated_bytes == found.peak_bytes == X.nbytes
    assert found.saved_tensors == found.saved_bytes == 0


def test_an_expanded_tensor_is_read_once():
    found = counted(lambda x: torch.ones(1).expand(1000) + X, needs=False)
    assert found.bytes == 4 + 2 * X.nbytes + 4  # the number one is made, and read; the result is written


@pytest.mark.parametrize("waste", WASTE)
def test_waste_is_counted(waste):
    forward, counter = WASTE[waste]
    assert counted(forward).numbers()[counter] > counted(plain).numbers()[counter]
