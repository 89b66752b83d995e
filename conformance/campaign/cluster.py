"""How do shards run on the worker processes of a Dask cluster, of this machine or of others?

At most IN_FLIGHT shards for each worker are handed out at any time, whatever the number of shards: so memory stays
bounded, and a worker that joins late gets its part.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import tempfile
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import closing, contextmanager
from multiprocessing import resource_tracker
from queue import Empty, SimpleQueue

import dask
from distributed import Client, Future, KilledWorker, LocalCluster, rpc

from conformance.campaign.errors import ShardError, Unreachable
from conformance.campaign.setting import Setting, answer_alone, present
from conformance.campaign.shards import one_line

#: Shards that a worker may have at once: the one it works on, and the next.
IN_FLIGHT = 2
#: A shard may end so many workers and be run again; with the next one it is given up.
DEATHS = 3
#: So long, in seconds, a scheduler may take to answer at all, and a cluster may be without any worker.
CONNECT, DESERTED = 10, 60
#: How often, in seconds, the workers are counted.
TICK = 0.5
#: Work is of one thread, results are small, and neither may be moved to disk nor held up.  Memory that a shard frees is
#: kept for its next arrays: Dask's own setting gives it back to the system, which takes as long as the work itself.
SETTINGS = {
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": 1 << 30,
    "distributed.nanny.pre-spawn-environ.MALLOC_MMAP_THRESHOLD_": 1 << 25,
    "distributed.scheduler.allowed-failures": DEATHS,
    "distributed.scheduler.worker-ttl": None,
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": 0.95,
    "distributed.worker.profile.enabled": False,
    "distributed.comm.timeouts.connect": f"{CONNECT}s",
}


def elsewhere(
    work: Callable, shards: list[tuple[int, dict]], *, workers: int, scheduler: str | None
) -> Iterator[tuple]:
    """The answers for shards as they come; see :func:`conformance.campaign.shards.gather`."""
    with (
        quiet(),
        dask.config.set(SETTINGS),
        remote(scheduler) if scheduler else local(min(workers, len(shards))) as client,
        closing(Crowd(client, work, dict(shards)).answers()) as answers,
    ):
        yield from answers


@contextmanager
def quiet() -> Iterator[None]:
    """Dask's own log says in many lines what becomes of a worker: here one line says what matters."""
    names = [n for n in logging.root.manager.loggerDict if n.partition(".")[0] in ("distributed", "tornado", "asyncio")]
    loud = [log for log in map(logging.getLogger, names) if not log.disabled]
    for log in loud:
        log.disabled = True
    try:
        yield
    finally:
        for log in loud:
            log.disabled = False


@contextmanager
def local(workers: int) -> Iterator[Client]:
    """Worker processes of this machine, of one thread and an equal part of its memory each."""
    with tempfile.TemporaryDirectory(prefix="plumbline-dask-", ignore_cleanup_errors=True) as folder:
        with uninterrupted():
            cluster = LocalCluster(
                n_workers=workers, threads_per_worker=1, processes=True, silence_logs=logging.CRITICAL,
                scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"}, local_directory=folder,
            )  # fmt: skip
        with cluster, Client(cluster, set_as_default=False) as client:
            client.register_plugin(Setting.here())
            yield client


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C waits, and never reaches the processes and threads begun here: they are ended by this one."""
    resource_tracker.ensure_running()  # which lets Ctrl-C through to the thread that first needs it
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def remote(address: str) -> Iterator[Client]:
    """The workers of a running scheduler.  Raises Unreachable where none answers, or none that takes this work."""
    try:
        kind = asyncio.run(identity(address))
    except Exception as error:  # whatever answers there, in whatever way
        raise Unreachable(f"--scheduler {address}: no Dask scheduler answers there ({type(error).__name__})") from None
    if kind != "Scheduler":
        raise Unreachable(f"--scheduler {address}: a Dask {kind.lower()} answers there, no scheduler")
    with Client(address, timeout=CONNECT, set_as_default=False) as client:
        try:
            client.run_on_scheduler(present)
            client.register_plugin(Setting.here())
        except Exception as error:
            line = f"it, or a worker of it, cannot import the suite: {one_line(error)}"
            raise Unreachable(f"--scheduler {address}: {line}") from None
        yield client


async def identity(address: str) -> str:
    """What answers at an address, as Dask names it: Scheduler, Worker or Nanny."""
    async with asyncio.timeout(CONNECT), rpc(address) as there:
        return (await there.identity())["type"]


class Crowd:
    """The workers of a cluster, and the shards that they are at.

    Dask blames the end of a worker on every shard that it had.  One that is blamed too often is therefore set aside
    until all others are done, and then run with nothing beside it: only what ends a worker then is given up, which is
    told last.
    """

    def __init__(self, client: Client, work: Callable, tasks: dict[int, dict]):
        self.client, self.tasks = client, tasks
        self.name = f"{work.__module__}:{work.__qualname__}"  # which a scheduler need not be able to import
        self.waiting, self.suspects, self.lost = deque(tasks), deque(), []
        self.flying: dict[Future, int] = {}
        self.landed: SimpleQueue[Future] = SimpleQueue()
        self.run, self.submitted, self.alone, self.counted, self.capacity = uuid.uuid4().hex[:12], 0, False, 0.0, 0
        self.manned = time.monotonic()

    def answers(self) -> Iterator[tuple]:
        """The answers as they come, until there is one for every shard."""
        while self.waiting or self.suspects or self.flying:
            self.hand_out()
            try:
                future = self.landed.get(timeout=TICK)
            except Empty:
                continue
            shard = self.flying.pop(future)
            answer = self.taken(future, shard)
            if answer is not None:
                yield answer
        yield from self.lost

    def hand_out(self) -> None:
        """As many shards as the workers may have; suspects one by one, when nothing else is left."""
        self.count_workers()
        while self.waiting and len(self.flying) < self.capacity:
            self.alone = False
            self.submit(self.waiting.popleft())
        if self.suspects and not self.flying and not self.waiting:
            self.alone = True
            self.submit(self.suspects.popleft())

    def submit(self, shard: int) -> None:
        self.submitted += 1
        key = f"shard-{self.run}-{shard}-{self.submitted}"
        future = self.client.submit(answer_alone, self.name, shard, self.tasks[shard], key=key, pure=False)
        self.flying[future] = shard
        future.add_done_callback(self.landed.put)

    def count_workers(self) -> None:
        """How many shards may be in flight now.  Raises ShardError where the scheduler is lost, or has no workers."""
        now = time.monotonic()
        if now - self.counted < TICK:
            return
        try:
            found = len(self.client.nthreads()) if self.client.status == "running" else None
        except (OSError, RuntimeError):
            found = None
        if found is None:
            raise ShardError("the Dask scheduler is lost; what is done is kept, and the same command goes on")
        self.counted, self.capacity = now, IN_FLIGHT * found
        self.manned = now if found else self.manned
        if now - self.manned > DESERTED:
            raise ShardError(f"the Dask scheduler has had no workers for {DESERTED} s; what is done is kept")

    def taken(self, future: Future, shard: int) -> tuple | None:
        """What a shard answers; None where it has to be run again."""
        try:
            return future.result()
        except KilledWorker:
            if self.alone:
                told = f"ended its worker process {DEATHS + 1} times, with nothing beside it"
                self.lost.append((shard, "", None, told))
            else:
                self.suspects.append(shard)
        except (CancelledError, OSError):  # its scheduler is lost, unless somebody else cancelled it there
            self.counted = 0.0
            self.count_workers()
            self.waiting.append(shard)
        except Exception as error:
            return shard, "", None, one_line(error)
        return None
