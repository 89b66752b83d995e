"""How far is a run over shards, how fast, and how long will it take?  One line on stderr, as often as one can read."""

from __future__ import annotations

import sys
import time

#: Seconds between two lines: on a terminal, which shows the last one only, and elsewhere.
OFTEN, SELDOM = 0.2, 10.0


class Progress:
    """``told(done, all)`` of :func:`conformance.campaign.shards.gather`; ends its line when it is left."""

    def __init__(self, stream=None, clock=time.monotonic):
        self.stream, self.clock = stream or sys.stderr, clock
        self.live = self.stream.isatty()
        self.began: tuple[float, int] | None = None
        self.last = float("-inf")

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_) -> None:
        if self.live and self.began:
            print(file=self.stream, flush=True)

    def __call__(self, done: int, every: int) -> None:
        now = self.clock()
        self.began = self.began or (now, done)
        if done < every and now - self.last < (OFTEN if self.live else SELDOM):
            return
        self.last = now
        line = line_of(done, every, done - self.began[1], now - self.began[0])
        print(f"\r{line}\033[K" if self.live else line, end="" if self.live else "\n", file=self.stream, flush=True)


def line_of(done: int, every: int, here: int, seconds: float) -> str:
    """``12 of 600 shards, 3.4/s, 2 min 53 s left``; ``here``: those that this run did in so many seconds."""
    line = f"{done} of {every} shards"
    if not here or seconds <= 0:
        return line
    rate = here / seconds
    return f"{line}, {rate:.3g}/s" + (f", {duration((every - done) / rate)} left" if done < every else "")


def duration(seconds: float) -> str:
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"
