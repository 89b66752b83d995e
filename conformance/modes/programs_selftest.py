"""Export and script mode find what is wrong only there; what torch makes no program of is a skip with its message."""

import pytest
import torch

from conformance.modes.compiled_selftest import asked
from conformance.subject import Subject, torch_subject
from reference import CONTRACTS

MODES = ("export", "script")


class WrongWhenExported(torch.nn.MSELoss):
    def forward(self, input, target):
        loss = super().forward(input, target)
        return loss * 1.001 if torch.compiler.is_exporting() else loss


class WrongWhenScripted(torch.nn.MSELoss):
    def forward(self, input, target):
        loss = torch.nn.functional.mse_loss(input, target, reduction=self.reduction)
        if torch.jit.is_scripting():
            loss = loss * 1.001
        return loss


class BranchesOnNumbers(torch.nn.MSELoss):
    def forward(self, input, target):
        return super().forward(input, target) if (input == input).all() else torch.zeros(())


class Unscriptable(torch.nn.MSELoss):
    def forward(self, *given, **named):
        return super().forward(*given, **named)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("check", ["value", "gradient", "result_type"])
def test_torch_passes(mode, check):
    assert asked(torch_subject(CONTRACTS["mse_loss"]), mode, check).verdict() == "pass"


@pytest.mark.parametrize(("mode", "factory"), [("export", WrongWhenExported), ("script", WrongWhenScripted)])
def test_a_loss_that_is_wrong_only_in_the_mode_passes_in_eager_mode_and_fails_there(mode, factory):
    subject = Subject(factory)
    assert asked(subject, "eager").verdict() == "pass"
    assert asked(subject, mode).failures


@pytest.mark.parametrize(
    ("mode", "factory", "message"),
    [("export", BranchesOnNumbers, "data-dependent"), ("script", Unscriptable, "NotScripted")],
)
def test_what_torch_makes_no_program_of_is_a_skip_with_its_message(mode, factory, message):
    tally = asked(Subject(factory), mode)
    assert tally.verdict() == "skip"
    assert all(message in said for said in tally.refusals)
