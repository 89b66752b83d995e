"""Bad options: one clear line each, before any work."""

import sys

import pytest

from perf.gate.errors import Bad
from perf.gate.options import read

HEAD = ["--subject", "MSELoss=torch.nn:MSELoss"]
AGAINST = [*HEAD, "--against", "torch"]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "--subject LOSS=MODULE:ATTR is missing"),
        (HEAD, "exactly one base"),
        ([*AGAINST, "--base-rev", "HEAD"], "exactly one base"),
        ([*HEAD, "--against", "jax"], "--against jax: there is only torch"),
        ([*HEAD, "--base-path", "absent"], "--base-path absent: no such folder"),
        ([*HEAD, "--base-subject", "L1Loss=torch.nn:L1Loss"], "--base-subject names none for MSELoss"),
        ([*HEAD, "--base-python", "absent"], "--base-python absent: no such program"),
        ([*HEAD, "--base-python", sys.executable, "--tier", "2"], "two interpreters cannot pair"),
        ([*HEAD, "--head-python", "false"], "cannot measure"),
        ([*AGAINST, *HEAD], "there is another one of MSELoss"),
        (["--subject", "Foo=torch.nn:MSELoss", "--against", "torch"], "unknown loss 'Foo'"),
        (["--subject", "MSELoss=absent:MSELoss", "--against", "torch"], "no module absent"),
        (["--subject", "torch.nn", "--against", "torch"], "write LOSS=MODULE:ATTR"),
        ([*AGAINST, "--loss", "Foo"], "unknown loss 'Foo'"),
        ([*AGAINST, "--loss", "L1Loss"], "no chosen subject is of that loss"),
        ([*AGAINST, "--size", "L"], "unknown size 'L': choose from S, M"),
        ([*AGAINST, "--tier", "3"], "unknown tier '3'"),
        ([*AGAINST, "--direction", "up"], "unknown direction 'up'"),
        ([*AGAINST, "--dtype", "int8"], "no chosen subject has cells of it"),
        ([*AGAINST, "--accepted", "absent.toml"], "--accepted absent.toml: FileNotFoundError"),
        ([*AGAINST, "--results", "/dev/null/r.json"], "cannot be written"),
        ([*AGAINST, "--absent"], "unrecognized arguments: --absent"),
        ([*AGAINST, "--seed", "x"], "invalid int value: 'x'"),
    ],
)
def test_a_bad_option_is_one_line(tmp_path, given, said):
    with pytest.raises(Bad) as problem:
        read(given, tmp_path)
    assert said in str(problem.value)
    assert "\n" not in str(problem.value)


def test_cells_are_both_passes_and_both_sizes_of_float32(tmp_path):
    asked = read(AGAINST, tmp_path)
    assert [p.key for p in asked.pairs] == [
        f"MSELoss-eager-{direction}-{size}-float32-cpu"
        for size in ("S", "M") for direction in ("forward", "forward+backward")
    ]  # fmt: skip


def test_filters_leave_what_they_name(tmp_path):
    asked = read([*AGAINST, "--size", "S", "--direction", "forward", "--dtype", "float64", "--tier", "0"], tmp_path)
    assert ([p.key for p in asked.pairs], asked.tiers) == (["MSELoss-eager-forward-S-float64-cpu"], ("0",))


def test_two_interpreters_are_compared_by_what_is_exact(tmp_path):
    asked = read(["--loss", "MSELoss", "--base-python", sys.executable], tmp_path)
    assert (asked.tiers, asked.heads) == (("0", "1"), ["torch.nn.MSELoss"])
