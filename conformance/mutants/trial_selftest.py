"""The score finds what is wrong and nothing else: a plain loss passes, an equivalent mutant survives."""

import pytest
import torch

from conformance.checks import CHECKS
from conformance.items import items
from conformance.mutants import choice, mechanical, plain, score, trial
from conformance.options import Selected, Selection
from conformance.row import Item
from conformance.subject import Subject

#: The arguments with which the plain losses reduce, and the first two swapped.
REDUCED, OTHERWISE = "terms, self.reduction, terms.numel()", "self.reduction, terms, terms.numel()"
CORE = ("gradient", "value", "reduction")


def mutant_by(loss: str, change: str) -> str:
    """The name of the mutant that makes a change."""
    return next(m.name for m in mechanical.mutants(loss).values() if m.change == change)


def outcome(loss: str, *names: str) -> dict[str, bool]:
    """Whether each mutant is found, after the plain loss."""
    return {f.name: f.caught for f in trial.try_loss((loss, names, CORE, "smoke"))}


@pytest.mark.parametrize("loss", plain.__all__)
def test_a_plain_loss_passes(loss):
    source = f"conformance.mutants.plain:{loss}"
    reductions = ("none", "mean", "batchmean")
    selection = Selection((Selected(loss, source),), CORE, ("float32",), reductions, ("cpu",), ("eager",), "smoke", 0)
    control = trial.Finding(source, loss, None, None)
    for check in CORE:
        for item in items(selection, check):
            assert trial.failure(item, control) is None


def test_an_equivalent_mutant_survives_and_a_wrong_one_does_not():
    same = mutant_by("HuberLoss", "HuberLoss.terms: error <= self.delta -> error < self.delta")
    wrong = mutant_by("HuberLoss", "HuberLoss.terms: 0.5 * inside.square() -> inside.square()")
    assert outcome("HuberLoss", same, wrong) == {
        "conformance.mutants.plain:HuberLoss": False, wrong: True, same: False,
    }  # fmt: skip


class Endless(torch.nn.MSELoss):
    """Never comes back."""

    def forward(self, input, target):
        while True:
            pass


def test_a_mutant_that_hangs_is_found(monkeypatch):
    monkeypatch.setattr(trial, "PATIENCE", 0.2)
    item = Item(Subject(Endless, name="endless"), "mse_loss", "value", "float32", "none", "cpu", "eager", 0, "smoke")
    found = trial.failure(item, trial.Finding("endless", "MSELoss", "none", "none"))
    assert "hangs" in found.message


def test_a_mutant_that_raises_at_every_call_is_not_counted():
    broken = mutant_by("HuberLoss", f"Elementwise.forward: reduced({REDUCED}) -> reduced({OTHERWISE})")
    assert not choice.runs(mechanical.find(broken))


def test_the_items_of_all_checks_are_asked_those_of_the_same_cases_together():
    sources = ["conformance.mutants.plain:L1Loss", "conformance.mutants.mechanical:L1Loss_swap_sign_1"]
    streams = trial.streams_of("L1Loss", sources, CORE, "smoke")
    assert all([i.subject.name for i in stream] == sources for stream in streams)
    assert {stream[0].contract_name for stream in streams} == {"l1_loss", "l1_loss_complex"}
    assert set(CORE) <= set(CHECKS)


@pytest.mark.parametrize("entry", score.listed().values(), ids=lambda e: e["name"])
def test_a_listed_survivor_is_still_the_mutant_that_its_reason_is_about(entry):
    assert mechanical.find(entry["name"]).change == entry["change"]
    assert entry["kind"] in ("equivalent", "allowed", "gap")
    assert len(entry["reason"]) > 20


def test_an_unlisted_survivor_fails_the_score(tmp_path, monkeypatch, capsys):
    same = mutant_by("HuberLoss", "HuberLoss.terms: error <= self.delta -> error < self.delta")
    monkeypatch.setattr(score, "score", lambda *_: [trial.Finding(same, "HuberLoss", "change_comparison", "x")])
    monkeypatch.setattr(score, "listed", dict)
    assert score.main(["--mutant", same, "--results", str(tmp_path / "score.json")]) == 1
    assert "NOT LISTED" in capsys.readouterr().out
    monkeypatch.setattr(score, "listed", lambda: {same: {"kind": "equivalent"}})
    assert score.main(["--mutant", same, "--results", str(tmp_path / "score.json")]) == 0
