"""How are the processes started that measure, and what do they say?"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from perf.cell import Cell
from perf.gate import callgrind
from perf.gate.side import Side

ROOT = Path(__file__).parent.parent.parent
#: One thread; memory that was freed is kept, so that no call pays for fresh pages; the same order of sets every time.
SETTINGS = {
    "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "MALLOC_MMAP_THRESHOLD_": "4294967296",
    "MALLOC_TRIM_THRESHOLD_": "8589934592", "PYTHONHASHSEED": "0", "JAX_PLATFORMS": "cpu",
}  # fmt: skip
#: Valgrind knows no AVX-512.
NO_AVX512 = {"ATEN_CPU_CAPABILITY": "avx2", "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW"}


class Broken(Exception):
    """A process that measures ended before it was done: the message is one line."""


@dataclass(frozen=True)
class Pair:
    """A cell, and the two that are compared on it.  ``cell`` is None where it is no call of a loss."""

    key: str
    cell: Cell | None
    base: Side
    head: Side

    def entry(self) -> dict:
        return asdict(self)


@dataclass(frozen=True)
class Measuring:
    """Where the processes of a run keep what they share, and by which interpreters they run."""

    folder: Path
    seed: int = 0
    pythons: dict[str, str] = field(default_factory=dict)

    def request(self, task: str, pairs: list[Pair], **more) -> Path:
        """The request as a file."""
        known = {"task": task, "cells": [p.entry() for p in pairs], "folder": str(self.folder), "seed": self.seed}
        file = self.folder / f"{task}-{len(list(self.folder.glob('*.json')))}.json"
        file.write_text(json.dumps(known | more))
        return file

    def machine(self) -> dict:
        """Fingerprint and environment."""
        return next(lines([sys.executable], self.request("counters", [], sides=[], tiers=[]), {}))

    def counters(self, pairs: list[Pair], tiers: tuple[str, ...]) -> Iterator[dict]:
        """Lines with the verdict and the counters of a side, after one of the machine.  Raises Broken."""
        for python, sides in self.by_interpreter().items():
            yield from lines([python], self.request("counters", pairs, sides=sides, tiers=tiers), {})

    def instructions(self, pairs: list[Pair]) -> Iterator[dict]:
        """Lines with ``instructions`` in them.  Raises Broken."""
        out = f"--callgrind-out-file={self.folder}/callgrind.%p"
        for python, sides in self.by_interpreter().items():
            command = ["setarch", "-R", "valgrind", *callgrind.OPTIONS, out, python]
            for said in lines(command, self.request("instructions", pairs, sides=sides), NO_AVX512):
                yield said if "error" in said else said | self.executed(said["process"])

    def executed(self, process: int) -> dict:
        try:
            found = callgrind.read(self.folder / f"callgrind.{process}")
        except (OSError, ValueError) as error:
            return {"error": f"no output of valgrind: {error}"}
        return {"instructions": asdict(found) | {"cycles": found.cycles}}

    def pairs(self, pairs: list[Pair], forks: int, seconds: float) -> Iterator[dict]:
        yield from lines([sys.executable], self.request("pairs", pairs, forks=forks, seconds=seconds), {})

    def by_interpreter(self) -> dict[str, list[str]]:
        """The sides that each interpreter measures."""
        found: dict[str, list[str]] = {}
        for name in ("base", "head"):
            found.setdefault(self.pythons.get(name, sys.executable), []).append(name)
        return found


def settings_of(more: dict) -> dict[str, str]:
    """The environment of a worker."""
    before = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return dict(os.environ) | SETTINGS | more | {"PYTHONPATH": os.pathsep.join(before)}


def unable(python: str) -> str | None:
    """Why an interpreter cannot be a worker, in one line; None where it can."""
    command = [python, "-P", "-c", "import perf.gate.worker"]
    tried = subprocess.run(command, capture_output=True, text=True, env=settings_of({}), check=False)
    return (tried.stderr.strip().splitlines() or ["it ended"])[-1] if tried.returncode else None


def lines(python: list[str], request: Path, settings: dict) -> Iterator[dict]:
    """What a worker says, as it comes.  Raises Broken when it ends otherwise than by itself."""
    command = [*python, "-P", "-m", "perf.gate.worker", str(request)]
    log = request.with_suffix(".log")
    with log.open("w") as errors:
        worker = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, env=settings_of(settings), text=True)
    try:
        for line in worker.stdout:
            yield json.loads(line)
    finally:
        if sys.exc_info()[0] is not None:
            worker.terminate()
        worker.stdout.close()
        worker.wait()
    if worker.returncode:
        last = [s for s in log.read_text(errors="replace").splitlines() if s.strip()] or ["it said nothing"]
        raise Broken(f"{' '.join(python[:1])} ended with status {worker.returncode}: {last[-1].strip()}")


def no_valgrind() -> str | None:
    """Why instructions cannot be counted here; None where they can."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return f"valgrind's requests are known for x86-64 Linux, this is {platform.machine()} {sys.platform}"
    absent = [tool for tool in ("valgrind", "setarch") if shutil.which(tool) is None]
    if absent:
        return f"{absent[0]} is not installed"
    tried = subprocess.run(["setarch", "-R", "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        return (
            f"address randomisation cannot be turned off: {(tried.stderr.strip() or 'setarch failed').splitlines()[0]}"
        )
    return None
