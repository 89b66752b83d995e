"""Compile mode finds what is wrong only when it is compiled, says what it cannot compile, and bounds its work."""

import pytest
import torch

from conformance.construction import call_like_torch
from conformance.corpus import Corpus
from conformance.modes import compiled
from conformance.modes.compiled import KINDS, NotCompiled, compilations
from conformance.row import Item, Row
from conformance.subject import Subject, torch_subject
from conformance.tally import Tally
from reference import CONTRACTS


class WrongWhenCompiled(torch.nn.MSELoss):
    def forward(self, input, target):
        loss = super().forward(input, target)
        return loss * 1.001 if torch.compiler.is_compiling() else loss


class WithGraphBreak(torch.nn.MSELoss):
    def forward(self, input, target):
        difference = input - target
        torch._dynamo.graph_break()
        return super().forward(difference, torch.zeros_like(difference))


class LeftToEager(torch.nn.MSELoss):
    @torch.compiler.disable
    def forward(self, input, target):
        return super().forward(input, target)


def wrong_call_when_compiled(case, module, inputs):
    loss = call_like_torch(case, module, inputs)
    return loss + 1.0 if torch.compiler.is_compiling() else loss


def asked(subject: Subject, mode: str = "compile", check: str = "value") -> Tally:
    """What a smoke row of the mean squared error says of the subject."""
    row = Row(Item(subject, "mse_loss", check, "float32", "mean", "cpu", mode, 0, "smoke"), Corpus())
    for case in row.cases():
        row.feed(case)
    (tally,) = (t for q, t in row.tallies.items() if q in (None, "value", "grad_input"))
    return tally


def test_a_loss_that_is_wrong_only_when_compiled_passes_in_eager_mode_and_fails_in_compile_mode():
    subject = Subject(WrongWhenCompiled)
    assert asked(subject, "eager").verdict() == "pass"
    assert asked(subject).failures


def test_the_gradient_of_a_loss_that_is_wrong_only_when_compiled_fails():
    assert asked(Subject(WrongWhenCompiled), check="gradient").failures


def test_an_adapter_is_compiled_with_what_it_calls():
    assert asked(Subject(torch.nn.MSELoss, call=wrong_call_when_compiled)).failures


def test_a_loss_in_several_graphs_passes():
    assert asked(Subject(WithGraphBreak)).verdict() == "pass"


def test_a_loss_of_which_nothing_is_compiled_is_a_skip_that_says_so():
    tally = asked(Subject(LeftToEager))
    assert tally.verdict() == "skip"
    assert list(tally.refusals) == ["NotCompiled: torch.compile leaves all of it to eager mode"]


def test_a_row_compiles_no_more_than_its_kinds_of_cases():
    before = compilations()
    tally = asked(torch_subject(CONTRACTS["mse_loss"]))
    assert tally.verdict() == "pass"
    assert compilations() - before == KINDS["smoke"]


def test_without_a_compiler_rows_are_skips_that_say_what_to_install(monkeypatch):
    from torch._inductor import cpp_builder, exc

    def missing():
        raise exc.InvalidCxxCompiler

    monkeypatch.setattr(cpp_builder, "get_cpp_compiler", missing)
    compiled.configure.cache_clear()
    with pytest.raises(NotCompiled, match="install g\\+\\+ or clang\\+\\+"):
        compiled.configure()
    tally = asked(torch_subject(CONTRACTS["mse_loss"]))
    compiled.configure.cache_clear()
    assert tally.verdict() == "skip"
    assert all("install g++" in said for said in tally.refusals)
