"""What does the process do that measures?  It reads a request and writes lines of JSON: one for each measurement.

``python -m perf.gate.worker REQUEST.json``: ``{task, cells: [{cell, base, head}], folder, ...}``.  It imports torch and
never calls it: every measurement is made in a fork.
"""

from __future__ import annotations

import gc
import json
import os
import pickle
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import torch

import perf.by_torch  # noqa: F401 - so that forks have it
from perf.call import wanted
from perf.cell import Cell
from perf.counters import count
from perf.gate import callgrind
from perf.gate.calls import Task, call_of
from perf.gate.forked import NotRun, forked
from perf.gate.pairs import one_fork
from perf.gate.side import Side
from perf.judged import WrongAnswer, judge
from perf.machine import environment, fingerprint, single_threaded

with suppress(ImportError):
    import torch.fx.experimental.symbolic_shapes  # noqa: F401 - torch imports it in its first backward pass

#: How long one measurement may take at most, in seconds.
LIMIT = 120
#: Calls before callgrind is told to count.
WARM_UP = 3


def main() -> None:
    """Answer one request on what was standard output; what subjects print goes to standard error."""
    request = json.loads(Path(sys.argv[1]).read_text())
    sys.path.insert(0, os.getcwd())
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    gc.collect()
    gc.freeze()  # forks do not go through what is there already
    try:
        for said in TASKS[request["task"]](request):
            print(json.dumps(said), file=out, flush=True)
    except KeyboardInterrupt:
        os._exit(130)


def counters(request: dict) -> Iterator[dict]:
    """The machine; then the verdict on the answers, and the counters, of every cell and side."""
    yield {"fingerprint": fingerprint(), "environment": environment()}
    with suppress(ImportError):
        import torch._dynamo  # noqa: F401 - torch imports it at the first operator under a dispatch mode
    for entry in request["cells"]:
        for name in request["sides"]:
            task = task_of(entry, request["folder"])
            yield measured(entry, name, lambda t=task, e=entry, n=name: judged_and_counted(t, side(e, n), request))


def judged_and_counted(task: Task, one: Side, request: dict) -> dict:
    """In a fork: whether the answer is right, and the counters."""
    single_threaded()
    call = call_of(one, task, {})
    if task.work is None:
        call.run()
        return {"wrong": None, "counters": None}
    wrong = None
    try:
        judge(task.cell, task.work, call.numbers(call.run()))
    except WrongAnswer as error:
        wrong = str(error).partition("\n")[0]
    return {"wrong": wrong, "counters": asdict(count(call)) if "0" in request["tiers"] else None}


def instructions(request: dict) -> Iterator[dict]:
    """Under valgrind: the process whose output file says what a cell's side executes."""
    for entry in request["cells"]:
        task = task_of(entry, request["folder"])
        for name in request["sides"]:
            yield measured(entry, name, lambda t=task, e=entry, n=name: executed(t, side(e, n)))


def executed(task: Task, one: Side) -> dict:
    """In a fork: one call that is counted, after some that are not."""
    single_threaded()
    call = call_of(one, task, {})
    gc.collect()
    gc.disable()
    for _ in range(WARM_UP):
        call.run()
    callgrind.counted(call.run)
    return {"process": os.getpid()}


def pairs(request: dict) -> Iterator[dict]:
    """The log ratio of head over base in every fork; a fork of every cell, then the next of every cell."""
    tasks = [(entry, task_of(entry, request["folder"])) for entry in request["cells"]]
    for number in range(request["forks"]):
        for place, (entry, task) in enumerate(tasks):
            seed = hash((request["seed"], place, number))
            sides = side(entry, "head"), side(entry, "base")
            yield measured(entry, "pair", lambda t=task, s=sides, r=seed: one_fork(t, *s, request["seconds"], r))


def measured(entry: dict, name: str, work) -> dict:
    """A line: what was found in a fork, or why nothing was."""
    known = {"key": entry["key"], "side": name}
    try:
        return known | forked(work, LIMIT)
    except NotRun as error:
        return known | {"error": str(error)}


def side(entry: dict, name: str) -> Side:
    own = entry[name]
    return Side(**own | {"options": tuple(map(tuple, own["options"]))})


def task_of(entry: dict, folder: str) -> Task:
    """The cell with its numbers, drawn once for all processes of a run."""
    kept = Path(folder, entry["key"].replace("/", "_") + ".pickle")
    if kept.is_file():
        return pickle.loads(kept.read_bytes())
    cell = Cell(**entry["cell"]) if entry["cell"] else None
    work = cell.workload() if cell else None
    task = Task(cell, work, wanted(cell, work) if cell else ())
    kept.write_bytes(pickle.dumps(task))
    return task


TASKS = {"counters": counters, "instructions": instructions, "pairs": pairs}

if __name__ == "__main__":
    main()
