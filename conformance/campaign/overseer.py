"""How is a shard of rows judged although a subject may crash or hang?  By a process that is begun again."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import tempfile
import time

from conformance.isolation import CRASHES, GRACE
from conformance.plugin import COMPILING, PATIENCE, TIMEOUTS
from conformance.results import BLANK

REFUSED = "not run: crashed three times"
CRASHED = "crashed its worker process"
HUNG = "did not finish within the time limit of one check"
#: So long, in seconds, a new process may take to import everything.
START = 300.0


class Ended(Exception):
    """The judging process is gone: the message says how, as a row's does."""


def time_limit(task: dict) -> float:
    """Seconds that one row of a shard may take, as in a conformance run."""
    asked = task["asked"]
    return TIMEOUTS[asked["budget"]] * (PATIENCE if COMPILING & set(asked["mode"]) else 1)


class Judge:
    """The judging process: told about shards in lines of JSON, it answers in lines."""

    def __init__(self):
        self.place = place()
        self.words = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
        self.process = subprocess.Popen(
            [sys.executable, "-m", "conformance.campaign.judge"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.words, env=os.environ | {"PYTHONPATH": os.pathsep.join(self.place[1:])},
        )  # fmt: skip
        self.rest = b""
        try:
            self.hear(START)
        except Ended as ended:
            raise RuntimeError(f"no judging process: {ended}: {self.last_words()}") from None

    def last_words(self) -> str:
        self.words.seek(0)
        return (self.words.read().decode(errors="replace").strip().splitlines() or ["no word"])[-1]

    def order(self, order: dict) -> None:
        with contextlib.suppress(BrokenPipeError):  # which is heard next
            self.process.stdin.write(json.dumps(order).encode() + b"\n")
            self.process.stdin.flush()

    def hear(self, seconds: float) -> dict:
        """The next line.  Raises Ended where the process dies before it, or takes longer."""
        deadline = time.monotonic() + seconds
        while b"\n" not in self.rest:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0.0, deadline - time.monotonic()))
            part = os.read(self.process.stdout.fileno(), 1 << 16) if ready else b""
            if not part:
                self.end()
                raise Ended(CRASHED if ready else HUNG)
            self.rest += part
        line, _, self.rest = self.rest.partition(b"\n")
        return json.loads(line)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdout, self.words):
            stream.close()
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()


class Hearing:
    """One shard before the judge: its rows so far, and what has gone wrong, by subject."""

    def __init__(self, task: dict):
        self.task = task
        self.rows: list[dict] = []
        self.accidents: dict[str, int] = {}
        self.subjects: list[str] = []
        self.key: dict | None = None
        self.first = 0

    def hear(self, judge: Judge) -> bool:
        """Take what one process says; True at the end of the shard.  Raises Ended where it ends before."""
        refused = [s for s, times in self.accidents.items() if times >= CRASHES]
        judge.order({"task": self.task, "first": self.first, "refused": refused})
        while True:
            said = judge.hear(time_limit(self.task) + 2 * GRACE)
            if "error" in said:
                raise RuntimeError(said["error"])
            if "lost" in said:
                judge.end()
                raise Ended(f"{CRASHED}: {said['lost']}")
            self.subjects = said.get("subjects", self.subjects)
            self.rows += said.get("rows", ())
            if "begun" in said:
                self.key, self.first = said["key"], said["begun"] + 1
            if "end" in said:
                return True

    def accident(self, message: str) -> bool:
        """A row for the one in which the process ended; True where it ended before any row, which none can follow."""
        if self.key is None:
            task = self.task
            blank = dict.fromkeys(("question", "reduction", "device", "mode"))
            own = blank | {"loss": task["loss"], "check": task.get("check"), "dtype": task.get("dtype")}
            said = {"verdict": "fail", "message": f"{message} while it was imported"}
            self.rows += [BLANK | own | {"subject": name} | said for name in self.subjects]
            return True
        self.rows.append(BLANK | self.key | {"verdict": "fail", "message": message})
        self.accidents[self.key["subject"]] = self.accidents.get(self.key["subject"], 0) + 1
        return False


_JUDGES: list[Judge] = []


def place() -> tuple[str, ...]:
    """Where subjects are found: the folder of this process, and its path."""
    return (os.getcwd(), *filter(None, sys.path))


def at_hand() -> Judge | None:
    """The process that judged the last shard, if it finds subjects where this process does now."""
    judge = _JUDGES.pop() if _JUDGES else None
    if judge is not None and judge.place != place():
        judge.end()
        return None
    return judge


def work(task: dict) -> dict:
    """The rows of one shard, whatever its subjects do."""
    hearing = Hearing(task)
    while True:
        judge = at_hand() or Judge()
        try:
            hearing.hear(judge)
        except Ended as ended:
            if hearing.accident(str(ended)):
                return {"rows": hearing.rows}
        except BaseException:  # an interruption too
            judge.end()
            raise
        else:
            _JUDGES.append(judge)
            return {"rows": hearing.rows}
