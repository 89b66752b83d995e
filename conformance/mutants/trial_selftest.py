"""The score is honest: right losses pass, what hangs or dies is caught, survivors and false alarms fail the command."""

import pytest
import torch

from conformance.checks import CHECKS
from conformance.items import items
from conformance.mutants import choice, mechanical, plain, score, trial
from conformance.mutants.judging import selection
from conformance.mutants.zoo import ZOO, Wrong
from conformance.options import Selected, Selection
from conformance.row import Item
from conformance.subject import Subject

#: The arguments with which the plain losses reduce, and the first two swapped.
REDUCED, OTHERWISE = "terms, self.reduction, terms.numel()", "self.reduction, terms, terms.numel()"
CORE = ("gradient", "value", "reduction")
HERE = "conformance.mutants.trial_selftest"


class Endless(torch.nn.MSELoss):
    """Never comes back."""

    def forward(self, input, target):
        while True:
            pass


class Doubled(torch.nn.HuberLoss):
    """Twice the loss."""

    def forward(self, input, target):
        return 2 * super().forward(input, target)


class Same(torch.nn.HuberLoss):
    """Nothing is wrong with it."""


def mutant_by(loss: str, change: str) -> str:
    """The name of the mutant that makes a change."""
    return next(m.name for m in mechanical.mutants(loss).values() if m.change == change)


def kept_in_zoo(monkeypatch, *names: str, **marks) -> None:
    """Make the zoo one of classes of this module."""
    marks = {"base": "torch.nn:HuberLoss", "planted_for": "value", **marks}
    zoo = {n: Wrong(n, "HuberLoss", f"{HERE}:{n}", "?", "planted", **marks) for n in names}
    for module in (trial, score):
        monkeypatch.setattr(module, "ZOO", zoo)


def run(monkeypatch, *mutants: str, controls: tuple[str, ...] = (), seed: int = 0) -> int:
    """The exit status of a score of classes of this module, asked in this process."""
    kept_in_zoo(monkeypatch, *mutants)
    monkeypatch.setattr(score, "sources", lambda loss: {n: f"{HERE}:{n}" for n in controls if loss == "HuberLoss"})
    monkeypatch.setattr(score, "score", lambda tasks: [score.try_loss(t) for t in tasks])
    return score.main(["--only", "HuberLoss", "--check", "value", "--budget", "smoke", "--seed", str(seed)])


@pytest.mark.parametrize("loss", plain.__all__)
def test_a_plain_loss_passes(loss):
    source = f"conformance.mutants.plain:{loss}"
    reductions = ("none", "mean", "batchmean")
    chosen = Selection((Selected(loss, source),), CORE, ("float32",), reductions, ("cpu",), ("eager",), "smoke", 0)
    control = trial.Finding(source, loss, "control")
    for check in CORE:
        for item in items(chosen, check):
            assert trial.failure(item, control) is None


def test_a_mutant_that_hangs_is_caught(monkeypatch):
    monkeypatch.setattr(trial, "PATIENCE", 0.2)
    subject = Subject(factory=Endless, name="endless")
    item = Item(subject, "mse_loss", "value", "float32", "none", "cpu", "eager", 0, "smoke")
    assert "hangs" in trial.failure(item, trial.Finding("endless", "MSELoss", "planted")).message


@pytest.mark.parametrize(("name", "words"), [("Dies", "SIGKILL"), ("Exits", "status 3"), ("Segfaults", "SIGSEGV")])
def test_a_mutant_that_ends_its_process_is_caught_and_ends_no_other(name, words):
    found = trial.alone(ZOO[name], trial.Task("MSELoss", (name,), (), ("value",), "smoke"))
    assert words in found.message


def test_a_mutant_that_changes_its_process_leaves_this_one_as_it_was():
    found = trial.alone(ZOO["SetsDefaultDtype"], trial.Task("MSELoss", (), (), ("purity",), "smoke"))
    assert (found.check, found.question) == ("purity", "modes")
    assert torch.get_default_dtype() is torch.float32


def test_a_mutant_that_raises_at_every_call_is_not_counted():
    broken = mutant_by("HuberLoss", f"Elementwise.forward: reduced({REDUCED}) -> reduced({OTHERWISE})")
    assert not choice.runs(mechanical.find(broken))


def test_a_row_that_the_right_loss_fails_proves_nothing(monkeypatch):
    kept_in_zoo(monkeypatch, "Doubled", base=f"{HERE}:Doubled")
    outcome = trial.Trial(trial.Task("HuberLoss", ("Doubled",), (), ("value",), "smoke")).run()
    assert not outcome.mutants[0].caught
    assert outcome.left_out


def test_a_mutant_that_is_not_there_is_not_caught_but_an_error(monkeypatch):
    kept_in_zoo(monkeypatch, "NotThere")
    with pytest.raises(ImportError, match="NotThere"):
        trial.Trial(trial.Task("HuberLoss", ("NotThere",), (), ("value",), "smoke")).run()


def test_every_row_of_a_run_is_asked_once():
    task = trial.Task("L1Loss", (), (), CORE, "smoke")
    chosen = selection("L1Loss", None, CORE, "smoke", 0)
    assert {r.contract_name for r in trial.rows(task)} == {"l1_loss", "l1_loss_complex"}
    assert len(trial.rows(task)) == sum(len(items(chosen, check)) for check in CORE)
    assert set(CORE) <= set(CHECKS)


def test_all_mutants_caught_and_no_false_alarm_is_status_0(monkeypatch, capsys):
    assert run(monkeypatch, "Doubled", controls=("Same",)) == 0
    assert "1 of 1 mutants caught, 0 of 1 controls flagged" in capsys.readouterr().out


def test_a_survivor_is_status_1(monkeypatch, capsys):
    assert run(monkeypatch, "Doubled", "Same") == 1
    assert "survives: Same (NOT LISTED)" in capsys.readouterr().out


def test_a_false_alarm_is_status_1(monkeypatch, capsys):
    assert run(monkeypatch, "Doubled", controls=("Doubled",)) == 1
    assert "FLAGGED although correct" in capsys.readouterr().out


def test_at_another_seed_one_mutant_in_a_hundred_may_survive():
    caught = [trial.Finding(str(i), "L1Loss", "planted", "value") for i in range(99)]
    missed = [trial.Finding("missed", "L1Loss", "planted")]
    assert score.exit_status([trial.Outcome("L1Loss", caught + missed)], 1) == 0
    assert score.exit_status([trial.Outcome("L1Loss", caught + missed)], 0) == 1
    assert score.exit_status([trial.Outcome("L1Loss", caught[1:] + missed)], 1) == 1


def test_a_listed_survivor_is_in_the_zoo_and_has_a_reason():
    for name, entry in score.listed().items():
        assert name in ZOO
        assert len(entry["reason"]) > 20
