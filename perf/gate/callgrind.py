"""How does a process under valgrind tell it what to count, and what did it count?

Client requests are the sequence of instructions that ``valgrind.h`` gives for x86-64; the numbers of callgrind's
requests are those of ``callgrind.h``.  Outside of valgrind the sequence does nothing.
"""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

#: mov rax, rdi; xor edx, edx; rol rdi, 3, 13, 61, 51 (whole turns: rdi is as before); xchg rbx, rbx; mov rax, rdx; ret
SEQUENCE = bytes.fromhex("4889f831d248c1c70348c1c70d48c1c73d48c1c7334887db4889d0c3")
#: The requests of the tool "CT", numbered from its base.
BASE, ZERO, START, STOP = 0x43540000, 1, 4, 5
#: Caches of a plain processor: size in bytes, ways, bytes a line.  The same on every machine.
CACHES = ("--I1=32768,8,64", "--D1=32768,8,64", "--LL=8388608,16,64")
OPTIONS = ("-q", "--tool=callgrind", "--instr-atstart=no", "--cache-sim=yes", *CACHES)
EVENTS = ("Ir", "Dr", "Dw", "I1mr", "D1mr", "D1mw", "ILmr", "DLmr", "DLmw")


@dataclass(frozen=True)
class Instructions:
    """What one call executes, and how often it misses the simulated caches."""

    instructions: int
    l1_misses: int
    ll_misses: int

    @property
    def cycles(self) -> int:
        """An estimate: an instruction takes one cycle, a first-level miss 10 more, a last-level miss 100 more.

        Source: J. Weidendorfer's KCachegrind, "Cycle Estimation".
        """
        return self.instructions + 10 * self.l1_misses + 100 * self.ll_misses


def requests() -> Callable[[int], None]:
    """A function that makes one request of callgrind."""
    memory = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    memory.write(SEQUENCE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    execute = ctypes.CFUNCTYPE(ctypes.c_ulong, ctypes.c_void_p)(address)
    known = {r: (ctypes.c_ulong * 6)(BASE + r) for r in (ZERO, START, STOP)}

    def request(number: int, kept=memory) -> None:
        execute(known[number])

    return request


def counted(run: Callable[[], object]) -> None:
    """Let callgrind count one call: the second of two, when the simulated caches hold what the first left there."""
    request = requests()
    request(START)
    run()
    request(ZERO)
    run()
    request(STOP)


def read(file: Path) -> Instructions:
    """What the output file of a process says in all.  Raises ValueError where it says nothing."""
    lines = dict(line.split(": ", 1) for line in file.read_text().splitlines() if line.startswith(("events", "totals")))
    if tuple(lines.get("events", "").split()) != EVENTS or not lines.get("totals", "0").strip("0 "):
        raise ValueError("valgrind counted nothing")
    found = dict(zip(EVENTS, map(int, lines["totals"].split()), strict=True))
    first = sum(found[e] for e in EVENTS if e.endswith(("1mr", "1mw")))
    return Instructions(found["Ir"], first, sum(found[e] for e in EVENTS if e.endswith(("Lmr", "Lmw"))))
