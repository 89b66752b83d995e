"""In every mode a loss that is right in eager mode and wrong in this one is found, and a correct one passes."""

from contextlib import nullcontext

import pytest
import torch

from conformance.corpus import Corpus
from conformance.deviations.deviation import witness_case
from conformance.modes import MODES
from conformance.mutants.judging import faults
from conformance.refusal import Malformed, Refused, Unpromised
from conformance.row import Item, Row
from conformance.session import Session
from conformance.subject import Subject, torch_subject
from reference import CONTRACTS

CONTRACT_OF = {c.loss: c for c in CONTRACTS.values() if "float16" in c.dtypes}


class Plain(torch.nn.Module):
    """The mean of squares, operation by operation."""

    def __init__(self, reduction="mean"):
        super().__init__()
        self.reduction = reduction

    def terms(self, input, target):
        return (input - target) ** 2

    def forward(self, input, target):
        terms = self.terms(input, target)
        return terms if self.reduction == "none" else getattr(terms, self.reduction)()


class OnDefaultDevice(Plain):
    """Makes a constant without saying where."""

    def terms(self, input, target):
        return super().terms(input, target) * torch.ones(1)


class HalfProduct(Plain):
    """Squares by a matrix product, which autocast runs in bfloat16, and hides that."""

    def terms(self, input, target):
        apart = (input - target).unsqueeze(-1)
        return (
            (apart.unsqueeze(-1) @ apart.unsqueeze(-1))
            .squeeze(-1)
            .squeeze(-1)
            .to(torch.promote_types(input.dtype, torch.float32))
        )


class OtherAlgorithm(Plain):
    """Has another algorithm where a deterministic one is asked for: a wrong one."""

    def terms(self, input, target):
        return super().terms(input, target) * (2 if torch.are_deterministic_algorithms_enabled() else 1)


class Wavering(Plain):
    """Differs from call to call in a last bit, within any bound."""

    calls = 0

    def terms(self, input, target):
        Wavering.calls += 1
        terms = super().terms(input, target)
        return torch.nextafter(terms, 2 * terms) if Wavering.calls % 2 else terms


class Difference(torch.autograd.Function):
    """Squares of differences with rules for transforms, both of them wrong."""

    @staticmethod
    def forward(input, target):
        return (input - target) ** 2

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx, up):
        input, target = ctx.saved_tensors
        return 2 * up * (input - target), -2 * up * (input - target)

    @staticmethod
    def vmap(info, dims, input, target):
        """Takes the first target for that of every call."""
        return Difference.apply(input, target[:1].expand_as(target)), 0

    @staticmethod
    def jvp(ctx, input_moves, target_moves):
        """Forgets that the target moves too."""
        input, target = ctx.saved_tensors
        return 2 * (input - target) * input_moves


class WithRules(Plain):
    """Its operation has rules of its own."""

    def terms(self, input, target):
        return Difference.apply(input, target)


class KeepsNegated(torch.nn.NLLLoss):
    """Computes with what it made of the weight when it was made, and not with its buffer."""

    def __init__(self, weight=None, **options):
        super().__init__(weight, **options)
        self.kept = None if weight is None else -weight

    def forward(self, input, target):
        weight = None if self.kept is None else -self.kept
        return torch.nn.functional.nll_loss(
            input, target, weight, ignore_index=self.ignore_index, reduction=self.reduction
        )


#: (mode, check, contract, subject): each is right in eager mode.
PLANTED = [
    ("default_device", "value", "mse_loss", OnDefaultDevice),
    ("autocast", "value", "mse_loss", HalfProduct),
    ("deterministic", "value", "mse_loss", OtherAlgorithm),
    ("deterministic", "value", "mse_loss", Wavering),
    ("vmap", "value", "mse_loss", WithRules),
    ("jvp", "forward_mode", "mse_loss", WithRules),
    ("functional_call", "value", "nll_loss", KeepsNegated),
    ("functional_call", "gradient", "nll_loss", KeepsNegated),
]  # fmt: skip
#: What a correct loss is asked in every mode.
ASKED = [(name, check) for name in sorted(MODES) for check in ("value", "gradient", "forward_mode")
         if name not in ("eager", "compile", "export", "script") and MODES[name].asks(check)]  # fmt: skip


def row(mode: str, check: str, contract: str, factory, dtype: str = "float32") -> Row:
    """A smoke row of a subject in a mode."""
    subject = Subject(factory, name=f"mine:{factory.__name__}")
    found = Row(Item(subject, contract, check, dtype, "none", "cpu", mode, 0, "smoke"), Corpus())
    for case in found.cases():
        found.feed(case)
    return found


@pytest.mark.parametrize(("mode", "check", "contract", "factory"), PLANTED)
def test_what_is_wrong_in_a_mode_alone_is_found_in_it(mode, check, contract, factory):
    assert faults(row(mode, check, contract, factory))


@pytest.mark.parametrize(("contract", "factory"), dict.fromkeys((c, f) for _, _, c, f in PLANTED))
def test_in_eager_mode_it_is_right(contract, factory):
    assert not faults(row("eager", "value", contract, factory))


@pytest.mark.parametrize(("mode", "check"), ASKED)
def test_a_correct_loss_passes(mode, check):
    found = row(mode, check, "mse_loss", Plain)
    assert not faults(found)
    assert any(tally.cases for tally in found.tallies.values())


@pytest.mark.parametrize(("mode", "check"), [a for a in ASKED if a[1] != "forward_mode"])
def test_a_weighted_loss_passes(mode, check):
    assert not faults(row(mode, check, "nll_loss", torch.nn.NLLLoss))


def test_another_dtype_than_that_of_torch_under_autocast_is_a_note():
    found = row("autocast", "value", "mse_loss", Plain, "float16").tally("value")
    assert not found.problems
    assert not found.cases
    assert list(found.notes) == ["value has dtype float16 under autocast, and not float32: nothing says which"]


@pytest.mark.parametrize(("loss", "device", "raised"), [
    ("PairwiseDistance", "cpu", Malformed), ("PairwiseDistance", "cuda", Unpromised), ("MSELoss", "cuda", None),
])  # fmt: skip
def test_what_autocast_documents_of_the_dtype_depends_on_the_device(loss, device, raised):
    case = witness_case(loss, "float16", **{name: [[1.0, 2.0]] for name in CONTRACT_OF[loss].positional})
    session = Session(torch_subject(case.contract), case, "cpu", mode="autocast")
    session.device = device
    with pytest.raises(raised) if raised else nullcontext():
        MODES["autocast"].typed(session, "value", torch.zeros((), dtype=torch.float32))


class Raises(Plain):
    """Fails in the middle of a call."""

    def terms(self, input, target):
        raise ValueError("no")


def settings() -> tuple:
    return (
        torch.get_default_device(), torch.is_autocast_enabled("cpu"), torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )  # fmt: skip


@pytest.mark.parametrize("mode", ["default_device", "autocast", "deterministic", "functional_call", "vmap", "jvp"])
def test_the_process_is_as_before_also_after_an_exception(mode):
    before, case = settings(), witness_case("MSELoss", "float32", input=[1.0], target=[2.0])
    session = Session(Subject(Raises, name="raises"), case, "cpu", mode=mode)
    with pytest.raises(Refused, match="no"):
        session.values()
    assert settings() == before


class BackwardAlgorithm(Plain):
    """Its backward pass has another algorithm where a deterministic one is asked for: a wrong one."""

    class Scale(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, up):
            return up * (2 if torch.are_deterministic_algorithms_enabled() else 1)

    def terms(self, input, target):
        return self.Scale.apply(super().terms(input, target))


def test_the_backward_pass_is_deterministic_too():
    assert not faults(row("eager", "gradient", "mse_loss", BackwardAlgorithm))
    assert faults(row("deterministic", "gradient", "mse_loss", BackwardAlgorithm))


def test_a_mode_that_lacks_something_says_so_and_skips():
    found = row("vmap", "value", "gaussian_nll_loss", torch.nn.GaussianNLLLoss).tally("value")
    assert not found.problems
    assert any("data-dependent control flow" in words for words in found.refusals)


def test_every_contract_is_known_to_autocast_or_runs_as_in_eager_mode():
    from conformance.modes.autocast import IN_FLOAT32, WITH_PRODUCTS

    losses = {c.loss for c in CONTRACTS.values()}
    assert {*IN_FLOAT32, *WITH_PRODUCTS} <= losses
