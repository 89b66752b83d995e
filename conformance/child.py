"""How a call that may end the interpreter is made: in a copy of this process, or a new one, which answers or dies."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import pickle
import resource
import select
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable

#: A child that says nothing for so long, in seconds, hangs.
PATIENCE = 20.0
#: The same of a new interpreter, which imports everything first.
LONG_PATIENCE = 45.0


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
    return _answered(answer, status, patience)


def in_new_process(ask: Callable[[], object], patience: float = LONG_PATIENCE) -> object:
    """What ``ask()`` returns in a new interpreter, which shares nothing with this one, no CUDA context either.

    Question and answer are pickled; raises what pickle does, and Crashed when the new process dies or hangs.
    """
    question, environment = pickle.dumps(ask), os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    reader, writer = os.pipe()
    child = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "conformance.child", str(writer)], pass_fds=(writer,), env=environment,
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(writer)
    with contextlib.suppress(BrokenPipeError):
        child.stdin.write(question)
        child.stdin.close()
    answer = _read(reader, time.monotonic() + patience)
    os.close(reader)
    if answer is None:
        child.kill()
    status = child.wait()
    return _answered(answer, status, patience)


def _answered(answer: bytes | None, status: int, patience: float) -> object:
    """The answer of a process that ended with a status, None where it ended for want of one.  Raises Crashed."""
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


if __name__ == "__main__":
    _answer(pickle.load(sys.stdin.buffer), int(sys.argv[1]))
