"""Mechanical mutants differ from what they are made of, have names that last, and are drawn from everywhere."""

import ast

import pytest

from conformance.mutants import mechanical, plain
from conformance.mutants.choice import candidates
from conformance.mutants.operators import OPERATORS
from reference import CONTRACTS

LOSSES = plain.__all__


def test_every_torch_loss_with_a_contract_has_a_plain_one():
    assert {c.torch for c in CONTRACTS.values() if c.torch} == set(LOSSES)


def test_a_name_has_one_definition_in_the_plain_modules():
    assert len(mechanical.definitions()[0]) > len(LOSSES)


def test_every_operator_is_applied_somewhere():
    assert {m.operator for loss in LOSSES for m in mechanical.mutants(loss).values()} == set(OPERATORS)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_mutant_is_other_code_than_its_loss(loss):
    whole = ast.unparse(mechanical.flattened(loss))
    for mutant in list(mechanical.mutants(loss).values())[::12]:
        assert ast.unparse(mechanical.source(mutant)) != whole, mutant.name


@pytest.mark.parametrize("loss", LOSSES)
def test_mutating_leaves_the_loss_as_it_was(loss):
    before = ast.unparse(mechanical.flattened(loss))
    mechanical.source(next(iter(mechanical.mutants(loss).values())))
    assert ast.unparse(mechanical.flattened(loss)) == before


def test_a_name_says_which_change_it_is():
    assert mechanical.find("HuberLoss_swap_sign_1").change == "HuberLoss.terms: input - target -> input + target"
    assert mechanical.find("L1Loss_drop_function_1").change == (
        "L1Loss.forward: (wide(input) - wide(target)).abs() -> wide(input) - wide(target)"
    )


def test_a_mutant_is_a_subject_by_its_name():
    made = mechanical.HuberLoss_swap_sign_1
    assert made.__name__ == "HuberLoss_swap_sign_1"
    assert made is mechanical.HuberLoss_swap_sign_1


@pytest.mark.parametrize("name", ["HuberLoss_swap_sign_99", "HuberLoss", "SoftDiceLoss_swap_sign_1"])
def test_no_other_name_is_a_mutant(name):
    with pytest.raises(AttributeError):
        getattr(mechanical, name)


def test_the_draw_depends_on_the_seed_alone():
    first, again, other = ([m.name for m in candidates(seed, "HuberLoss")] for seed in (3, 3, 4))
    assert first == again
    assert first != other
    assert sorted(first) == sorted(other) == sorted(mechanical.mutants("HuberLoss"))


def test_every_operator_has_its_turn_before_any_has_its_second():
    drawn = [m.operator for m in candidates(0, "CrossEntropyLoss")]
    kinds = len(set(drawn))
    assert len(set(drawn[:kinds])) == kinds
