"""How does something run in a process of its own, so that nothing it does or breaks is left behind?"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable

from conformance.options import one_line
from perf.gate.side import NotLoaded


class NotRun(Exception):
    """It came to no result: the message is one line that says why."""


def forked(work: Callable[[], object], limit: float) -> object:
    """What ``work()`` returns, as JSON has it, from a fork of this process.

    Raises NotRun when it raises, dies, or takes longer than ``limit`` seconds.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        answer(work, writing)
    os.close(writing)
    said = None
    try:
        said = drained(reading, limit)
    finally:
        os.close(reading)
        status = ended(child, by_itself=said is not None)
    if not said:
        raise NotRun(f"its process died: {died(status)}")
    kind, found = json.loads(said)
    if kind == "error":
        raise NotRun(found)
    return found


def answer(work: Callable[[], object], writing: int) -> None:
    """The life of the child: do it, say what came, and go without clearing up."""
    try:
        said = json.dumps(["found", work()])
    except BaseException as error:
        plain = isinstance(error, NotLoaded)
        said = json.dumps(["error", str(error).partition("\n")[0] if plain else one_line(error)])
    with os.fdopen(writing, "w") as pipe:
        pipe.write(said)
    sys.stdout.flush()
    os._exit(0)


def drained(reading: int, limit: float) -> bytes:
    """All that comes before the other end is closed.  Raises NotRun when that takes too long."""
    parts, until = [], time.monotonic() + limit
    while select.select([reading], [], [], max(0.0, until - time.monotonic()))[0]:
        part = os.read(reading, 2**16)
        if not part:
            return b"".join(parts)
        parts.append(part)
    raise NotRun(f"did not finish within {limit:.0f} s")


def ended(child: int, by_itself: bool) -> int:
    """The wait status of a child; one that did not end by itself is ended."""
    if not by_itself:
        os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def died(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return signal.Signals(-code).name if code < 0 else f"exit status {code}"
