"""What does the command of a proof do with options, with Ctrl-C, and with what it finds?"""

import json

import pytest
import torch

from conformance.proof import command, shard
from conformance.proof.command import main


class Doubled(torch.nn.Module):
    """Twice the loss, for positive inputs and targets of -1."""

    def __init__(self, margin=1.0, reduction="mean"):
        super().__init__()
        self.own = torch.nn.HingeEmbeddingLoss(margin, reduction=reduction)

    def forward(self, input, target):
        return self.own(input, target) * torch.where((target < 0) & (input > 0), 2.0, 1.0).to(input.dtype)


HINGE = ["--loss", "HingeEmbeddingLoss", "--dtype", "bfloat16", "--workers", "0"]


def made(folder):
    return json.loads((folder / "hinge_embedding_loss-bfloat16.json").read_text())


def test_a_loss_is_proved_over_all_its_inputs(tmp_path, capsys):
    assert main([*HINGE, "--results", str(tmp_path)]) == 0
    proof = made(tmp_path)
    assert (proof["pairs"], proof["space"], proof["settings"]) == (
        2 << 16, 2 << 16, ["margin=1.0, target=-1.0", "margin=1.0, target=1.0"],
    )  # fmt: skip
    assert proof["statement"].startswith("proved over 131,072 inputs: value: worst error 0.5 ULP at input=")
    assert "proved over 131,072 inputs" in capsys.readouterr().out


def test_a_violation_is_told_as_an_interval_and_by_the_exit_status(tmp_path):
    subject = f"HingeEmbeddingLoss={__name__}:Doubled"
    assert main(["--subject", subject, *HINGE[2:], "--results", str(tmp_path)]) == 1
    (file,) = tmp_path.glob("*.json")
    proof = json.loads(file.read_text())
    (region,) = [r for r in proof["quantities"]["value"]["regions"] if r["elements"] > 1]
    assert region["setting"] == "margin=1.0, target=-1.0"
    assert region["input"] == ["0x1p-133", "0x1.fep-1"]  # at one and beyond, the loss is nought and so is its double
    assert proof["statement"].startswith("violated over")


def test_a_run_that_is_interrupted_goes_on_where_it_stopped(tmp_path, monkeypatch, capsys):
    runs, own = [], shard.prove

    def interrupted(task):
        runs.append(task["plane"])
        if len(runs) == 2:
            raise KeyboardInterrupt
        return own(task)

    monkeypatch.setattr(shard, "prove", interrupted)
    assert main([*HINGE, "--results", str(tmp_path)]) == 2
    assert "1 of 2 shards are done" in capsys.readouterr().err
    assert main([*HINGE, "--results", str(tmp_path)]) == 0
    assert runs == [0, 1, 1]
    assert made(tmp_path)["pairs"] == 2 << 16
    assert not (tmp_path / command.KEPT).exists()


def test_a_subject_that_does_not_import_is_not_proved(tmp_path, capsys):
    assert main(["--subject", "HingeEmbeddingLoss=nowhere:Loss", *HINGE[2:], "--results", str(tmp_path)]) == 1
    assert "not judged: does not import: ModuleNotFoundError" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--loss", "Nope"], "unknown loss 'Nope'"),
        (["--dtype", "float64"], "unknown dtype 'float64'"),
        (["--fraction", "2/3"], "--fraction 2/3: write 1 or 1/N"),
        (["--set", "delta"], "--set delta: write NAME=VALUE"),
        (["--loss", "HuberLoss", "--set", "alpha=1.0"], "HuberLoss has no 'alpha' to set: choose from delta"),
        (["--loss", "CTCLoss"], "nothing to prove: ctc_loss is not about float16"),
        (["--loss", "MSELoss", "--dtype", "float32"], "too many pairs"),
        (["--cotangent", "inf"], "--cotangent inf: write a finite number"),
        (["--loss", "HuberLoss", "--results", "/dev/null/there"], "cannot be written"),
        (["--workers", "two"], "--workers two: write a whole number"),
    ],
)
def test_a_bad_option_is_one_line_and_exit_status_4(options, said, capsys, tmp_path):
    results = [] if "--results" in options else ["--results", str(tmp_path)]
    assert main([*options, *results]) == 4
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1
