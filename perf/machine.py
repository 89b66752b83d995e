"""What does a number depend on besides the code?  The machine, its allocator, its threads, its load at the moment."""

from __future__ import annotations

import hashlib
import os
import resource
import time
from functools import cache

import torch

from conformance.environment import environment as versions

#: Elements of each of the three arrays of a triad: 64 MiB of float32, beyond every cache.
TRIAD = 2**24
#: What sets glibc's allocator to keep large blocks, so that no call pays for fresh pages.
KEEPS = "MALLOC_MMAP_THRESHOLD_"


def single_threaded() -> None:
    """One thread: barriers of several on busy cores cost more than they save, and never twice the same."""
    torch.set_num_threads(1)


def environment(devices: tuple[str, ...] = ("cpu",)) -> dict:
    """Versions, processor, GPU, threads, allocator."""
    return versions(devices) | {"allocator": allocator(), "cores": os.cpu_count(), "memory_gib": memory_gib()}


@cache
def fingerprint() -> str:
    """What must be the same for two numbers to be compared at all: 12 hexadecimal digits of processor, vector
    instructions, cores, memory, allocator, torch and Python."""
    known = environment()
    parts = ("cpu", "cpu_capability", "cores", "memory_gib", "allocator", "torch", "python", "threads")
    return hashlib.sha256(repr([known[p] for p in parts]).encode()).hexdigest()[:12]


def allocator() -> str:
    """How memory is handed out: large blocks kept by glibc, or glibc's own default."""
    return f"glibc, {KEEPS}={os.environ[KEEPS]}" if KEEPS in os.environ else "default"


def memory_gib() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)


def load() -> float:
    """The load of the last minute."""
    return round(os.getloadavg()[0], 2)


def faults() -> int:
    """Pages that this process has been given so far without reading a disk."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


@cache
def _arrays() -> tuple[torch.Tensor, ...]:
    return tuple(torch.ones(TRIAD) for _ in range(3))


def triad(repeats: int = 3) -> float:
    """The bandwidth of ``a = b + 3 c`` at this moment, in GB/s, by one thread: the best of a few.

    It drifts within minutes, so it belongs beside what it is compared with.  Source: J. McCalpin, STREAM.
    """
    a, b, c = _arrays()
    best = min(_seconds(lambda: torch.add(b, c, alpha=3.0, out=a)) for _ in range(repeats))
    return 3 * a.nbytes / best / 1e9


def _seconds(run) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def forget_peak() -> None:
    """Let the most memory that this process ever held be what it holds now (Linux)."""
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def resident_peak() -> int | None:
    """The most bytes that this process has held in memory since; None where the system does not tell."""
    try:
        with open("/proc/self/status") as lines:
            return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return None
