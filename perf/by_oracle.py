"""The contract's own formula and pullback, over plain float64 arrays of NumPy."""

from __future__ import annotations

from conformance.case import gradients, values
from perf.call import Call
from perf.cell import Workload
from perf.facts import of_numpy


def oracle_call(work: Workload, direction: str) -> Call:
    """Both passes are independent formulas: the gradient does not need the value."""

    def plain(x):
        return x

    def forward():
        return values(work.case, plain)

    def forward_and_backward():
        return values(work.case, plain) | gradients(work.case, plain)

    return Call(forward if direction == "forward" else forward_and_backward, lambda result: result, of_numpy)
