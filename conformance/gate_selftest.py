"""check_loss answers in one call: a verdict, a report that shows what is wrong, and one clear line for bad input."""

import json
import time

import pytest
import torch

from conformance import Declared, Subject, Supports, check_loss
from conformance.reproducers.script import run
from reports.load import load


class IgnoresDelta(torch.nn.HuberLoss):
    def forward(self, input, target):
        return torch.nn.functional.huber_loss(input, target, reduction=self.reduction)


class Raises(torch.nn.HuberLoss):
    def __init__(self, **rest):
        raise RuntimeError("no licence")


@pytest.fixture(scope="module")
def wrong():
    return check_loss(IgnoresDelta, like="HuberLoss", checks=("value", "gradient"))


def test_a_right_loss_is_ok():
    report = check_loss(torch.nn.HuberLoss)
    assert report.ok
    assert not report.failures
    assert report.verified > 10_000
    assert {row["check"] for row in report.rows} >= {"value", "gradient", "purity", "rejection", "identity"}


def test_a_wrong_loss_is_not(wrong):
    assert not wrong.ok
    assert all(row["verdict"] == "fail" for row in wrong.failures)
    assert "conformance.gate_selftest:IgnoresDelta as HuberLoss" in str(wrong)


def test_the_report_says_what_was_expected_and_what_came(wrong):
    text = str(wrong)
    for word in ("expected", "got", "test ratio", "ULP", "eager torch gives", f"torch {torch.__version__}", "seed 0"):
        assert word in text


def test_a_failure_has_a_script_that_shows_it(wrong):
    script = wrong.failures[0]["script"]
    assert script.splitlines()[0] in str(wrong)
    assert run(script)[0] == 1


def test_a_script_of_a_loss_without_a_module_calls_it_by_the_name_it_has():
    local = type("Local", (torch.nn.L1Loss,), {"forward": lambda self, i, t: 2 * torch.nn.L1Loss.forward(self, i, t)})
    local.__module__ = "__main__"
    (failure, *_) = check_loss(local, like="L1Loss", checks=("value",), dtypes=("float32",)).failures
    assert "loss = Local(" in failure["script"]
    assert run(failure["script"])[0] == 1


def test_a_saved_report_is_a_results_file(wrong, tmp_path):
    file = wrong.save(tmp_path / "out" / "mine.json")
    results = load(file)
    assert len(results.rows) == len(wrong.rows)
    named = [row["reproducer"] for row in json.loads(file.read_text())["rows"] if row["reproducer"]]
    assert named
    assert all((file.parent / name).exists() for name in named)


def test_a_notebook_shows_the_text_as_it_is(wrong):
    assert wrong._repr_html_().startswith("<pre")
    assert "&lt;" in wrong._repr_html_()


def test_the_caller_finds_random_numbers_and_threads_as_they_were():
    torch.manual_seed(7)
    expected = torch.rand(3, generator=torch.Generator().manual_seed(7)), torch.get_num_threads()
    check_loss(torch.nn.L1Loss, checks=("value",), dtypes=("float32",))
    assert torch.equal(torch.rand(3), expected[0])
    assert torch.get_num_threads() == expected[1]


def test_the_same_call_gives_the_same_report():
    one, two = (check_loss(IgnoresDelta, like="HuberLoss", checks=("value",), dtypes=("float32",)) for _ in range(2))
    assert [r["witness"] for r in one.rows] == [r["witness"] for r in two.rows]


def test_a_declared_deviation_is_known_and_a_stale_one_fails():
    def formula(contract, **given):
        return contract.formula(**{**given, "delta": 1.0})

    few = {"like": "HuberLoss", "checks": ("value", "gradient"), "dtypes": ("float32",)}
    declared = Declared("delta-1", "delta is 1", formula=formula)
    assert check_loss(IgnoresDelta, deviations=declared, **few).ok
    stale = Declared("no", "why", formula=lambda contract, **given: contract.formula(**given))
    assert "changes nothing" in str(check_loss(torch.nn.HuberLoss, deviations=stale, **few | {"checks": ("value",)}))


def test_a_file_of_expected_deviations_is_taken(tmp_path):
    file = tmp_path / "ours.toml"
    entry = 'id = "ours"\nloss = "HuberLoss"\nreason = "ticket 7"\nratio = inf\ncheck = ["value", "gradient"]\n'
    file.write_text(f"[[deviation]]\n{entry}")
    few = {"like": "HuberLoss", "checks": ("value",), "dtypes": ("float32",)}
    assert check_loss(IgnoresDelta, deviations=file, **few).ok
    assert check_loss(torch.nn.HuberLoss, deviations=str(file), **few).reasons == (
        "expected deviation ours no longer shows: delete it",
    )


def test_a_loss_that_supports_nothing_is_not_ok():
    report = check_loss(torch.nn.L1Loss, supports=Supports(when=lambda case: False, why="never"), checks=("value",))
    assert "no value of L1Loss was verified" in report.reasons[0]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: check_loss(IgnoresDelta), "say which loss it is like"),
        (lambda: check_loss(IgnoresDelta, like="HubertLoss"), "unknown loss 'HubertLoss'"),
        (lambda: check_loss(3, like="HuberLoss"), "a class or a function, not int"),
        (lambda: check_loss(torch.nn.HuberLoss(), like="HuberLoss"), "give the class HuberLoss, not an instance"),
        (lambda: check_loss(Raises, like="HuberLoss"), "its constructor raises RuntimeError: no licence"),
        (lambda: check_loss(torch.nn.L1Loss, checks=["valu"]), "unknown check 'valu'"),
        (lambda: check_loss(torch.nn.L1Loss, dtypes="float31"), "unknown dtype 'float31'"),
        (lambda: check_loss(torch.nn.L1Loss, budget="large"), "unknown budget 'large'"),
        (lambda: check_loss(torch.nn.L1Loss, deviations="/nowhere.toml"), "cannot be read"),
        (lambda: Subject(), "has a factory, or a function make"),
    ],
)
def test_bad_input_is_one_clear_line(call, says):
    with pytest.raises(ValueError, match=says) as raised:
        call()
    assert "\n" not in str(raised.value)


def test_one_loss_answers_within_ten_seconds_of_processor_time():
    began = time.process_time()
    check_loss(torch.nn.TripletMarginLoss, seed=1)
    assert time.process_time() - began < 10
