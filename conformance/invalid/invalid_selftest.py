"""Every contract yields invalid calls; each differs from a valid case in one thing, and every domain has its own."""

import re
from functools import cache

import numpy as np
import pytest

from conformance import streams
from conformance.invalid import catalogue
from conformance.invalid.documented import SENTENCES
from conformance.invalid.dtypes import of_dtype
from conformance.invalid.parameters import of_parameter
from conformance.invalid.values import of_elements
from conformance.sampling import fill
from conformance.strategies import recipes
from conformance.subject import documentation
from reference import CONTRACTS
from reference.domains import Domain

every_contract = pytest.mark.parametrize("name", list(CONTRACTS))
SENTENCE_OF = [(loss, *pair) for loss, pairs in SENTENCES.items() for pair in pairs]


@cache
def drawn(name: str) -> list:
    """Valid cases of one call each."""
    contract = CONTRACTS[name]
    dtype, reduction = contract.dtypes[0], list(contract.reductions)[-1]
    found = streams.draw(recipes(contract, reduction), streams.seed_of(name), 48)
    return [fill(contract, recipe, dtype, reduction).select(np.array([0])) for recipe in found]


def changes(case, call) -> set[str]:
    """What a call does not share with the valid case that it was made from."""
    arguments = {k for k in case.arguments if call.arguments[k] is not case.arguments[k]}
    parameters = {k for k in case.parameters if call.parameters[k] is not case.parameters[k]}
    return arguments | parameters | ({"reduction"} if call.reduction != case.reduction else set())


@every_contract
def test_every_contract_yields_invalid_calls(name):
    names = [i.name for each in catalogue(name).values() for i in each]
    assert len(names) >= 10
    assert len(names) == len(set(names))


@every_contract
def test_names_are_words_joined_by_hyphens(name):
    for question, each in catalogue(name).items():
        assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", n) for n in (question, *(i.name for i in each)))


@every_contract
def test_every_invalid_call_is_made_from_some_drawn_case(name):
    for each in (i for group in catalogue(name).values() for i in group):
        assert any(each.make(case) for case in drawn(name)), each.name


@every_contract
def test_an_invalid_call_differs_from_a_valid_one_in_one_thing(name):
    for each in (i for group in catalogue(name).values() for i in group):
        for case in drawn(name)[:8]:
            for call in each.make(case):
                changed = changes(case, call)
                assert len(changed) == 1 or each.name == "every-extra-dimension", (each.name, changed)


@every_contract
def test_making_a_call_invalid_leaves_the_valid_case_as_it_was(name):
    case = drawn(name)[0]
    before = case.digest()
    for each in (i for group in catalogue(name).values() for i in group):
        each.make(case)
    assert case.digest() == before


def test_a_domain_without_a_rule_is_refused():
    for of in (of_elements, of_dtype):
        with pytest.raises(TypeError, match="no invalid"):
            of(Domain(), "input", None) if of is of_elements else of(Domain(), "input")
    with pytest.raises(TypeError, match="no invalid"):
        of_parameter(Domain(), "delta", CONTRACTS["huber_loss"])


@pytest.mark.parametrize(("loss", "names", "words"), SENTENCE_OF)
def test_the_words_that_rule_a_call_out_are_in_the_documentation(loss, names, words):
    contract = next(c for c in CONTRACTS.values() if c.torch == loss)
    known = [i.name for each in catalogue(contract.name).values() for i in each]
    assert words in documentation(contract)
    assert any(re.fullmatch(names, name) for name in known)
