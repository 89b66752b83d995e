"""Every question that compares a subject with itself has a script: status 1 with the fault, 0 without it."""

import sys
from functools import cache

import pytest
import torch

from conformance import outcome
from conformance.checks import CHECKS
from conformance.global_state import GENERATORS, SETTINGS
from conformance.mutants import impure
from conformance.mutants.impure_selftest import FORMS
from conformance.reproducers import spelled_purity, spelled_questions
from conformance.reproducers.reproducers_selftest import imports
from conformance.reproducers.script import LINES, Finding, run
from conformance.row import Item, Row
from conformance.subject import Subject
from reference import CONTRACTS


class RequiresUnasked(impure.Squares):
    """The result requires a gradient whatever is given."""

    def forward(self, input, target):
        return super().forward(input, target) + torch.zeros((), requires_grad=True)


class RefusesInEval(impure.Squares):
    """Cannot be called in ``eval()``."""

    def forward(self, input, target):
        if not self.training:
            raise RuntimeError("only for training")
        return super().forward(input, target)


class KeepsBuffer(impure.Squares):
    """Counts in a buffer."""

    def __init__(self, reduction="mean"):
        super().__init__(reduction)
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, input, target):
        self.seen += 1e-9
        return super().forward(input, target)


class HalvesWhatIsLeft(impure.Squares):
    """Halves ``.grad`` after every backward pass to a leaf."""

    def forward(self, input, target):
        def halve(leaf):
            if leaf.grad is not None:
                leaf.grad.mul_(0.5)

        if input.requires_grad and input.is_leaf and not input._post_accumulate_grad_hooks:
            input.register_post_accumulate_grad_hook(halve)
        return super().forward(input, target)


class HearsTwice(impure.Squares):
    """Twice the gradient where there is a hook."""

    def forward(self, input, target):
        return super().forward(2 * input - input.detach() if input._backward_hooks else input, target)


class BreaksCopied(impure.Squares):
    """Adds one once it has been copied."""

    copied = 0.0

    def __deepcopy__(self, memo):
        self.copied = 1.0
        return BreaksCopied(self.reduction)

    def forward(self, input, target):
        return super().forward(input, target) + self.copied


class RemembersDtype(impure.Squares):
    """Half the loss once it has seen float64."""

    half = 1.0

    def forward(self, input, target):
        self.half = 0.5 if input.dtype == torch.float64 else self.half
        return self.half * super().forward(input, target)


#: Further faults, and the questions that find them.
MORE = {
    RequiresUnasked: ("completeness", "requires-grad"),
    RefusesInEval: ("purity", "train-eval"),
    KeepsBuffer: ("purity", "module-unchanged"),
    HalvesWhatIsLeft: ("completeness", "accumulates"),
    HearsTwice: ("completeness", "hooks"),
    BreaksCopied: ("purity", "deepcopy"),
    RemembersDtype: ("purity", "another-shape"),
    impure.SecondPassIsNought: ("completeness", "once-only"),
    impure.CopyForgets: ("purity", "pickle"),
}
ASKED = ("purity", "completeness")
PLANTED = {(getattr(impure, k), *found) for k, found in impure.FOUND_BY.items() if found[0] in ASKED} | {
    (factory, *found) for factory, found in MORE.items()
}
planted = pytest.mark.parametrize(
    ("factory", "check", "question"), sorted(PLANTED, key=str), ids=lambda x: getattr(x, "__name__", x)
)


@cache
def script_of(factory, check: str, question: str) -> str | None:
    """The script of the first failure, by way of the row that finds it."""
    form = FORMS.get(factory.__name__, ("mse_loss", "float32", "mean"))
    subject = Subject(factory, f"{factory.__module__}:{factory.__name__}")
    contract, dtype, reduction = form
    row = Row(Item(subject, contract, check, dtype, reduction, "cpu", "eager", 0, "smoke", question))
    for case in row.cases():
        row.feed(case)
    return next(r["exhibit"].script for r in outcome.finish(row) if r["verdict"] == "fail")


@planted
def test_the_script_of_a_planted_fault_shows_it_and_nothing_with_the_loss_of_torch(factory, check, question):
    text = script_of(factory, check, question)
    loss = "BCELoss" if issubclass(factory, torch.nn.BCELoss) else "MSELoss"
    assert text is not None
    assert run(text)[0] == 1
    assert run(text.replace(f" {factory.__name__}(", f" torch.nn.{loss}("))[0] == 0


@planted
def test_a_script_has_15_lines_of_ascii_at_most_and_needs_torch_and_the_subject(factory, check, question):
    text = script_of(factory, check, question)
    assert len(text.splitlines()) <= LINES
    assert text.isascii()
    assert imports(text) - sys.stdlib_module_names - {"numpy"} == {"torch", factory.__module__}


def test_a_setting_that_a_script_changes_is_put_back():
    before = {k: s.read() for k, s in (SETTINGS | GENERATORS).items()}
    run("import torch\ntorch.set_default_dtype(torch.float64)\ntorch.rand(())\ntorch.set_grad_enabled(False)\n")
    assert {k: s.read() for k, s in (SETTINGS | GENERATORS).items()} == before


def test_every_setting_and_every_generator_can_be_read_in_a_script():
    assert set(spelled_purity.SETTINGS) == set(SETTINGS)
    assert set(spelled_purity.GENERATORS) == set(GENERATORS)
    for imported, read in spelled_purity.SETTINGS.values():
        assert run("\n".join(["import torch", *imported, f"state = {read}", "raise SystemExit(0)"])) == (0, "")
    for imported, draw, read in (g for name, g in spelled_purity.GENERATORS.items() if "CUDA" not in name):
        changed = f"before = {read}\n{draw}\nraise SystemExit(0 if {read} == before else 1)"
        assert run("\n".join(["import torch", *imported, changed])) == (1, "")


@pytest.mark.parametrize("check", ASKED)
def test_every_question_but_those_about_form_and_numbers_has_a_planted_fault_with_a_script(check):
    without = set(CHECKS[check].questions(CONTRACTS["mse_loss"])) - {q for _, c, q in PLANTED if c == check}
    assert without == ({"form"} if check == "completeness" else set())


def test_what_is_not_there_has_no_script():
    item = Item(Subject(torch.nn.MSELoss), "mse_loss", "purity", "float32", "sum", "cpu", "eager", 0, "smoke", "rng")
    finding = Finding(next(Row(item).cases()), "value", (0,), "torch.nn.MSELoss", question="second-call")
    assert spelled_questions.shown(finding, "value of the second call is another one") is None
    assert spelled_questions.shown(finding, "raises RuntimeError: no such thing") is None
    assert spelled_questions.shown(finding, "says something that nobody knows") is None
