"""Does the page on speed show everything that there is, failures first, and say what there is not?"""

import re

import pytest

from reports.history.synthetic import two_years
from reports.perf.synthetic import FINGERPRINT, benchmark, benchmarks, cell, failing_gate, gate, proof, stage, trial

PANELS = (
    "cells", "time", "counters", "instructions", "noise", "injected", "roofline", "fit", "memory", "history", "not-run",
    "measured", "environment",
)  # fmt: skip


def history(nights=40):
    return list(two_years([(20, 0, 1.5)], [(25, 1, 2.0)], moved=1000, nights=nights, number=12))


@pytest.fixture
def whole(made):
    return made(benchmarks(), failing_gate(), history(), proof())


def text(markup):
    return " ".join(re.sub(r"<[^>]*>", " ", markup).split())


def test_every_panel_is_there_and_failures_come_first(whole):
    places = [whole.text.index(f'<section id="{name}">') for name in PANELS]
    assert places == sorted(places)


def test_every_panel_with_a_figure_says_how_to_read_it(whole):
    for name in ("time", "counters", "instructions", "noise", "injected", "roofline", "fit", "memory", "history"):
        assert "How to read" in whole.part(f'<section id="{name}">'), name


def test_every_figure_is_drawn_and_told(whole):
    drawn = [each for each in whole.all("svg") if each.get("role") == "img"]
    # Forest and heat map twice, canary, trials, two roofs and the largest, two fits, four memories, two histories.
    assert len(drawn) == 4 + 2 + 3 + 2 + 4 + 2
    assert all(each["aria-label"] for each in drawn)


def test_the_headline_tells_the_outcome_and_what_is_behind_it(whole):
    top = text(whole.part("<h1", "</h1>") + "</h1>")
    assert top.startswith("Regression : 6 cells gated, 1 regression, 1 inconclusive, 1 accepted, 1 not run, 2 pass")
    assert "tier 1: not run, valgrind is not installed" in whole.part('<ul class="reasons">', "</ul>")


@pytest.mark.parametrize(
    ("files", "headline"),
    [
        ({"gate": gate()}, "No regression"),
        ({"gate": gate(outcome="inconclusive")}, "Inconclusive"),
        ({"gate": gate(complete=False)}, "Incomplete run of the gate, no verdict"),
        ({"gate": gate(exit_status=1)}, "No regression, but the run does not pass"),
        ({"gate": gate([cell(outcome="regression")])}, "Regression"),
        ({"gate": gate(outcome="splendid")}, "No verdict"),
        ({"perf": benchmarks()}, "Benchmarks only, nothing was gated"),
        ({"proof": proof()}, "Nothing was measured or gated"),
    ],
)
def test_the_headline_tells_how_the_run_ended(made, files, headline):
    assert headline in made(**files).part("<h1", "</h1>")


@pytest.mark.parametrize(
    ("files", "shown"),
    [
        ({"perf": benchmarks()}, {"roofline", "fit", "memory", "not-run", "measured", "environment"}),
        ({"gate": gate()}, {"cells", "time", "counters", "instructions", "noise", "environment"}),
        ({"proof": proof()}, {"noise", "injected"}),
        ({"history": history(15)}, {"history"}),
    ],
)
def test_what_is_absent_has_no_panel_and_is_named(made, files, shown):
    page = made(**files)
    assert {name for name in PANELS if f'<section id="{name}">' in page.text} == shown
    absent = page.part("<dt>Not here</dt>", "</dd>")
    names = {"perf": "benchmarks", "gate": "gate (reports", "history": "history", "proof": "proof"}
    assert [name for key, name in names.items() if (name in absent) == (key in files)] == []


def test_the_forest_tells_interval_threshold_and_what_could_be_found(whole):
    shown = whole.part('<section id="time">')
    assert "+8.50 % (+8.20 to +8.80)" in shown
    line = text(shown[shown.index("<tbody>") : shown.index("<tr>", shown.index("<tbody>") + 12)])
    assert "+8.50 % +8.20 % to +8.80 % 0.00100 +3.00 % +1.20 % 2 12 100 108" in line


def test_the_worst_outcome_is_the_first_line_of_the_forest(whole):
    shown = whole.part('<section id="time">')
    order = [shown.index(f">{name}<") for name in ("HuberLoss", "CTCLoss", "CrossEntropyLoss")]
    assert order == sorted(order)


def test_a_regression_stands_above_a_slower_pass(made):
    page = made(gate=gate([cell("L1Loss", percent=9.0), cell(outcome="regression", percent=4.0)]))
    forest = page.part('<div class="broad">', "</div>")
    assert forest.index(">HuberLoss") < forest.index(">L1Loss")


def test_counters_that_differ_are_listed_and_the_others_counted(whole):
    shown = text(whole.part('<section id="counters">'))
    assert "HuberLoss bytes +100 % 4,096 8,192 regression" in shown
    assert "operator aten.clone more 0 1 regression" in shown
    assert "20 counts are equal" in shown


def test_a_tier_that_did_not_run_is_never_silent(made):
    page = made(gate=gate(tiers={"2": {"state": "void", "reason": "machine too noisy"}}, canary={"flagged": True}))
    assert "2 paired times: void</span> (machine too noisy)" in page.part("<header>", "</header>")
    assert '<strong class="bad">flagged</strong>' in page.part('<section id="noise">')


def test_the_proof_counts_false_alarms_and_what_was_found(whole):
    shown = text(whole.part('<section id="injected">'))
    assert "tier 2 100 1 1.00 % 5.45 %" in shown
    assert "tier 1 20 0 0 % 16.8 %" in shown
    assert "3 % compute 0 of 10 5 % compute 10 of 10" in shown
    assert "extra clone compute, memory 2 of 2 2 of 2 0 of 2 1 of 1" in shown
    assert "found 1 of 1 pairs" in shown


def test_missed_work_is_loud_and_first(made):
    lines = [trial("injected", 1, name, family="work", flagged=name != "quiet") for name in ("clone", "quiet")]
    shown = text(made(proof=lines).part('<section id="injected">'))
    assert "found 1 of 2 pairs of a kind and a cell, and missed 1" in shown
    assert shown.index("quiet compute") < shown.index("clone compute")


def test_cells_that_were_not_run_are_listed_with_their_reason(whole):
    shown = whole.part('<section id="not-run">')
    assert "1 cell: size L: not in the budget gate" in shown
    assert "MSELoss-jax-forward-L-float32-cpu" in shown


def test_another_machine_than_the_historys_last_is_a_break_and_no_error(made):
    lines = history(15)
    assert "machine break" not in made(benchmarks(fingerprint=FINGERPRINT), history=lines).text
    assert "machine break" in made(benchmarks(fingerprint="ffffffffffff"), history=lines).part("<header>", "</header>")


def test_times_and_memory_of_a_cell_are_one_measurement(made):
    memory = benchmark(percent_of_triad=None, peak_over_input=7.5, seconds=9.0)
    page = made(benchmarks([benchmark(peak_over_input=None, peak_bytes=None), memory]))
    numbers = page.part('<section id="measured">')
    assert numbers.count("<td>HuberLoss-eager-forward-M-float32-cpu") == 1
    assert '<td class="n">100<td' in numbers
    assert '<td class="n">7.50' in numbers


def test_a_huge_slowdown_leaves_small_ones_legible(made):
    huge = cell("CTCLoss", outcome="regression", percent=470.0)
    page = made(gate=gate([cell(), huge]))
    assert "+300 %" in page.part('<section id="time">')


@pytest.mark.parametrize("odd", ["inf", "-inf", "nan", None, -3.0, 0.0, 1e300])
def test_odd_numbers_are_survived(made, odd):
    timed = cell()
    timed["time"]["stage1"] = stage(0.0) | {"percent": odd, "low": odd, "high": odd, "log_ratios": [odd]}
    slow = benchmark(percent_of_triad=odd, bandwidth=odd, compulsory_bytes=odd, saved_bytes=odd, input_bytes=odd)
    about = benchmarks()["plumbline"]["fits"][0] | {"latency_us": odd, "ns_per_element": odd}
    canary = {"percent": odd, "low": odd, "high": odd, "log_ratios": [odd]}
    made(benchmarks([slow], fits=[about]), gate([timed], canary=canary))


def test_ids_are_unique_and_links_within_the_page_lead_somewhere(whole):
    links = {each["href"][1:] for each in whole.all("a") if each["href"].startswith("#")}
    assert len(whole.ids) == len(set(whole.ids))
    assert links <= set(whole.ids)
    assert set(PANELS) <= links


def test_the_same_files_make_the_same_page(made):
    files = {"perf": benchmarks(), "gate": failing_gate(), "history": history(), "proof": proof()}
    assert made(**files).text == made(**files).text
