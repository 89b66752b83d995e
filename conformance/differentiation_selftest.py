"""Are subjects caught that differentiate wrongly, and those let be that do so rightly or not at all?"""

import pytest
import torch
from torch.autograd.function import once_differentiable

from conformance.outcome import finish
from conformance.row import Item, Row
from conformance.subject import Subject


def squared(make_backward, jvp=None, once=False):
    """A squared error whose backward step is ``make_backward(input, target, up)``."""

    class Squared(torch.autograd.Function):
        @staticmethod
        def forward(ctx, input, target):
            ctx.save_for_backward(input, target)
            ctx.save_for_forward(input, target)
            return (input - target).square()

        @staticmethod
        def backward(ctx, up):
            return make_backward(*ctx.saved_tensors, up)

    if once:
        Squared.backward = staticmethod(once_differentiable(Squared.backward))
    if jvp is not None:
        Squared.jvp = staticmethod(lambda ctx, *tangents: jvp(*ctx.saved_tensors, *tangents))

    class Loss(torch.nn.Module):
        def __init__(self, reduction="mean"):
            super().__init__()
            self.reduction = reduction

        def forward(self, input, target):
            terms = Squared.apply(input, target)
            return terms if self.reduction == "none" else getattr(terms, self.reduction)()

    return Loss


def slope(input, target, up):
    """What the backward step should give."""
    half = up * (input - target)
    return 2 * half, -2 * half


def tangent(input, target, by_input, by_target):
    """What the forward step should give."""
    return 2 * (input - target) * (by_input - by_target)


class Halved(torch.autograd.Function):
    """The identity, whose derivative is one half: a gradient that is right, and whose derivative is not."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, up):
        return up / 2


def verdicts(factory, check: str) -> dict[str, tuple[str, str | None]]:
    """Verdict and message of each quantity, float64, mean."""
    item = Item(Subject(factory, name="own"), "mse_loss", check, "float64", "mean", "cpu", "eager", 0, "smoke")
    row = Row(item)
    for case in row.cases():
        row.feed(case)
    return {r["quantity"]: (r["verdict"], r["message"]) for r in finish(row)}


@pytest.mark.parametrize("check", ["second_derivative", "forward_mode"])
def test_a_loss_that_can_be_differentiated_so_passes(check):
    found = verdicts(squared(slope, tangent), check)
    assert found
    assert all(verdict == "pass" for verdict, _ in found.values())


def test_a_detached_second_gradient_fails():
    found = verdicts(squared(lambda input, target, up: slope(input.detach(), target.detach(), up)), "second_derivative")
    assert found["grad_input"][0] == "fail"
    assert "no derivative reaches it" in found["grad_input"][1]
    assert found["value"][0] == "pass"


def test_a_gradient_that_is_detached_from_its_cotangent_fails():
    found = verdicts(squared(lambda input, target, up: slope(input, target, up.detach())), "second_derivative")
    assert found["value"][0] == "fail"
    assert found["grad_input"][0] == "pass"


def test_a_right_gradient_with_a_wrong_derivative_fails():
    found = verdicts(squared(lambda input, target, up: slope(Halved.apply(input), target, up)), "second_derivative")
    assert found["grad_input"][0] == "fail"


def test_a_wrong_tangent_and_one_that_is_silently_zero_fail():
    for wrong in (lambda *given: 1.01 * tangent(*given), lambda *given: torch.zeros_like(given[0])):
        assert verdicts(squared(slope, wrong), "forward_mode")["value"][0] == "fail"


def test_missing_support_is_skipped_with_its_message():
    once = squared(slope, once=True)
    found = verdicts(once, "second_derivative")
    assert {verdict for verdict, _ in found.values()} == {"skip"}
    assert all("once_differentiable" in message for _, message in found.values())
    verdict, message = verdicts(once, "forward_mode")["value"]
    assert verdict == "skip"
    assert "jvp" in message
