"""The injections of the proof, and what is made of its trials."""

import argparse
import json

from perf.gate.pairs import block
from perf.proof.__main__ import next_run
from perf.proof.cells import CELLS
from perf.proof.injections import SPINS, spins, unchanged, work
from perf.proof.spin import rounds_of, spin
from perf.proof.summary import lines, read


def trial(**more):
    usual = {
        "kind": "aa", "tier": "2", "injection": None, "family": "none", "size_percent": None, "bound": "compute",
        "cell": CELLS["mse"].cell.name, "flagged": False, "detectable_percent": 3.0, "fingerprint": "x",
    }  # fmt: skip
    return usual | more


def test_there_are_at_least_60_injections_over_6_cells():
    assert len({(i.name, i.proven.name) for i in work()}) >= 60
    assert len(CELLS) == 6


def test_base_and_head_differ_in_every_injection():
    assert all(i.base != i.head for i in [*work(), *spins(5)])
    assert all(i.base == i.head for i in unchanged())


def test_a_spin_takes_the_time_it_should():
    rounds = rounds_of(200_000)
    assert 100_000 < sorted(block(lambda: spin(rounds), 1) for _ in range(21))[10] < 400_000


def asked(kind, tier, runs):
    return argparse.Namespace(kind=kind, tier=tier, runs=runs, spin=None)


def test_a_run_goes_on_with_what_is_missing(tmp_path):
    file = tmp_path / "aa-tier2.jsonl"
    done = [trial(cell=p.cell.name) for p in CELLS.values() if p.name != "l1"]
    file.write_text("".join(json.dumps(t) + "\n" for t in done))
    left, number = next_run(asked("aa", "2", 1), file)
    assert ([i.proven.name for i in left], number) == (["l1"], 0)
    assert len(next_run(asked("aa", "2", 2), file)[0]) == 6


def test_nothing_is_left_when_all_runs_are_there(tmp_path):
    file = tmp_path / "injected-tier2.jsonl"
    done = [
        trial(kind="injected", injection=f"spin_{s}", family="spin", cell=p.cell.name)
        for p in CELLS.values() for s in SPINS
    ]  # fmt: skip
    file.write_text("".join(json.dumps(t) + "\n" for t in done))
    assert next_run(asked("injected", "2", 1), file) == ([], 0)


def test_a_line_that_is_cut_off_is_told_and_left(tmp_path, capsys):
    (tmp_path / "aa-tier2.jsonl").write_text(json.dumps(trial()) + '\n{"kind": "a')
    assert len(read(tmp_path)) == 1
    assert "aa-tier2.jsonl, line 2: not read" in capsys.readouterr().err


def test_the_summary_counts_flags_and_names_what_was_missed():
    worked = {"kind": "injected", "family": "work", "injection": "extra_clone", "tier": "0"}
    told = list(
        lines([
            trial(), trial(flagged=True), trial(**worked), trial(**worked, cell=CELLS["l1"].cell.name, flagged=True),
            trial(kind="injected", family="spin", injection="spin_5", size_percent=5, flagged=True),
        ])
    )  # fmt: skip
    assert "A/A, tier 2: 2 runs of 6 cells, 1 of 2 cells flagged (50.0 %)" in told
    assert "work: 1 of 2 injections found by tiers 0 or 1 (1 by 0 alone, 0 by 1 alone)" in told
    assert f"  missed: extra_clone in {CELLS['mse'].cell.name}" in told
    assert "spin of 5 %, compute-bound: 1 of 1 found (100.0 %), 1 runs" in told
