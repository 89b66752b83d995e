"""What callgrind is told and what it says."""

import pytest

from perf.gate.callgrind import EVENTS, START, STOP, counted, read, requests

FILE = "version: 1\nevents: {}\nsummary: 1\n\ntotals: {}\n"


def test_outside_of_valgrind_requests_do_nothing():
    request = requests()
    request(START)
    request(STOP)


def test_a_call_is_made_twice_and_the_second_counts():
    calls = []
    counted(lambda: calls.append(1))
    assert len(calls) == 2


def test_misses_of_each_level_are_added_up_and_cycles_estimated(tmp_path):
    file = tmp_path / "callgrind.1"
    file.write_text(FILE.format(" ".join(EVENTS), "1000 0 0 1 2 3 4 5 6"))
    found = read(file)
    assert (found.instructions, found.l1_misses, found.ll_misses, found.cycles) == (1000, 6, 15, 1000 + 60 + 1500)


@pytest.mark.parametrize("text", ["", FILE.format("Ir", "5"), FILE.format(" ".join(EVENTS), "0")])
def test_a_file_that_says_nothing_is_no_count(tmp_path, text):
    file = tmp_path / "callgrind.1"
    file.write_text(text)
    with pytest.raises(ValueError, match="counted nothing"):
        read(file)
