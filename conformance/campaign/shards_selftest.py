"""Shards are gathered whole and in order, and an interrupted run goes on where it stopped."""

import json

import pytest

from conformance.campaign import shards
from conformance.campaign.shards import Interrupted, ShardError, gather

TASKS = [{"n": n} for n in range(5)]
SQUARES = [{"square": n * n} for n in range(5)]
WORKED: list[int] = []


def square(task):
    WORKED.append(task["n"])
    return {"square": task["n"] ** 2}


def interrupted_at_three(task):
    if task["n"] == 3:
        raise KeyboardInterrupt
    return square(task)


def wrong_at_three(task):
    return {"square": 1 / (task["n"] - 3)}


def not_json(task):
    return {"square": float("nan")}


@pytest.fixture
def kept(tmp_path):
    WORKED.clear()
    return tmp_path / "kept.jsonl"


def gathered(kept, work=square, tasks=TASKS, **given):
    return gather(work, tasks, kept=kept, identity={"seed": 0}, workers=0, **given)


def test_results_come_in_the_order_of_the_tasks_and_progress_is_told(kept):
    told = []
    assert gathered(kept, told=lambda *of: told.append(of)) == SQUARES
    assert told == [(n, 5) for n in range(6)]


def test_what_is_done_is_not_done_again_after_an_interruption(kept):
    with pytest.raises(Interrupted, match=r"3 of 5 shards are done"):
        gathered(kept, interrupted_at_three)
    assert gathered(kept) == SQUARES
    assert WORKED == [0, 1, 2, 3, 4]


def test_a_line_that_was_cut_off_is_done_again(kept):
    gathered(kept)
    kept.write_bytes(kept.read_bytes()[:-4])
    assert gathered(kept) == SQUARES
    assert gathered(kept) == SQUARES
    assert WORKED == [0, 1, 2, 3, 4, 4]


@pytest.mark.parametrize("tasks", [TASKS[:3], TASKS[1:], [*TASKS, {"n": 5}]])
def test_the_side_file_of_another_run_is_begun_anew_and_this_is_said(kept, tasks, capsys):
    gathered(kept)
    assert gathered(kept, tasks=tasks) == [{"square": t["n"] ** 2} for t in tasks]
    assert "begun anew" in capsys.readouterr().err
    assert len(WORKED) == 5 + len(tasks)


def test_a_new_side_file_is_not_said_to_be_of_another_run(kept, capsys):
    gathered(kept)
    gathered(kept)
    assert capsys.readouterr().err == ""


def test_a_planted_shard_that_is_one_off_is_refused(kept, monkeypatch):
    def one_off(work, every):
        for n, (shard, _) in enumerate(every):
            yield shards.answer(work, shard, every[(n + 1) % len(every)][1])

    monkeypatch.setattr(shards, "here", one_off)
    with pytest.raises(ShardError, match=r"shard 0 of 5: what came is the result of another shard"):
        gathered(kept)


def test_a_lost_shard_is_refused(kept, monkeypatch):
    here = shards.here
    monkeypatch.setattr(shards, "here", lambda work, every: here(work, every[:2] + every[3:]))
    with pytest.raises(ShardError, match=r"shard 2 of 5: no result came"):
        gathered(kept)


def test_a_shard_that_comes_twice_is_refused(kept, monkeypatch):
    here = shards.here
    monkeypatch.setattr(shards, "here", lambda work, every: here(work, [every[0], *every]))
    with pytest.raises(ShardError, match=r"shard 0 of 5: a second result"):
        gathered(kept)


def test_a_side_file_with_the_result_of_another_shard_is_refused(kept):
    gathered(kept)
    first, *lines = kept.read_text().splitlines()
    entries = [json.loads(line) for line in lines]
    entries[1]["shard"], entries[2]["shard"] = 2, 1
    kept.write_text("\n".join([first, *map(json.dumps, entries), ""]))
    with pytest.raises(ShardError, match=r"shard 2 of 5: what came is the result of another shard"):
        gathered(kept)


def test_an_exception_in_work_is_one_line_that_names_the_shard(kept):
    with pytest.raises(ShardError, match=r'^shard 3 of 5 \(\{"n":3\}\): ZeroDivisionError: division by zero$'):
        gathered(kept, wrong_at_three)


def test_a_result_that_json_does_not_hold_is_refused(kept):
    with pytest.raises(ShardError, match=r"shard 0 of 5 .*: ValueError"):
        gathered(kept, not_json)


def test_two_runs_do_not_write_to_one_side_file(kept):
    def second(done, every):
        with pytest.raises(ShardError, match=r"another run writes to it"):
            gathered(kept)

    assert gathered(kept, told=second) == SQUARES
