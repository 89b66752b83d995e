"""How a call that may end the interpreter is made: in a copy of this process, which answers or dies."""

from __future__ import annotations

import faulthandler
import os
import pickle
import resource
import select
import signal
import time
import warnings
from collections.abc import Callable

#: A child that says nothing for so long, in seconds, hangs.
PATIENCE = 20.0


class Crashed(Exception):
    """The child ended without an answer: the message says how."""


def in_child(ask: Callable[[], object], patience: float = PATIENCE) -> object:
    """What ``ask()`` returns in a forked child.  Raises Crashed when the child dies or hangs.

    The child shares nothing afterwards: whatever it does to memory is gone with it.  The answer is pickled.
    """
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads, which do not survive: none is needed
        child = os.fork()
    if child == 0:
        _answer(ask, writer)
    os.close(writer)
    answer = _read(reader, time.monotonic() + patience)
    os.close(reader)
    if answer is None:
        os.kill(child, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if answer is None:
        raise Crashed(f"hangs for more than {patience:g} s")
    if status != 0:
        raise Crashed(f"dies of {signal.Signals(-status).name}" if status < 0 else f"exits with status {status}")
    return pickle.loads(answer)


def _answer(ask: Callable[[], object], writer: int) -> None:
    """What the child does: it never returns, and leaves no core file and no traceback of a crash."""
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        faulthandler.disable()
        answer = pickle.dumps(ask())
        while answer:
            answer = answer[os.write(writer, answer) :]
        os._exit(0)
    finally:
        os._exit(1)


def _read(reader: int, deadline: float) -> bytes | None:
    """Everything up to the end; None when the time is up before."""
    parts = []
    while True:
        ready, _, _ = select.select([reader], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return None
        parts.append(os.read(reader, 65536))
        if not parts[-1]:
            return b"".join(parts)
