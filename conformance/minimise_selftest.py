"""Failures are shown in few elements and simple numbers, at a cost that is counted and limited."""

import numpy as np
import pytest

from conformance import streams
from conformance.deviations.deviation import witness_case
from conformance.minimise import EFFORT, FIRST, Effort, cost, minimise
from conformance.smaller import squeezed, take


def drawn(contract: str, dtype: str = "float32", reduction: str = "none") -> list:
    return list(streams.cases(0, contract, "gradient", dtype, reduction, lambda done: done >= 2))


def elements(case) -> int:
    return max(a.size for a in case.arguments.values() if a is not None)


@pytest.mark.parametrize("contract", ["l1_loss", "cross_entropy", "triplet_margin_loss", "ctc_loss"])
def test_a_failure_of_any_case_is_shown_in_a_handful_of_elements(contract):
    case = max(drawn(contract), key=elements)
    small = minimise(case, 0, lambda candidate: True, Effort())
    assert small.calls == 1
    assert elements(small) <= FIRST


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("fails", [lambda case: True, lambda case: case.rows > 1, lambda case: False])
def test_what_is_tried_never_costs_more_than_the_effort(dtype, fails):
    tried = []
    case = max(drawn("adaptive_log_softmax_with_loss", dtype), key=cost)
    minimise(case, 0, lambda candidate: bool(tried.append(cost(candidate))) or fails(candidate), Effort(EFFORT // 4))
    assert sum(tried) <= EFFORT // 4


def test_where_nothing_smaller_fails_the_failure_itself_is_kept():
    case = drawn("l1_loss")[0]
    assert minimise(case, 0, lambda candidate: False, Effort()) is case


def test_a_candidate_that_cannot_be_evaluated_does_not_fail():
    case = drawn("l1_loss")[0]

    def broken(candidate):
        raise ZeroDivisionError

    assert minimise(case, 0, broken, Effort()) is case


def test_sizes_that_follow_from_others_shrink_with_them():
    case = max(drawn("adaptive_log_softmax_with_loss"), key=elements).select(np.array([0]))
    for name in ("a", "b", "q"):
        case = take(case, name, 0, np.arange(1))
    plain = {n: s[0] for n, s in case.sizes.items() if s and n not in case.contract.sizes}
    assert all(case.sizes[n] == (function(plain),) for n, function in case.contract.sizes.items())
    assert case.arguments["head_weight"].shape == (case.sizes["h"][0], case.sizes["f"][0])
    assert case.arguments["target"].max(initial=0) < case.sizes["c"][0]
    assert case.expected_gradients["grad_head_weight"].shape == (1, *case.arguments["head_weight"].shape)


def test_numbers_that_tie_become_simple_together():
    case = witness_case("L1Loss", "float32", input=[0.3, 5.0], target=[0.3, 1.0])
    ties = lambda c: bool((c.arguments["input"] == c.arguments["target"]).any())  # noqa: E731
    small = minimise(case, 0, ties, Effort())
    assert small.arguments["input"].tolist() == small.arguments["target"].tolist() == [[0.0]]


def test_other_numbers_than_the_special_one_become_simple():
    case = witness_case("L1Loss", "float32", input=[np.nan, 5.3], target=[0.3, 1.7])
    small = minimise(case, 0, lambda c: bool(np.isnan(c.arguments["input"]).any()), Effort())
    assert np.isnan(small.arguments["input"]).tolist() == [[True]]
    assert small.arguments["target"].tolist() == [[0.0]]


def test_options_become_those_of_the_default():
    case = witness_case("CrossEntropyLoss", "float32", input=[[0.0, 1.0]], target=[1], weight=[1.0, 2.0],
                        label_smoothing=0.5)  # fmt: skip
    small = minimise(case, 0, lambda c: True, Effort())
    assert small.arguments["weight"] is None
    assert small.parameters["label_smoothing"] == 0.0


def test_dimensions_of_size_one_go():
    case = witness_case("L1Loss", "float32", input=[[[1.0]], [[2.0]]], target=[[[1.0]], [[2.0]]])
    flat = squeezed(case, "n")
    assert flat.sizes["n"] == (2,)
    assert flat.expected_values["value"].shape == (1, 2)
