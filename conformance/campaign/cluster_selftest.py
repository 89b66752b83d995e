"""Shards on the workers of a Dask cluster: the same results from any number of them, whatever becomes of a worker."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from conformance.campaign import cluster
from conformance.campaign.shards import ShardError, Unreachable, gather

TASKS = [{"n": n} for n in range(12)]
CUBES = [{"cube": n**3} for n in range(12)]


def cube(task):
    return {"cube": task["n"] ** 3}


def killed_once(task):
    """Ends its worker the first time that it is run for 5, as the folder of the task tells; counts every run."""
    runs = os.path.join(task["folder"], str(task["n"]))
    with open(runs, "a") as file:
        file.write("x")
    if task["n"] == 5 and os.path.getsize(runs) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return cube(task)


def killed_always(task):
    if task["n"] == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return cube(task)


def of_the_setting(task):
    return {"found": __import__(task["module"]).ANSWER, "jax": os.environ["JAX_PLATFORMS"]}


def failing(task):
    raise ValueError(f"no {task['n']}\nat all")


def gathered(tmp_path, work=cube, tasks=TASKS, **where):
    return gather(work, tasks, kept=tmp_path / "kept.jsonl", identity={}, **where)


@pytest.fixture
def scheduler(tmp_path):
    """The address of a Dask scheduler in a process of its own, and a function that begins a worker."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    env = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    file, begun = tmp_path / "scheduler.json", []

    def begin(*command):
        begun.append(subprocess.Popen([sys.executable, "-m", "dask", *command, "--no-dashboard"], env=env, **quiet))

    def worker():
        begin("worker", "--scheduler-file", str(file), "--nthreads", "1", "--local-directory", str(tmp_path / "worker"))

    begin("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file))
    worker()
    yield _address(file), worker, begun[0]
    for process in begun:
        process.kill()
    for process in begun:
        process.wait()


def _address(file):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if file.exists() and file.read_text().strip():
            return json.loads(file.read_text())["address"]
        time.sleep(0.05)
    raise TimeoutError("the scheduler does not start")


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_any_number_of_workers_gives_the_same_results(workers, tmp_path):
    assert gathered(tmp_path, workers=workers) == CUBES


def test_a_worker_that_is_killed_loses_nothing_and_its_shard_is_run_again(tmp_path):
    tasks = [task | {"folder": str(tmp_path)} for task in TASKS]
    assert gathered(tmp_path, killed_once, tasks, workers=2) == CUBES
    assert (tmp_path / "5").read_text() == "xx"


def test_a_shard_that_always_kills_its_worker_is_named_when_all_others_are_done(tmp_path):
    with pytest.raises(ShardError, match=r'^shard 5 of 12 \(\{"n":5\}\): ended its worker process'):
        gathered(tmp_path, killed_always, workers=2)
    assert len((tmp_path / "kept.jsonl").read_text().splitlines()) == 12


def test_a_suspect_waits_for_the_others_even_while_there_are_no_workers(monkeypatch):
    crowd = cluster.Crowd(None, cube, {0: TASKS[0]})
    crowd.suspects.append(5)
    monkeypatch.setattr(crowd, "count_workers", lambda: None)
    monkeypatch.setattr(crowd, "submit", lambda shard: crowd.flying.update({shard: shard}))
    crowd.hand_out()
    assert not crowd.flying
    crowd.capacity = 2
    crowd.hand_out()
    assert (list(crowd.flying), crowd.alone) == ([0], False)


def test_no_more_shards_are_in_flight_than_two_for_each_worker(tmp_path, monkeypatch):
    seen, submit = [], cluster.Crowd.submit

    def counted(crowd, shard):
        submit(crowd, shard)
        seen.append(len(crowd.flying))

    monkeypatch.setattr(cluster.Crowd, "submit", counted)
    gathered(tmp_path, workers=2)
    assert (len(seen), max(seen)) == (12, 4)


def test_an_exception_on_a_worker_is_one_line_that_names_the_shard(tmp_path):
    with pytest.raises(ShardError, match=r'^shard 0 of 1 \(\{"n":7\}\): ValueError: no 7$'):
        gathered(tmp_path, failing, [{"n": 7}], workers=1)


def test_workers_import_modules_from_the_folder_of_the_caller(tmp_path, monkeypatch):
    (tmp_path / "module_of_the_caller.py").write_text("ANSWER = 42\n")
    monkeypatch.chdir(tmp_path)
    found = gathered(tmp_path, of_the_setting, [{"module": "module_of_the_caller"}], workers=1)
    assert found == [{"found": 42, "jax": "cpu"}]


def test_a_running_scheduler_gives_the_same_results(tmp_path, scheduler):
    assert gathered(tmp_path, scheduler=scheduler[0]) == CUBES


def test_a_worker_that_joins_midway_gets_its_part(tmp_path, scheduler, monkeypatch):
    address, worker, _ = scheduler
    found, count = [], cluster.Crowd.count_workers

    def counted(crowd):
        count(crowd)
        found.append(crowd.capacity)

    monkeypatch.setattr(cluster.Crowd, "count_workers", counted)
    worker()
    gathered(tmp_path, waits_for_another, [{"n": n} for n in range(4)], scheduler=address)
    assert 4 in found


def waits_for_another(task):
    """Is done when a second worker is at a shard too, or has had a minute to join."""
    from distributed import get_client

    deadline = time.monotonic() + 60
    while len(get_client().nthreads()) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(2 * cluster.TICK)
    return cube(task)


def test_a_scheduler_that_is_lost_is_one_line_and_what_is_done_is_kept(tmp_path, scheduler):
    address, _, process = scheduler

    def lose(done, every):
        if done == 3:
            process.kill()

    with pytest.raises(ShardError, match=r"^the Dask scheduler is lost"):
        gathered(tmp_path, scheduler=address, told=lose)
    assert gathered(tmp_path, workers=0) == CUBES


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "127.0.0.1", "rubbish://there:1"])
def test_a_scheduler_that_does_not_answer_is_one_line(address, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT", 0.5)
    with pytest.raises(Unreachable, match=f"^--scheduler {address}: no Dask scheduler answers there"):
        gathered(tmp_path, scheduler=address)
