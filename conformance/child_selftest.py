"""A call in a child process answers, or its end is reported: the caller survives every way to die."""

import os
import signal
import sys
import time

import pytest

from conformance.child import Crashed, in_child


def kill(number: int) -> None:
    os.kill(os.getpid(), number)


def test_an_answer_of_any_size_arrives():
    assert in_child(lambda: "x" * 1_000_000) == "x" * 1_000_000


def test_a_child_shares_nothing_afterwards():
    mine = [1]
    in_child(lambda: mine.append(2))
    assert mine == [1]


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL])
def test_a_crash_is_survived_and_named(number):
    with pytest.raises(Crashed, match=f"dies of {number.name}"):
        in_child(lambda: kill(number))


def test_leaving_by_the_back_door_is_no_answer():
    with pytest.raises(Crashed, match="exits with status 3"):
        in_child(lambda: os._exit(3))


def test_an_exception_in_the_child_is_no_answer():
    with pytest.raises(Crashed, match="exits with status 1"):
        in_child(lambda: sys.exit(0))


def test_a_child_that_hangs_is_ended():
    began = time.monotonic()
    with pytest.raises(Crashed, match="hangs"):
        in_child(lambda: time.sleep(60), patience=0.2)
    assert time.monotonic() - began < 10
