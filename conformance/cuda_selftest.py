"""A run on a GPU, told by a device that only pretends: failures land where they are caused, and cost their worker."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from conformance import attempt as attempts
from conformance import cuda, environment, isolation
from conformance.attempt import anew, attempt
from conformance.checks import CHECKS
from conformance.checks.rejection import on_device
from conformance.checks.special_values import is_asserted
from conformance.child import Crashed, in_new_process
from conformance.corpus import Corpus
from conformance.deviations import DEVIATIONS
from conformance.deviations.deviation import witness_case
from conformance.invalid import catalogue
from conformance.options_selftest import read, run
from conformance.refusal import Poisoned
from conformance.row import Item, Row, apart
from conformance.session import Session
from conformance.subject import torch_subject
from reference import CONTRACTS
from reference.arithmetic.formats import format_of
from reference.arithmetic.rounded import Model, Rounded

ASSERTION = "CUDA error: device-side assert triggered"
CASE = witness_case("MSELoss", "float32", input=[1.0, 2.0], target=[0.5, 2.5])
OUT_OF_RANGE = witness_case("NLLLoss", "float32", input=[[-1.0, -2.0]], target=[5])


def on_cuda(check: str = "value") -> Item:
    subject = torch_subject(CONTRACTS["mse_loss"])
    return Item(subject, "mse_loss", check, "float32", "none", "cuda", "eager", 0, "smoke")


@pytest.fixture
def lost(monkeypatch):
    """A device whose context is lost: waiting for it raises."""

    def fail():
        raise RuntimeError(f"{ASSERTION}\nCompile with `TORCH_USE_CUDA_DSA`")

    monkeypatch.setattr(torch.cuda, "synchronize", fail)


def test_nothing_waits_for_a_gpu_on_the_cpu(lost):
    cuda.settle("cpu")


def test_a_late_failure_lands_on_the_case_that_caused_it(lost, monkeypatch):
    monkeypatch.setitem(CHECKS, "value", replace(CHECKS["value"], ask=lambda row, case: None))
    with pytest.raises(Poisoned, match=ASSERTION):
        Row(on_cuda(), Corpus()).feed(CASE)


def test_a_lost_context_stands_above_what_it_made_of_the_answer(lost, monkeypatch):
    def ask(row, case):
        raise RuntimeError("an answer could not be copied")

    monkeypatch.setitem(CHECKS, "value", replace(CHECKS["value"], ask=ask))
    with pytest.raises(Poisoned, match=ASSERTION):
        Row(on_cuda(), Corpus()).feed(CASE)


POISONS = f'''
import torch
from conformance.refusal import Poisoned

class Poisons(torch.nn.MSELoss):
    def forward(self, input, target):
        raise Poisoned(RuntimeError("{ASSERTION}"))
'''


def test_a_lost_context_ends_the_worker_and_others_are_judged(tmp_path):
    (tmp_path / "mine.py").write_text(POISONS)
    options = ("--subject", "MSELoss=mine.py:Poisons", "--subject", "L1Loss=torch.nn:L1Loss", "--check", "value")
    done = run(*options, "--dtype", "float32", "--reduction", "none", "--budget", "smoke", cwd=tmp_path, workers=1)
    rows = {r["loss"]: r for r in read(tmp_path)["rows"]}
    assert done.returncode == 1
    assert rows["MSELoss"]["message"] == f"crashed its worker process: {ASSERTION}"
    assert rows["L1Loss"]["verdict"] == "pass"


@pytest.mark.parametrize(("devices", "limited"), [(("cpu",), True), (("cpu", "cuda"), False), (("cuda",), False)])
def test_memory_is_limited_where_no_gpu_takes_part(devices, limited, monkeypatch):
    limits = []
    monkeypatch.setattr(isolation.resource, "setrlimit", lambda *given: limits.append(given))
    isolation.Isolation.limit_memory(devices)
    assert bool(limits) == limited


def test_workers_share_the_memory_and_round_nothing_in_secret(monkeypatch):
    shares = []
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", shares.append)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    monkeypatch.delenv(cuda.WORKSPACE[0], raising=False)
    cuda.prepare(4)
    assert shares == [cuda.MEMORY / 4]
    assert not torch.backends.cuda.matmul.allow_tf32
    assert not torch.backends.cudnn.allow_tf32
    assert cuda.os.environ[cuda.WORKSPACE[0]] == cuda.WORKSPACE[1]


@pytest.mark.parametrize(("perilous", "device", "anew"), [(True, "cuda", True), (True, "cpu", False)])
def test_perilous_calls_on_a_gpu_have_a_process_of_their_own(perilous, device, anew, monkeypatch):
    asked = []
    monkeypatch.setattr(attempts, "in_new_process", lambda ask: asked.append(ask) or attempts.Attempt("refused"))
    told = attempt(torch_subject(OUT_OF_RANGE.contract), OUT_OF_RANGE, device, perilous)
    assert bool(asked) == anew
    assert told.ending == "refused"


@pytest.mark.parametrize("name", ["torch.nn.NLLLoss", "torch.nn:NLLLoss"])
def test_a_new_process_finds_the_subject_and_answers(name):
    told = in_new_process(partial(anew, name, replace(OUT_OF_RANGE, declared=()), "cpu", "eager"))
    assert told.ending == "refused"
    assert told.kinds[0] == "builtins.IndexError"


def test_a_context_that_is_lost_in_a_process_of_its_own_has_refused(lost, monkeypatch):
    monkeypatch.setattr(attempts, "settle", lambda device: cuda.settle("cuda"))
    told = anew("torch.nn.MSELoss", CASE, "cpu", "eager")
    assert (told.ending, told.said, told.kinds[0]) == ("refused", ASSERTION, "builtins.RuntimeError")


def test_a_new_process_that_dies_is_survived():
    with pytest.raises(Crashed, match="exits with status 3"):
        in_new_process(partial(cuda.os._exit, 3))


def test_a_subject_without_a_name_to_import_is_not_asked():
    class Local(torch.nn.NLLLoss):
        pass

    subject = replace(torch_subject(OUT_OF_RANGE.contract), name="mine", factory=Local)
    assert attempt(subject, OUT_OF_RANGE, "cuda", True).ending == "unasked"


def rows_on_a_gpu_that_is_the_cpu(monkeypatch, actual) -> Row:
    """The row of a device that answers ``actual``, whose sessions are those of the CPU."""
    row = Row(on_cuda(), Corpus())
    monkeypatch.setattr(row, "session", lambda case, *rest: Session(row.item.subject, case, "cpu"))
    row.judge(CASE, "value", actual)
    return row


@pytest.mark.parametrize("ulps", [0, 1])
def test_the_difference_from_the_cpu_is_recorded_in_bounds(ulps, monkeypatch):
    right = CASE.expected("value").value
    step = ulps * format_of("float32").ulp(right)
    tally = rows_on_a_gpu_that_is_the_cpu(monkeypatch, right + step).tally("value")
    assert tally.cpu_difference == np.max(step / CASE.expected("value").error)
    assert not tally.failures


def test_a_difference_of_class_is_infinite_and_nothing_is_said_where_nothing_is_promised():
    expected = Rounded(np.array([1.0, 1.0]), np.array([0.5, np.inf]), Model(format_of("float32")))
    assert apart(expected, np.array([1.0, 7.0]), np.array([1.0, 1.0])) == 0
    assert apart(expected, np.array([np.nan, 1.0]), np.array([1.0, 1.0])) == np.inf


def test_what_lies_in_a_kernel_of_the_cpu_excuses_nothing_on_a_gpu():
    item = replace(on_cuda(), contract_name="multi_margin_loss")
    empty = DEVIATIONS["MultiMarginLoss-empty-batch"]
    case = empty.witness()
    assert empty.concerns(replace(item, device="cpu"), "value", case)
    assert not empty.concerns(item, "value", case)


def test_a_formula_that_torch_shares_between_devices_excuses_on_both():
    tail = DEVIATIONS["BCEWithLogitsLoss-tail-cancels"]
    item = replace(on_cuda(), contract_name="binary_cross_entropy_with_logits")
    assert all(tail.concerns(replace(item, device=d), "value", tail.witness()) for d in ("cpu", "cuda"))


def test_the_header_names_the_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA X")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (9, 0))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    name = environment.environment(("cpu", "cuda"))["gpu"]
    assert name == "NVIDIA X (capability 9.0, CUDA 13.0, no TF32, one of 2)"


def test_numbers_outside_a_domain_are_perilous_on_a_gpu():
    outside = catalogue("binary_cross_entropy")["input-values"]
    assert not any(each.perilous for each in on_device("cpu", "input-values", outside))
    assert all(each.perilous for each in on_device("cuda", "input-values", outside))


@pytest.mark.parametrize(("loss", "asserted"), [("BCELoss", True), ("MSELoss", False)])
def test_nan_is_not_put_where_kernels_assert_an_interval(loss, asserted):
    assert is_asserted(witness_case(loss, "float32", input=[np.nan], target=[0.5])) == asserted
