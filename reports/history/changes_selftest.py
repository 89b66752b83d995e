"""Are planted changes found, and is noise left alone?  Counted on two years of synthetic nights."""

import numpy as np
import pytest

from reports.history.changes import LEVEL, NIGHTS, SMALLEST, changes, shifts, tonight
from reports.history.store import read
from reports.history.synthetic import cells, ratios, run, save, two_years


def history(tmp_path, lines):
    return read(save(lines, tmp_path / "history.jsonl"))


def of_series(tmp_path, number, series, fingerprints=None):
    """The history of one cell whose number is as given."""
    prints = fingerprints or ["one"] * len(series)
    lines = [run(n, {"a": {number: x} if x is not None else {}}, prints[n]) for n, x in enumerate(series)]
    return history(tmp_path, lines)


def test_noise_over_two_years_raises_no_alarm():
    alarms = sum(len(shifts(each)) for seed in range(3) for each in np.log(ratios(seed=seed)).T)
    # 900 series, each with a chance of at most LEVEL, were their noise Gaussian.
    assert alarms <= 1


def test_noise_that_wanders_raises_few_alarms():
    alarms = sum(len(shifts(each)) for each in np.log(ratios(memory=0.3)).T)
    assert alarms <= 300 * 0.02


def test_planted_steps_are_found_where_they_are(tmp_path):
    random = np.random.default_rng(5)
    sizes = np.exp(random.choice([-1, 1], 30) * random.uniform(0.05, 0.3, 30))
    steps = [
        (int(random.integers(30, 370) if n % 2 else random.integers(430, 700)), int(cell), float(size))
        for n, (cell, size) in enumerate(zip(random.choice(300, 30, replace=False), sizes, strict=True))
    ]
    found = [each for each in changes(history(tmp_path, two_years(steps))) if each.number == "ratio"]
    near = {(night, cell): [c for c in found if c.cell == cell and abs(c.run - night) <= 7] for night, cell, _ in steps}
    assert [step for step, own in near.items() if not own] == []
    assert len(found) == len(steps)
    for night, cell, factor in steps:
        assert abs(np.log(near[night, cell][0].factor / factor)) < 0.02


@pytest.mark.parametrize(("factor", "nights"), [(1.10, 10), (1.05, 30), (1.3, NIGHTS)])
def test_a_step_is_found_soon(factor, nights):
    table = np.log(ratios(number=100, steps=[(730 - nights, cell, factor) for cell in range(100)]))
    found = sum(any(abs(place - (730 - nights)) <= 7 for place in shifts(each)) for each in table.T)
    assert found >= 90


def test_single_bad_nights_are_no_change():
    series = np.log(ratios(number=1, noise=0.01)[:, 0])
    series[[100, 101, 400, 729]] += 1.0
    assert shifts(series) == []


def test_a_change_of_machine_is_none_of_the_loss(tmp_path):
    lines = list(two_years(moved=60, nights=120, number=20))
    assert changes(history(tmp_path, lines)) == []
    for line in lines:
        line["fingerprint"] = "one"
    assert len(changes(history(tmp_path, lines))) == 20


def test_machines_that_take_turns_are_kept_apart(tmp_path):
    prints = ["one", "two"] * 40
    steady = [1.0 if name == "one" else 2.0 for name in prints]
    assert changes(of_series(tmp_path, "ratio", steady, prints)) == []
    stepped = [x * (1.5 if n >= 50 and prints[n] == "two" else 1.0) for n, x in enumerate(steady)]
    assert [each.run for each in changes(of_series(tmp_path, "ratio", stepped, prints))] == [51]


@pytest.mark.parametrize("number", ["bytes", "operators", "peak_bytes", "saved_bytes"])
def test_every_step_of_a_count_is_a_change(tmp_path, number):
    found = changes(of_series(tmp_path, number, [4, 4, 5, 5, None, 5, 4]))
    assert [(each.run, each.before, each.after, each.is_worse) for each in found] == [(6, 5, 4, False), (2, 4, 5, True)]


def test_instructions_may_move_a_little(tmp_path):
    series = [1000, 1000 * (1 + SMALLEST), 1000, 1000 * (1 + 2 * SMALLEST)]
    assert [each.run for each in changes(of_series(tmp_path, "instructions", series))] == [3]


def test_a_shift_too_small_to_matter_is_none(tmp_path):
    quiet = [1.0, 1.00001] * 20
    for factor, expected in ((1 + SMALLEST / 2, 0), (1 + 2 * SMALLEST, 1)):
        assert len(changes(of_series(tmp_path, "ratio", [*quiet, *(x * factor for x in quiet)]))) == expected


@pytest.mark.parametrize(
    "series", [[], [1.0], [1.0] * 9, [1.0] * 400, [0.0] * 40, [-1.0] * 40, [None] * 40, [1.0, 9.0]]
)
def test_short_steady_and_odd_series_have_no_change(tmp_path, series):
    assert changes(of_series(tmp_path, "ratio", series)) == []


def test_a_count_that_was_nought_changes_without_a_factor(tmp_path):
    assert changes(of_series(tmp_path, "saved_bytes", [0, 8]))[0].factor == np.inf


def test_one_odd_night_is_told_only_while_it_is_the_last(tmp_path):
    series = ratios(nights=100, number=1, noise=0.01, seed=3)[:, 0]
    series[-1] = np.median(series) * 1.5
    assert [each.cell for each in tonight(of_series(tmp_path, "ratio", series.tolist()))] == [0]
    assert tonight(of_series(tmp_path, "ratio", [*series, *series[:3]])) == []


def test_an_empty_history_has_no_changes(tmp_path):
    empty = history(tmp_path, [])
    assert changes(empty) == tonight(empty) == []


def test_the_chance_of_a_false_alarm_is_small_over_all_cells():
    assert LEVEL * len(cells()) < 0.05
