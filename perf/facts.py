"""What does an implementation tell of one call besides its answer?  Each in its own way, all by the same names."""

from __future__ import annotations

import tracemalloc

from perf.call import Call

#: What a result says of a call, where the implementation tells.
NAMES = (
    "bytes", "operators", "allocations", "allocated_bytes", "peak_bytes", "saved_tensors", "saved_bytes", "kernels",
    "graph_breaks", "flops",
)  # fmt: skip


def none_told(call: Call) -> tuple[object, dict]:
    """The answer, and every fact unknown."""
    return call.run(), dict.fromkeys(NAMES)


def of_eager(call: Call) -> tuple[object, dict]:
    """Exact counters of torch's dispatcher and allocator."""
    from perf.counters import count

    answer, counted = call.run(), count(call)
    own = counted.numbers() | {"operators": dict(counted.operators)}
    return answer, dict.fromkeys(NAMES) | own


def of_compiled(call: Call) -> tuple[object, dict]:
    """Kernels that inductor generates, breaks of the graph, and torch's allocator."""
    from torch._dynamo.utils import counters
    from torch._inductor import metrics

    from perf.counters import memory

    kernels, breaks = metrics.generated_kernel_count, sum(counters["graph_break"].values())
    answer = call.run()
    told = {
        "kernels": metrics.generated_kernel_count - kernels,
        "graph_breaks": sum(counters["graph_break"].values()) - breaks,
    }
    return answer, dict.fromkeys(NAMES) | told | memory(call)


def of_numpy(call: Call) -> tuple[object, dict]:
    """The most memory that arrays of NumPy take at once."""
    tracemalloc.start()
    try:
        answer = call.run()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    return answer, dict.fromkeys(NAMES) | {"peak_bytes": peak}
