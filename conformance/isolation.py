"""What protects a run from its subjects: worker processes, limits on memory and time, an end after three crashes."""

from __future__ import annotations

import faulthandler
import hashlib
import os
import resource
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

CRASHES = 3
#: Address space of a worker on CPU, in bytes: far above what the suite needs, below what takes a machine down.
ADDRESS_SPACE = 16 * 2**30

#: How many seconds after its time limit a worker is ended that hears no signal, since it hangs outside of Python.
GRACE = 5


class Isolation:
    """A journal of crashes and of hangs, kept in a folder that the controller writes and its workers read."""

    def __init__(self, journal: Path):
        self.journal = journal

    @classmethod
    def begin(cls) -> Isolation:
        return cls(Path(tempfile.mkdtemp(prefix="plumbline-")))

    def end(self) -> None:
        shutil.rmtree(self.journal, ignore_errors=True)

    def _page(self, subject: str) -> Path:
        return self.journal / hashlib.sha256(subject.encode()).hexdigest()[:16]

    def record_crash(self, subject: str) -> None:
        with self._page(subject).open("a") as page:
            page.write("crash\n")

    def leave(self, nodeid: str, why: str) -> NoReturn:
        """End this worker in the middle of a test: its context is lost, and a new worker has another one."""
        self._page(nodeid).write_text(why)
        os._exit(1)

    def last_words(self, nodeid: str) -> str | None:
        """Why the worker that ran a test left, if it said so."""
        page = self._page(nodeid)
        return page.read_text() if page.exists() else None

    def refuse_after_crashes(self, subject: str) -> None:
        """Fail the current test when the subject has crashed its worker, or hung, three times."""
        page = self._page(subject)
        if page.exists() and len(page.read_text().splitlines()) >= CRASHES:
            pytest.fail("not run: crashed three times", pytrace=False)

    @staticmethod
    def limit_memory(devices: tuple[str, ...]) -> None:
        """Turn a memory blow-up into an error inside the worker, where the system lets us.

        Not where a GPU takes part: its driver reserves more addresses than any machine has memory.
        """
        if devices != ("cpu",):
            return
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        soft = max(min(ADDRESS_SPACE, physical), 8 * 2**30)
        resource.setrlimit(resource.RLIMIT_AS, (soft if hard < 0 else min(soft, hard), hard))

    @staticmethod
    @contextmanager
    def limit_time(seconds: float) -> Iterator[None]:
        """End the process when what is inside outlives the time limit and its signal; that is a crash."""
        with open(os.devnull, "w") as nowhere:
            faulthandler.dump_traceback_later(seconds + GRACE, exit=True, file=nowhere)
            try:
                yield
            finally:
                faulthandler.cancel_dump_traceback_later()
