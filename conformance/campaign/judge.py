"""What do the rows of a shard say?  A process of its own answers, which a subject may crash or hold up.

Reads a line for every shard and writes one before and one after each row: see :mod:`conformance.campaign.overseer`.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict

from conformance import cuda
from conformance.campaign import split
from conformance.campaign.overseer import REFUSED, time_limit
from conformance.corpus import KNOWN, Corpus
from conformance.declarations import declarations, judge
from conformance.isolation import Isolation
from conformance.options import one_line
from conformance.outcome import finish
from conformance.refusal import Poisoned
from conformance.results import BLANK
from conformance.row import Item, Row
from conformance.staleness import replay, selected
from conformance.student import told, train
from conformance.subject import single_threaded

#: A row of a shard: what identifies it, and the function that judges it.
Question = tuple[dict, Callable[[], list[dict]]]


def questions(task: dict, selection) -> list[Question]:
    """Every row of a shard, in order."""
    if task["kind"] == "replays":
        found = [({"subject": f"torch.nn.{d.loss}", "loss": d.loss, "check": d.check}, _asked(replay, d))
                 for d in selected(selection)]  # fmt: skip
        return found + [
            ({"subject": d.subject.name, "loss": task["loss"], "check": "value"}, _asked(judge, d))
            for d in declarations(selection)
        ]
    known = KNOWN if task["corpus"] else Corpus()
    return [(item.key, _asked(rows_of, item, known)) for item in split.items_of(task, selection)]


def _asked(function: Callable, *given) -> Callable[[], list[dict]]:
    return lambda: function(*given)


def rows_of(item: Item, known: Corpus) -> list[dict]:
    """The rows of one item, as a conformance run has them."""
    row = Row(item, known)
    if item.check == "training":
        curves = train(row)
        return told(finish(row), curves)
    for case in row.cases():
        row.feed(case)
    return finish(row)


def judged(key: dict, ask: Callable[[], list[dict]]) -> list[dict]:
    """What a row says, the script that shows a failure in it; an error in the check itself is a failure."""
    try:
        rows = ask()
    except Poisoned:
        raise
    except Exception as error:
        rows = [key | {"verdict": "fail", "message": one_line(error)}]
    return [row | {"exhibit": asdict(row["exhibit"]) if row.get("exhibit") else None} for row in rows]


def told_of(order: dict) -> Iterator[dict]:
    """What is said about a shard: its subjects, then every row from the one that is ordered, then the end."""
    task = order["task"]
    selection = split.selection_of(task)
    yield {"subjects": [s.name for s in selection.subjects if s.source]}
    prepare(tuple(selection.devices))
    every = questions(task, selection)
    for number, (key, ask) in enumerate(every[order["first"] :], order["first"]):
        full = dict.fromkeys(("question", "dtype", "reduction", "device", "mode")) | key
        yield {"begun": number, "key": full}
        refused = key["subject"] in order["refused"]
        rows = [full | {"verdict": "fail", "message": REFUSED}] if refused else judged(full, ask)
        yield {"rows": [BLANK | row for row in rows]}
    yield {"end": len(every)}


def prepare(devices: tuple[str, ...]) -> None:
    """The settings of this process: one thread, bounded memory."""
    single_threaded()
    Isolation.limit_memory(devices)
    if "cuda" in devices:
        cuda.prepare(int(os.environ.get("PLUMBLINE_WORKERS", "1")))


def serve(orders: queue.SimpleQueue, tell: Callable[[dict], None]) -> None:
    """Answer orders as they come, each row within its time limit."""
    while True:
        order = orders.get()
        try:
            answers = told_of(order)
            while True:
                with Isolation.limit_time(time_limit(order["task"])):
                    said = next(answers, None)
                if said is None:
                    break
                tell(said)
        except Poisoned as lost:
            tell({"lost": str(lost)})
            os._exit(1)
        except BaseException as error:  # a usage error too: whoever ordered says so
            tell({"error": one_line(error)})


def heard(orders: queue.SimpleQueue) -> None:
    """Hand on the orders; with the last of them this process ends, in the midst of whatever it does."""
    for line in sys.stdin:
        orders.put(json.loads(line))
    os._exit(0)


def main() -> None:
    """Keep the standard output for answers, whatever a subject prints."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever ordered is told, and ends this process
    wire, nowhere = os.fdopen(os.dup(1), "w", buffering=1), os.open(os.devnull, os.O_WRONLY)

    def tell(said: dict) -> None:
        wire.write(json.dumps(said, allow_nan=False) + "\n")

    tell({"ready": os.getpid()})
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    warnings.simplefilter("ignore")
    orders: queue.SimpleQueue = queue.SimpleQueue()
    threading.Thread(target=heard, args=(orders,), daemon=True).start()
    serve(orders, tell)


if __name__ == "__main__":
    main()
