"""How is the implementation of a cell called, again and again, on the same numbers?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from conformance.items import torch_subject
from conformance.subject import Subject
from perf.cell import Cell, Workload, leaves

#: The mode of conformance in which an implementation by torch is executed.
MODES = {"eager": "eager", "compile": "compile"}


@dataclass(frozen=True)
class Call:
    """``run()`` evaluates the call once, and returns what came; ``numbers(result)`` are its quantities as NumPy
    arrays, shape (1, ...).  ``facts(call)``: an answer, and what the implementation tells of it."""

    run: Callable[[], object]
    numbers: Callable[[object], Mapping[str, np.ndarray]]
    facts: Callable[[Call], tuple[object, dict]]


def call_of(cell: Cell, work: Workload, subject: Subject | None = None) -> Call:
    """The call of a cell.  ``subject`` stands in for torch.nn's own class.  Raises Refused where it does."""
    if cell.implementation == "oracle":
        from perf.by_oracle import oracle_call

        return oracle_call(work, cell.direction)
    if cell.implementation == "jax":
        from perf.by_jax import jax_call  # only here: JAX takes seconds

        return jax_call(work, cell.direction)
    from perf.by_torch import torch_call

    subject = subject or torch_subject(cell.of)
    return torch_call(subject, work, wanted(cell, work), cell.device, MODES[cell.implementation])


def wanted(cell: Cell, work: Workload) -> tuple[str, ...]:
    """The arguments whose gradients the cell asks for."""
    return leaves(work.case) if cell.direction == "forward+backward" else ()
