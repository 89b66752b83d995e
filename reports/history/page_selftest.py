"""Does the page of the history show every cell at a glance, what changed, and where machines part?"""

import pytest

from reports.__main__ import main
from reports.history.figures import ALTERNATING
from reports.history.store import read
from reports.history.synthetic import run, save, two_years
from reports.history.view import LINES, PLOTS, view
from reports.synthetic import HOSTILE, Page


@pytest.fixture
def page(tmp_path, monkeypatch):
    """Shows a history with the command, and reads the page."""
    monkeypatch.chdir(tmp_path)

    def make(lines, *more):
        save(lines, tmp_path / "h.jsonl")
        assert main(["history", "show", "--file", "h.jsonl", "--html", "out/history.html", *more]) == 0
        return Page((tmp_path / "out" / "history.html").read_text(encoding="utf-8"))

    return make


STEPS = [(20 + n, n, 1.5) for n in range(50)]


def test_two_years_of_all_cells_are_a_small_page(page):
    made = page(two_years([(300, 5, 1.2), (600, 9, 0.7)], [(500, 7, 2.0)]))
    assert len(made.text.encode()) < 1_000_000
    assert made.text.count("<figure") == 4
    assert "730 runs" in made.part("<h1", "</h1>")
    assert "300 cells on 2 machines, 3 changes" in made.part("<h1", "</h1>")


def test_changes_beyond_those_drawn_are_listed_and_counted(page):
    made = page(two_years(STEPS, nights=100, number=60, moved=1000))
    assert made.text.count("<figcaption>") == PLOTS
    assert made.text.count('<tr><td class="date">') == LINES
    assert "10 more are older" in made.text


def test_the_latest_and_the_largest_changes_are_drawn(tmp_path):
    steps = [(20 + n, n, 1.3) for n in range(30)] + [(15, 40, 9.0)]
    shown = view(read(save(two_years(steps, nights=100, number=60, moved=1000), tmp_path / "h.jsonl")))
    names = [each.title for each, _ in shown.plots]
    largest, latest = shown.history.cells[40], shown.changes[0].cell
    assert {largest, latest} <= set(names)


def test_a_cell_can_be_asked_for_by_part_of_its_name_or_a_pattern(page, capsys):
    lines = list(two_years([(20, 0, 2.0)], nights=40, number=20, moved=1000))
    made = page(lines, "--cell", "HuberLoss-compile-forward-M")
    assert made.text.count("<figcaption>") == 1
    assert "HuberLoss-compile-forward-M" in made.part("<figcaption>", "</figcaption>")
    assert "MSELoss" not in made.text
    assert page(lines, "--cell", "Huber*-forward-?-*").text.count("<figcaption>") == 9
    assert "no changes" in capsys.readouterr().out


def test_the_terminal_tells_machines_and_changes(page, capsys):
    page(two_years([(70, 0, 2.0)], nights=100, number=3, moved=40))
    told = capsys.readouterr().out
    assert "100 runs of 3 cells" in told
    assert "machine a1b2c3d4e5f6: 40 runs, 2024-01-01 to 2024-02-09; cpu A CPU" in told
    assert "2024-03-11  HuberLoss-compile-forward-S-float32-cpu  time over eager" in told


def test_a_machine_break_is_drawn_in_every_figure_of_ratios(page):
    def dashed(moved):
        made = page(two_years([(20, 0, 2.0)], nights=60, number=3, moved=moved))
        return made.part("<main>", "</main>").count("stroke-dasharray")

    assert dashed(moved=40) == 3
    assert dashed(moved=1000) == 0


def test_machines_that_take_turns_are_not_all_drawn(page):
    lines = [run(n, {"a": {"ratio": 1.0}}, f"machine {n % 2}") for n in range(2 * ALTERNATING)]
    assert "stroke-dasharray" not in page(lines).part("<main>", "</main>")


def test_warnings_are_on_the_page(page):
    assert page([run(0, {"a": {"ratio": 1.0}}), {}]).text.count('<p class="warning">h.jsonl line 2') == 1


@pytest.mark.parametrize("lines", [[run(0, {"a": {"ratio": 1.0}})], [run(0, {})], [{}], []])
def test_hardly_any_history_is_a_page(page, lines):
    assert 'id="history"' in page(lines).text


def test_hostile_strings_stay_text_and_nothing_is_fetched(page):
    lines = [
        run(
            n,
            {f"Loss{HOSTILE}-jax": {"bytes": 1 + n // 5, "ratio": 1.0}},
            HOSTILE,
            commit=HOSTILE,
            suite_version=str(n),
        )
        | {"machine": {HOSTILE: HOSTILE}}
        for n in range(10)
    ]
    made = page(lines)
    assert "alert(1)" in made.text
    assert not made.all("script") + made.all("img") + made.all("link")
    assert not [each for _, each in made.elements if {"src", "srcset", "action", "onerror"} & set(each)]
    assert all(each["href"].startswith(("#", "data:image/png;")) for each in made.all("a") + made.all("image"))
    assert len(made.ids) == len(set(made.ids))
