"""What do independent shards of work amount to?  The same results in the same order, wherever each of them ran."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from conformance.campaign.errors import Interrupted, ShardError, Unreachable
from conformance.campaign.journal import Journal, digest_of, say, text_of

__all__ = ["Interrupted", "ShardError", "Unreachable", "gather"]

Work = Callable[[dict], dict]
#: Shard, digest of the task that was worked on, and the result as JSON text; or in its place what went wrong.
Answer = tuple[int, str, str | None, str | None]


def gather(
    work: Work,
    tasks: list[dict],
    *,
    kept: Path,
    identity: dict,
    workers: int | None = None,
    scheduler: str | None = None,
    told: Callable[[int, int], None] | None = None,
) -> list[dict]:
    """The results of ``work(task)`` for every task, in the order of the tasks.

    ``work``: a function at the top level of a module that workers can import; tasks and results hold what JSON
    does, and come back as JSON makes them.  ``kept``: the side file in which every result is kept as it comes; a
    later call with the same ``identity`` and tasks goes on from there.  The caller removes it in the end.
    ``workers``: processes of a local Dask cluster, by default one for each core; 0: all in this process.
    ``scheduler``: the address of a running Dask scheduler ("tcp://HOST:PORT") in place of them.
    ``told(done, all)`` hears of the progress.

    Raises ShardError, one line, where ``work`` raises, a shard ends its worker time and again, a result is missing
    or that of another shard, or the scheduler is lost; Unreachable where there is none; Interrupted on Ctrl-C.
    Whatever ends it, the results so far are in the side file.
    """
    with closing(Journal(kept, identity, tasks)) as journal:
        if journal.begun_anew:
            say([f"{kept}: it was of another run, and is begun anew"])
        try:
            _complete(journal, work, tasks, _runner(workers, scheduler), told or _silent)
        except KeyboardInterrupt:
            done = f"{len(journal.results)} of {len(tasks)} shards are done"
            raise Interrupted(f"interrupted: {done}, and kept in {kept}; the same command goes on") from None
        return journal.every()


def _complete(journal: Journal, work: Work, tasks: list[dict], run: Callable, told: Callable) -> None:
    """Run what is missing, and keep each result as it comes."""
    missing = journal.missing()
    told(len(journal.results), len(tasks))
    if not missing:
        return
    with closing(run(work, [(shard, tasks[shard]) for shard in missing])) as answers:
        for shard, digest, text, wrong in answers:
            if wrong is not None:
                raise ShardError(f"shard {shard} of {len(tasks)} ({_short(tasks[shard])}): {wrong}")
            journal.add(shard, digest, json.loads(text))
            told(len(journal.results), len(tasks))


def _runner(workers: int | None, scheduler: str | None) -> Callable[..., Iterator[Answer]]:
    """How shards are run: an iterator of their answers as they come."""
    if workers == 0 and scheduler is None:
        return here
    from functools import partial

    from conformance.campaign.cluster import elsewhere  # Dask, which nothing else needs

    return partial(elsewhere, workers=workers or len(os.sched_getaffinity(0)), scheduler=scheduler)


def here(work: Work, shards: list[tuple[int, dict]]) -> Iterator[Answer]:
    """Run shards in this process, one after the other."""
    for shard, task in shards:
        yield answer(work, shard, task)


def answer(work: Work, shard: int, task: dict) -> Answer:
    """Work on one shard, wherever this runs."""
    try:
        return shard, digest_of(task), text_of(work(task)), None
    except Exception as error:
        return shard, digest_of(task), None, one_line(error)


def one_line(error: BaseException) -> str:
    """An exception as one line: its class and the first line of its message."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__


def _short(task: dict, most: int = 120) -> str:
    text = text_of(task)
    return text if len(text) <= most else f"{text[:most]}..."


def _silent(done: int, every: int) -> None:
    """Nobody wants to hear of the progress."""
