"""Every adapter passes a right loss on, and a wrong one fails behind it."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from conformance.adapters import (
    as_maps,
    functional,
    fused_linear,
    jax_loss,
    logits,
    numpy_loss,
    one_hot,
    one_reduction,
    picking,
    probabilities,
    reducing,
    renamed,
    reordered,
)
from conformance.declared_selftest import rows, verdicts
from conformance.subject import Subject
from conformance.supports import Supports


def reduced(terms, reduction):
    return terms if reduction == "none" else getattr(terms, reduction)()


@dataclass
class Terms:
    """A loss of terms: ``factor`` is 1 where it is right."""

    factor: float = 1.0
    reduction: str = "mean"

    def __call__(self, input, target):
        return self.factor * reduced((input - target).abs(), self.reduction)


@dataclass
class Reordered(Terms):
    """Target first, and more than the loss comes back."""

    def __call__(self, target, input):
        huber = F.huber_loss(input, target, reduction=self.reduction, delta=self.threshold)
        return {"other": None, "loss": self.factor * huber}

    threshold: float = 1.0


@dataclass
class OfMaps(Terms):
    """Takes nothing but maps of one channel."""

    def __call__(self, input, target):
        assert input.ndim == 3
        assert input.shape[1] == 1
        return super().__call__(input, target)


@dataclass
class OfOneHot(Terms):
    """Cross-entropy of one-hot targets."""

    def __call__(self, input, target):
        axis = 1 if input.ndim > 1 else 0
        assert target.shape == input.shape
        return self.factor * reduced(-(target * input.log_softmax(axis)).sum(axis), self.reduction)


@dataclass
class OfProbabilities(Terms):
    """Binary cross-entropy as textbooks write it."""

    def __call__(self, input, target):
        terms = -(target * input.log() + (1 - target) * (-input).log1p())
        return self.factor * reduced(terms, self.reduction)


@dataclass
class OfLogits(Terms):
    """The same of log-odds."""

    def __call__(self, input, target):
        terms = target * F.softplus(-input) + (1 - target) * F.softplus(input)
        return self.factor * reduced(terms, self.reduction)


@dataclass
class AlwaysMean:
    """Knows no reduction."""

    factor: float = 1.0

    def __call__(self, input, target):
        return self.factor * (input - target).abs().mean()


def with_factor(cls, factor):
    """A constructor that knows nothing of the factor."""
    return lambda **given: cls(factor=factor, **given)


UNWEIGHTED = Supports(without=("weight",))


def swapped(factor):
    found = reordered(with_factor(Reordered, factor), like="HuberLoss", order=("target", "input"))
    return renamed(picking(found, part="loss"), delta="threshold")


def hot(factor):
    plain = {"ignore_index": (-100,), "label_smoothing": (0.0,)}
    supports = Supports(without=("weight",), options=plain)
    return one_hot(Subject(with_factor(OfOneHot, factor), like="CrossEntropyLoss", supports=supports))


def probable(factor):
    supports = Supports(without=("weight", "pos_weight"))
    return probabilities(
        Subject(with_factor(OfProbabilities, factor), like="BCEWithLogitsLoss", supports=supports), "BCEWithLogitsLoss"
    )


def from_logits(factor):
    return logits(Subject(with_factor(OfLogits, factor), like="BCELoss", supports=UNWEIGHTED))


def huber(factor):
    return functional(lambda *x, **o: factor * F.huber_loss(*x, **o), like="HuberLoss")


def fused(factor):
    def function(input, target, matrix, bias, **options):
        scores = F.linear(input, matrix, bias)
        scores = scores.movedim(-1, 1) if input.ndim > 2 else scores
        return factor * F.cross_entropy(scores, target, **options)

    return fused_linear(function)


def in_jax(factor):
    def function(predictions, targets, alpha=1.0):
        import jax.numpy as jnp

        error = abs(predictions - targets)
        return factor * jnp.where(error <= alpha, 0.5 * error * error, alpha * (error - 0.5 * alpha))

    return jax_loss(function, like="HuberLoss", delta="alpha")


def in_numpy(factor):
    def slope(cotangent, input, target):
        sign = factor * cotangent * np.sign(input - target)
        return {"input": sign, "target": -sign}

    return numpy_loss(
        lambda input, target: np.dtype(input.dtype).type(factor) * abs(input - target), "L1Loss", gradient=slope
    )


WAYS = {
    "reordered, renamed, picking": swapped,
    "one_hot": hot,
    "as_maps": lambda factor: as_maps(with_factor(OfMaps, factor), like="L1Loss"),
    "reducing": lambda factor: reducing(with_factor(Terms, factor), like="L1Loss"),
    "one_reduction": lambda factor: one_reduction(with_factor(AlwaysMean, factor), like="L1Loss"),
    "probabilities": probable,
    "logits": from_logits,
    "functional": huber,
    "fused_linear": fused,
    "numpy_loss": in_numpy,
}


@pytest.mark.parametrize("way", WAYS)
def test_a_right_loss_passes_behind_an_adapter(way):
    found = verdicts(WAYS[way](1.0), reductions=("none", "sum") if way == "one_hot" else ("none", "mean"))
    assert "pass" in found
    assert found <= {"pass", "known", "skip"}


@pytest.mark.parametrize("way", WAYS)
def test_a_wrong_loss_fails_behind_an_adapter(way):
    found = [row for row in rows(WAYS[way](1.001)) if any(t.verdict() == "fail" for t in row.tallies.values())]
    assert {row.item.check for row in found} == {"value", "gradient"}


def test_a_jax_function_is_differentiated_twice_and_a_wrong_one_fails():
    few = {"checks": ("value", "second_derivative"), "reductions": ("sum",)}
    assert "fail" not in verdicts(in_jax(1.0), **few)
    assert "fail" in verdicts(in_jax(1.001), **few)


@pytest.mark.parametrize("like", ["weighted_mse_loss", "weighted_l1_loss", "weighted_huber_loss"])
def test_functions_of_torch_keep_what_they_promise_of_their_weight(like):
    function = getattr(F, like.removeprefix("weighted_"))
    assert verdicts(functional(function, like=like)) == {"pass"}


def test_a_mean_that_divides_by_the_number_of_weights_fails():
    def by_number(*given, reduction, **options):
        return reduced(F.mse_loss(*given, reduction="none", **options), reduction)

    assert "fail" in verdicts(functional(by_number, like="weighted_mse_loss"), reductions=("mean",))


def test_a_numpy_function_without_a_gradient_is_asked_for_values_alone():
    subject = numpy_loss(lambda input, target: abs(input - target), like="L1Loss")
    asked = rows(subject, checks=("value", "gradient"), reductions=("mean",))
    told = {row.item.check: {t.verdict() for t in row.tallies.values()} for row in asked}
    assert told == {"value": {"pass"}, "gradient": {"skip"}}


def test_probabilities_are_of_known_losses():
    with pytest.raises(ValueError, match="none of BCEWithLogitsLoss"):
        probabilities(OfProbabilities, like="HuberLoss")


def test_a_subject_is_called_as_a_class_of_torch_is():
    loss = swapped(1.0)(delta=0.5, reduction="sum")
    numbers = torch.tensor([0.0, 2.0]), torch.tensor([0.0, 0.0])
    assert loss(*numbers) == torch.nn.HuberLoss(delta=0.5, reduction="sum")(*numbers)
    with pytest.raises(TypeError, match="unexpected keyword argument 'beta'"):
        swapped(1.0)(beta=0.5)
