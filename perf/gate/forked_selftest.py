"""What runs in a process of its own: its answer, its error, its death, its time."""

import os
import signal
import time

import pytest

from perf.gate.forked import NotRun, forked


def raising():
    raise ValueError("one\ntwo")


def test_the_answer_comes_back():
    assert forked(lambda: {"process": os.getpid()}, 10)["process"] != os.getpid()


def test_long_answers_come_back():
    assert len(forked(lambda: "x" * 10**6, 10)) == 10**6


@pytest.mark.parametrize(
    ("work", "said"),
    [
        (raising, "ValueError: one$"),
        (lambda: os._exit(3), "died: exit status 3"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "died: SIGKILL"),
        (lambda: time.sleep(60), "did not finish within 0 s"),
        (lambda: object(), "TypeError: Object of type object is not JSON serializable"),
    ],
)
def test_what_comes_to_nothing_says_why(work, said):
    with pytest.raises(NotRun, match=said):
        forked(work, 0.4)
