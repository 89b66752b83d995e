"""Special values: what the probes say of NaN and infinities, and which wrong losses that finds."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from conformance.deviations.deviation import witness_case
from conformance.row import Item, Row
from conformance.special import SpecialCase, as_special, merge
from conformance.subject import Subject
from reference import CONTRACTS
from reference.arithmetic.formats import FORMATS
from reference.arithmetic.rounded import Model, Rounded

INF, NAN = float("inf"), float("nan")


def expected(loss: str, quantity: str = "value", **given):
    """The oracle's answer to one special case of float32, and where it promises nothing."""
    found = witness_case(loss, "float32", given.pop("reduction", "none"), **given).expected(quantity)
    return found.value[0].tolist(), np.isinf(found.error[0]).tolist()


def verdict(factory, loss: str, dtype: str = "float32") -> str:
    """What a row of special values says of a subject."""
    name = next(c.name for c in CONTRACTS.values() if c.loss == loss)
    row = Row(Item(Subject(factory, name="own"), name, "special_values", dtype, "none", "cpu", "eager", 0, "gate"))
    for case in row.cases():
        row.feed(case)
    verdicts = {tally.verdict() for tally in row.tallies.values()}
    return "fail" if "fail" in verdicts else "kept"


def test_a_case_of_finite_numbers_is_not_special():
    assert not isinstance(witness_case("L1Loss", "float32", input=[1.0], target=[0.0]), SpecialCase)
    assert isinstance(witness_case("L1Loss", "float32", input=[NAN], target=[0.0]), SpecialCase)


def test_what_a_nan_changes_is_nan_and_other_rows_are_not():
    value, nothing = expected("L1Loss", input=[NAN, 3.0], target=[1.0, 1.0])
    assert np.isnan(value[0])
    assert value[1] == 2.0
    assert not any(nothing)


def test_the_content_of_an_ignored_row_changes_nothing():
    given = {"input": [[NAN, NAN], [0.0, 0.0]], "target": [-100, 0]}
    value, nothing = expected("CrossEntropyLoss", **given)
    assert value == pytest.approx([0.0, np.log(2.0)], rel=1e-15)
    gradient, free = expected("CrossEntropyLoss", "grad_input", **given)
    assert gradient == [[0.0, 0.0], [-0.5, 0.5]]
    assert not any(nothing)
    assert not np.any(free)


def test_a_masked_class_has_no_share():
    value, _ = expected("CrossEntropyLoss", input=[[0.0, -INF]], target=[0])
    gradient, _ = expected("CrossEntropyLoss", "grad_input", input=[[0.0, -INF]], target=[0])
    assert value == [0.0]
    assert gradient == [[0.0, 0.0]]


def test_an_infinity_is_a_limit():
    assert expected("HuberLoss", input=[INF], target=[0.0]) == ([INF], [False])
    assert expected("BCEWithLogitsLoss", input=[INF, -INF], target=[1.0, 1.0])[0] == [0.0, INF]


def test_an_infinity_times_the_smallest_number_is_not_nought():
    """In float64, whose subnormal numbers are smaller than what stands for infinity is large."""
    case = witness_case("NLLLoss", "float64", "none", input=[[-(2.0**-1040)]], target=[0], weight=[INF])
    assert np.isinf(case.expected("value").error).all()
    case = witness_case("NLLLoss", "float64", "none", input=[[-1.0]], target=[0], weight=[INF])
    assert case.expected("value").value.tolist() == [[INF]]


@pytest.mark.parametrize("value", [1.0, -1.0])
def test_an_answer_without_a_bound_is_no_infinity(value):
    model = Model(FORMATS["float32"])
    boundless = [Rounded(np.array([value]), np.array([np.inf]), model) for _ in range(2)]
    merged = merge(boundless, any_number=False)
    assert merged.value == value
    assert np.isinf(merged.error)


def test_infinities_whose_order_decides_promise_nothing():
    assert expected("MarginRankingLoss", input1=[INF], input2=[INF], target=[1.0])[1] == [True]


def test_an_infinity_that_means_nothing_tolerates_nan():
    case = witness_case("HuberLoss", "float32", input=[INF, 1.0], target=[0.0, 0.0])
    assert case.tolerates_nan("value").tolist() == [[True, False]]
    masked = witness_case("CrossEntropyLoss", "float32", input=[[0.0, -INF]], target=[0])
    assert masked.tolerates_nan("value").tolist() == [[False]]


def test_a_probe_holds_other_numbers_of_the_domain():
    case = as_special(witness_case("BCELoss", "float32", input=[NAN, 0.5], target=[1.0, NAN]))
    numbers = np.stack([[p.arguments["input"][0, 0], p.arguments["target"][0, 1]] for p in case.probes])
    assert (numbers > 0).all()
    assert (numbers < 1).all()
    assert all(len(set(column)) == len(column) for column in numbers.T)


class HidesNaN(torch.nn.MSELoss):
    """Replaces what is no number by nought."""

    def forward(self, input, target):
        return super().forward(torch.nan_to_num(input), torch.nan_to_num(target))


class LeaksIgnored(torch.nn.CrossEntropyLoss):
    """Multiplies the losses of ignored rows by zero."""

    def forward(self, input, target):
        if target.is_floating_point() or self.label_smoothing or self.weight is not None or input.ndim != 2:
            return super().forward(input, target)
        live = (target != self.ignore_index).to(input.dtype)
        terms = functional.cross_entropy(input, target.clamp(0, input.shape[1] - 1), reduction="none")
        return terms * live


class NoMaskedClass(torch.nn.CrossEntropyLoss):
    """Weighs the log-softmax by a one-hot target: 0 times minus infinity."""

    def forward(self, input, target):
        if target.is_floating_point() or self.label_smoothing or self.weight is not None or input.ndim != 2:
            return super().forward(input, target)
        live = target != self.ignore_index
        hot = functional.one_hot(torch.where(live, target, 0), input.shape[1]) * live.unsqueeze(1)
        return -(hot * input.log_softmax(1)).sum(1)


class SpreadsNaN(torch.nn.L1Loss):
    """Adds nought times the sum of all terms."""

    def forward(self, input, target):
        terms = super().forward(input, target)
        return terms + 0 * terms.sum()


@pytest.mark.parametrize(
    ("factory", "loss"),
    [
        (HidesNaN, "MSELoss"),
        (LeaksIgnored, "CrossEntropyLoss"),
        (NoMaskedClass, "CrossEntropyLoss"),
        (SpreadsNaN, "L1Loss"),
    ],
)
def test_a_loss_that_is_wrong_at_special_values_fails(factory, loss):
    assert verdict(factory, loss) == "fail"


@pytest.mark.parametrize("loss", ["MSELoss", "CrossEntropyLoss", "L1Loss", "CTCLoss", "BCELoss"])
def test_torch_passes_or_its_deviation_is_known(loss):
    assert verdict(getattr(torch.nn, loss), loss) == "kept"
