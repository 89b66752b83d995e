"""How does a side take its turns whose modules cannot share a process with those of the other?"""

from __future__ import annotations

import json
import os
import signal
from time import thread_time_ns

from perf.gate.calls import Task, call_of
from perf.gate.side import Side


class Apart:
    """A call in a process of its own, forked from this one, that tells how much of its processor time it took.

    It ends with this process.
    """

    def __init__(self, side: Side, task: Task):
        asking, asked = os.pipe()
        told, telling = os.pipe()
        if os.fork() == 0:
            os.close(asked)
            serve(side, task, os.fdopen(asking), os.fdopen(telling, "w"))
        self.asked, self.told = os.fdopen(asked, "w"), os.fdopen(told)
        os.close(asking)
        os.close(telling)

    def nanoseconds(self, times: int) -> int:
        """The time that some calls take.  Raises RuntimeError where there is no answer."""
        print(times, file=self.asked, flush=True)
        found = json.loads(self.told.readline() or '"its process died"')
        if isinstance(found, str):
            raise RuntimeError(found)
        return found


def serve(side: Side, task: Task, asking, telling) -> None:
    """The life of the other process: as many calls as it is asked for, again and again."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        call = call_of(side, task, {})
        for line in asking:
            began = thread_time_ns()
            for _ in range(int(line)):
                call.run()
            print(thread_time_ns() - began, file=telling, flush=True)
    except BaseException as error:
        print(json.dumps(str(error).partition("\n")[0]), file=telling, flush=True)
    os._exit(0)
