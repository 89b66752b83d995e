"""Ctrl-C ends a run even where it arrives inside a callback that may not raise."""

from __future__ import annotations

import signal
import threading

_INTERRUPTED = threading.Event()


def listen() -> None:
    """Remember interruptions, which Python drops when they come while it collects garbage."""
    heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if heard and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, _remember)


def _remember(number, frame):
    _INTERRUPTED.set()
    signal.default_int_handler(number, frame)


def obey() -> None:
    """Raise KeyboardInterrupt if one was dropped."""
    if _INTERRUPTED.is_set():
        raise KeyboardInterrupt
