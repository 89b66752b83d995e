"""What does one call do, counted and not timed?  Operators, bytes, allocations, saved tensors: the same every time."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from math import prod

import torch
from torch.autograd.graph import saved_tensors_hooks
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from perf.call import Call


@dataclass(frozen=True)
class Counters:
    """``operators``: how often each is dispatched, views included.  ``bytes``: what those that are no views read and
    write, elements that an expanded tensor repeats counted once.  ``allocations``, ``allocated_bytes``, ``peak_bytes``:
    memory taken during the call, that of temporaries inside operators included, and the most at once.
    ``saved_tensors``, ``saved_bytes``: what the forward pass keeps for the backward pass, and the memory it is in."""

    operators: Mapping[str, int] = field(default_factory=dict)
    bytes: int = 0
    allocations: int = 0
    allocated_bytes: int = 0
    peak_bytes: int = 0
    saved_tensors: int = 0
    saved_bytes: int = 0

    def numbers(self) -> dict[str, int]:
        """Every counter that is one number; ``operators`` is how many were dispatched in all."""
        return asdict(self) | {"operators": sum(self.operators.values())}


def count(call: Call) -> Counters:
    """The counters of one eager call on the CPU, after one that nobody counts."""
    call.run()
    with Dispatched() as dispatched:
        call.run()
    with saved() as kept:
        call.run()
    storages = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in kept}
    return Counters(
        operators=dict(sorted(dispatched.operators.items())),
        bytes=dispatched.bytes,
        saved_tensors=len(kept),
        saved_bytes=sum(storages.values()),
        **memory(call),
    )


class Dispatched(TorchDispatchMode):
    """Counts the operators that reach the dispatcher, and what they read and write."""

    def __init__(self):
        super().__init__()
        self.operators: Counter[str] = Counter()
        self.bytes = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        self.operators[str(func)] += 1
        if not func.is_view:
            moved = (t for t in tree_leaves((args, kwargs, result)) if isinstance(t, torch.Tensor))
            self.bytes += sum(map(touched, moved))
        return result


def touched(tensor: torch.Tensor) -> int:
    """The bytes of memory that a tensor's elements are in, repeated ones once."""
    return tensor.element_size() * prod(n for n, step in zip(tensor.shape, tensor.stride(), strict=True) if step)


@contextmanager
def saved() -> Iterator[list[torch.Tensor]]:
    """The tensors that are kept for backward passes while it is open."""
    kept: list[torch.Tensor] = []

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        kept.append(tensor.detach())
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        yield kept


def memory(call: Call) -> dict[str, int]:
    """What torch's allocator for the CPU hands out during one call."""
    os.environ.setdefault("KINETO_LOG_LEVEL", "5")  # the profiler tells of every start and stop otherwise
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True, acc_events=True) as found:
        call.run()
    events = found.profiler.kineto_results.events()
    changes = [e.nbytes() for e in sorted(events, key=lambda e: e.start_ns()) if e.name() == "[memory]"]
    level = most = 0
    for change in changes:
        level += change
        most = max(most, level)
    taken = [change for change in changes if change > 0]
    return {"allocations": len(taken), "allocated_bytes": sum(taken), "peak_bytes": most}
