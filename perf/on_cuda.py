"""How is a call timed on a GPU?  By events of the device, synchronised, its cache flushed before every one."""

from __future__ import annotations

from statistics import median

import torch

from perf.call import Call

#: Rounds, after those that compile and allocate, and bytes that push everything else out of the largest cache.
ROUNDS, WARMUP, FLUSHED = 50, 5, 2**28


def timed_on_cuda(benchmark, call: Call) -> dict:
    """Time a call; what the events of the device say of it, in milliseconds, and the most memory it takes."""
    flush = torch.empty(FLUSHED, dtype=torch.int8, device="cuda")
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    found: list[float] = []

    def cold() -> None:
        flush.zero_()
        torch.cuda.synchronize()

    def timed() -> None:
        begin.record()
        call.run()
        end.record()
        torch.cuda.synchronize()
        found.append(begin.elapsed_time(end))

    benchmark.pedantic(timed, setup=cold, rounds=ROUNDS, warmup_rounds=WARMUP)
    return {"event_ms": median(found[-ROUNDS:]), "peak_bytes": peak(call)}


def peak(call: Call) -> int:
    """The most bytes of the device that a call takes at once, beyond those that it is given."""
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    call.run()
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated() - before
