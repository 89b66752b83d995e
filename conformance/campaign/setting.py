"""What does a worker process need before it works on shards?  The caller's folder and modules, and one thread."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import threading
from dataclasses import dataclass

from distributed import WorkerPlugin

from conformance.campaign.shards import answer
from conformance.version import VERSION

#: Threads that mathematics may take, and where JAX runs.
ENVIRONMENT = {"JAX_PLATFORMS": "cpu"} | dict.fromkeys(
    ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"
)
#: Work is not written for several threads: a worker of another kind than ours does one shard at a time too.
_ONE = threading.Lock()


@dataclass(frozen=True)
class Setting(WorkerPlugin):
    """The folder in which the caller works, and where modules are found there, as far as a worker has them."""

    folder: str
    path: tuple[str, ...]
    name = "plumbline"

    @classmethod
    def here(cls) -> Setting:
        folder = os.getcwd()
        return cls(folder, (folder, *(p for p in sys.path if p and p != folder)))

    def setup(self, worker) -> None:
        os.environ.update(ENVIRONMENT)
        with contextlib.suppress(OSError):
            os.chdir(self.folder)
        new = [p for p in self.path if os.path.exists(p) and p not in sys.path[1:]]
        sys.path[:0] = new


def answer_alone(name: str, shard: int, task: dict) -> tuple:
    """Work on one shard, while no other is worked on in this process; ``name``: MODULE:FUNCTION."""
    module, _, function = name.partition(":")
    with _ONE:
        return answer(getattr(importlib.import_module(module), function), shard, task)


def present() -> str:
    """The version of the suite, for whoever can import it."""
    return VERSION
