"""The progress line says how many shards are done, how fast, and how long the rest takes."""

import io

from conformance.campaign.progress import Progress, line_of


def test_rate_and_time_left_are_those_of_this_run():
    assert line_of(300, 600, 200, 100.0) == "300 of 600 shards, 2/s, 2 min 30 s left"
    assert line_of(600, 600, 500, 100.0) == "600 of 600 shards, 5/s"
    assert line_of(100, 600, 0, 0.0) == "100 of 600 shards"
    assert line_of(1, 7201, 1, 1.0).endswith("2 h 0 min left")


def test_where_no_terminal_is_lines_are_few_and_the_last_is_among_them():
    stream, clock = io.StringIO(), iter(range(1000))
    with Progress(stream, lambda: float(next(clock))) as told:
        for done in range(26):
            told(done, 25)
    assert [line.partition(" ")[0] for line in stream.getvalue().splitlines()] == ["0", "10", "20", "25"]
