"""How are the calls of head and base made, on the same tensors?"""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass

from conformance.options import import_module
from perf.call import Call
from perf.cell import Cell, Workload
from perf.gate.side import Side, load


@dataclass(frozen=True)
class Task:
    """A cell, its numbers, and the arguments whose gradients are asked for."""

    cell: Cell
    work: Workload | None = None
    wanted: tuple[str, ...] = ()


def call_of(side: Side, task: Task, shared: MutableMapping) -> Call:
    """The call of one side.  ``shared`` holds the tensors of the first that was made for the same task, for the next.

    Raises NotLoaded, or Refused where the subject does.
    """
    module, _, function = side.maker.rpartition(":")
    return getattr(import_module(module), function)(side, task, shared)


def of_subject(side: Side, task: Task, shared: MutableMapping) -> Call:
    """The call of a loss."""
    from perf.by_torch import torch_call

    subject = load(side, task.cell.of)
    return torch_call(subject, task.work, task.wanted, task.cell.device, inputs=shared)
