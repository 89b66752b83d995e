"""A row that compiles takes cases of a few kinds, and dynamic shapes in two sizes."""

from types import SimpleNamespace

import numpy as np

from conformance import streams
from conformance.deviations.deviation import witness_case
from conformance.modes.kinds import doubled, halved, is_dynamic, kind, of_few_kinds, structure


def drawn(blocks: int) -> list:
    return list(streams.cases(0, "huber_loss", "value", "float32", "none", lambda number: number >= blocks))


def chosen(blocks: int, most: int, check: str = "value") -> list:
    return list(of_few_kinds({"smoke": most})(SimpleNamespace(budget="smoke", check=check), drawn(blocks)))


def test_no_more_kinds_are_taken_than_the_budget_says():
    assert len({kind(case) for case in drawn(4)}) > 3
    assert len({kind(case) for case in chosen(4, 3)}) == 3


def test_the_cases_that_are_taken_are_the_first_ones_of_the_stream():
    first = drawn(1)[0]
    assert chosen(1, 1)[0].digest() == first.digest()


def test_half_of_all_structures_are_dynamic():
    kinds = {structure(case): is_dynamic(case) for case in drawn(20)}
    assert 0.25 < np.mean(list(kinds.values())) < 0.75


def test_a_dynamic_case_is_asked_in_another_size_where_numbers_are_compared():
    taken, other = chosen(20, 20), chosen(20, 20, "result_type")
    assert len(taken) > len(other)
    assert len({kind(case) for case in taken}) == len({kind(case) for case in other})


def test_a_static_kind_is_of_one_size_and_a_dynamic_one_of_all_sizes_above_one():
    pair = [witness_case("HuberLoss", "float32", input=[0.5] * n, target=[1.0] * n) for n in (5, 6)]
    assert (kind(pair[0]) == kind(pair[1])) == is_dynamic(pair[0])
    single = witness_case("HuberLoss", "float32", input=[0.5], target=[1.0])
    assert kind(single) != kind(pair[0])


def test_a_case_is_halved_and_doubled_with_all_its_arguments():
    case = witness_case("CrossEntropyLoss", "float32", input=[[0.5, 1.0]] * 5, target=[0, 1, 0, 1, 1])
    assert halved(case).arguments["target"].tolist() == [[0, 1, 0]]
    assert doubled(case).arguments["input"].shape == (1, 10, 2)
    assert halved(witness_case("HuberLoss", "float32", input=0.5, target=1.0)) is None
