"""A loss that goes wrong while a network is trained with it is found, at the step where it does; a right one is not."""

import pytest
import torch

from conformance.checks import CHECKS
from conformance.outcome import finish
from conformance.row import Item, Row
from conformance.student import told, train
from conformance.subject import Subject, single_threaded
from conformance.training import is_learnable, task_of
from reference import CONTRACTS

EPOCHS = 8
LEARNABLE = [name for name, contract in CONTRACTS.items() if is_learnable(contract)]


class Steeper(torch.autograd.Function):
    """The number itself, with a gradient that is one percent too large where it is marked."""

    @staticmethod
    def forward(ctx, x, marks):
        ctx.save_for_backward(marks)
        return x.clone()

    @staticmethod
    def backward(ctx, upstream):
        return upstream * torch.where(ctx.saved_tensors[0], 1.01, 1.0), None


class LateMSE(torch.nn.MSELoss):
    """The gradient is one percent too large from the 51st call on."""

    calls = 0

    def forward(self, input, target):
        self.calls += 1
        return super().forward(Steeper.apply(input, torch.tensor(self.calls > 50)), target)


class LargeSoftMargin(torch.nn.SoftMarginLoss):
    """The gradient is one percent too large for log-odds beyond 6, which an untrained network does not reach."""

    def forward(self, input, target):
        return super().forward(Steeper.apply(input, input.abs() > 6), target)


class DetachedNLL(torch.nn.NLLLoss):
    """No gradient reaches the network."""

    def forward(self, input, target):
        return super().forward(input.detach(), target)


class FusedMSE(torch.nn.Module):
    """A control: the same, computed another way."""

    def __init__(self, reduction="mean"):
        super().__init__()
        self.reduction = reduction

    def forward(self, input, target):
        return (input - target).pow(2).mean()


def trained(factory, contract: str, seed: int = 0):
    """The rows of results of a training run."""
    single_threaded()
    reduction = CHECKS["training"].reductions(CONTRACTS[contract])[0]
    subject = Subject(factory, name=f"{__name__}:{factory.__name__}")
    row = Row(Item(subject, contract, "training", "float32", reduction, "cpu", "eager", seed, "gate"))
    curves = train(row)
    return told(finish(row), curves)


def by_quantity(rows) -> dict:
    return {row["quantity"]: row for row in rows}


def test_a_gradient_that_goes_wrong_late_is_found_at_the_step_where_it_does():
    rows = by_quantity(trained(LateMSE, "mse_loss"))
    assert rows["value"]["verdict"] == "pass"
    assert rows["grad_input"]["verdict"] == "fail"
    assert rows["value"]["curves"]["parted"] == 51 - 51 // 7  # six steps in an epoch, and a call on what is held back
    assert "first wrong at step" in rows["grad_input"]["message"]


def test_a_gradient_that_is_wrong_for_large_log_odds_only_is_found():
    rows = by_quantity(trained(LargeSoftMargin, "soft_margin_loss"))
    assert rows["grad_input"]["verdict"] == "fail"
    assert rows["value"]["curves"]["parted"] > 20


def test_a_loss_without_gradient_is_found_at_once():
    rows = trained(DetachedNLL, "nll_loss")
    assert "fail" in {row["verdict"] for row in rows}
    assert rows[0]["curves"]["parted"] == 1


def test_a_correct_loss_that_is_computed_another_way_passes():
    rows = trained(FusedMSE, "mse_loss")
    assert {row["verdict"] for row in rows} == {"pass"}
    curves = rows[0]["curves"]
    assert curves["parted"] is None
    assert {len(x) for run in (curves["train"], curves["validation"]) for x in run.values()} == {EPOCHS}


def test_a_network_learns_with_the_subject_as_with_the_oracle():
    (train,) = (row["curves"]["train"] for row in trained(torch.nn.MSELoss, "mse_loss") if row["curves"])
    assert train["subject"][-1] < train["subject"][0] / 1.5
    assert train["oracle"][-1] < train["oracle"][0] / 1.5


def test_a_training_run_is_the_same_again_and_another_with_another_seed():
    first, second, other = ([row["curves"] for row in trained(torch.nn.L1Loss, "l1_loss", seed)] for seed in (0, 0, 1))
    assert first == second
    assert first != other


@pytest.mark.parametrize("contract", LEARNABLE)
def test_a_task_has_a_target_for_every_row(contract):
    task = task_of(CONTRACTS[contract])
    assert len(task.targets) == len(task.features) == {"digits": 1797, "diabetes": 442}[task.data]


def test_losses_of_classes_and_of_numbers_are_trained_with():
    assert {CONTRACTS[name].loss for name in LEARNABLE} >= {
        "CrossEntropyLoss", "NLLLoss", "MultiMarginLoss", "MultiLabelSoftMarginLoss", "MultiLabelMarginLoss", "BCELoss",
        "BCEWithLogitsLoss", "HingeEmbeddingLoss", "SoftMarginLoss", "KLDivLoss",
        "MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss", "PoissonNLLLoss", "GaussianNLLLoss",
    }  # fmt: skip
