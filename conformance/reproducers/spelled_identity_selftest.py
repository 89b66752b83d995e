"""The script of a broken identity shows that two sides differ: status 1 with a wrong loss, 0 with the right one."""

from functools import cache, partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from conformance import outcome
from conformance.identities import IDENTITIES
from conformance.identity_selftest import BROKEN_BY, first_contract
from conformance.minimise import Effort
from conformance.mutants.lawless import CALLS
from conformance.reproducers.combination import combined
from conformance.reproducers.exhibit import of_problem
from conformance.reproducers.reproducers_selftest import imports
from conformance.reproducers.script import LINES, run
from conformance.row import Item, Row
from conformance.subject import Subject
from reference import CONTRACTS, Contract

every_identity = pytest.mark.parametrize("name", IDENTITIES)
#: What minimising may cost here.
EFFORT = 80_000


def lawless_class(way: str, contract: Contract) -> type:
    """A class of torch.nn made wrong in a way of :mod:`conformance.mutants.lawless`, to be found in this module."""
    base = getattr(torch.nn, contract.torch)

    def made(self, *sizes, weight=None, label_smoothing=None, **rest):
        given = {"weight": weight, "label_smoothing": label_smoothing}
        power = {"weight": 1 + (way == "squared_weights"), "label_smoothing": 1 + (way == "squared_smoothing")}
        base.__init__(self, *sizes, **{k: x ** power[k] for k, x in given.items() if x is not None}, **rest)

    def called(self, *inputs):
        said = {"reduction": getattr(self, "reduction", "none"), "arguments": {"weight": getattr(self, "weight", None)}}
        call = CALLS.get(way, lambda case, module, inputs: module(*inputs.values()))
        given = dict(zip(contract.positional, inputs, strict=False))
        return call(SimpleNamespace(contract=contract, **said), partial(base.forward, self), given)

    own = {"__init__": made, "forward": called, "__module__": __name__}
    return globals().setdefault(f"{way}_{contract.torch}", type(f"{way}_{contract.torch}", (base,), own))


def failing(factory: type, contract: Contract, name: str) -> Row:
    """The row of an identity up to the first case that breaks it."""
    for reduction in contract.reductions:
        subject = Subject(factory, f"{__name__}:{factory.__name__}", contract)
        row = Row(
            Item(subject, contract.name, "identity", contract.dtypes[0], reduction, "cpu", "eager", 0, "smoke", name)
        )
        for case in row.cases():
            row.feed(case)
            if row.tally(None).problems:
                return row
    raise AssertionError(f"{factory.__name__} obeys {name}")


@cache
def shown(name: str) -> tuple[str | None, type, Contract]:
    """The script of an identity that a wrong loss breaks, that loss, and of which contract it is."""
    way, of = BROKEN_BY.get(name, ("offset", first_contract(name).name))
    factory = lawless_class(way, CONTRACTS[of])
    row = failing(factory, CONTRACTS[of], name)
    problem = outcome._smallest_problem(row, row.tally(None), Effort(EFFORT))
    return of_problem(row, problem, None).script, factory, CONTRACTS[of]


@every_identity
def test_the_script_of_a_broken_identity_shows_it_and_nothing_with_the_loss_of_torch(name):
    text, factory, contract = shown(name)
    assert text is not None
    assert f"{name}:" in text
    assert run(text)[0] == 1
    assert run(text)[1].startswith("expected ")
    assert run(text.replace(f" {factory.__name__}(", f" torch.nn.{contract.torch}("))[0] == 0


@every_identity
def test_a_script_has_15_lines_of_ascii_at_most_and_needs_torch_and_the_subject(name):
    text, factory, _ = shown(name)
    assert len(text.splitlines()) <= LINES
    assert text.isascii()
    assert imports(text) == {"torch", factory.__module__}


def test_the_factors_of_a_claim_are_found_by_asking_about_answers_that_are_made_up():
    told = [{"value": np.array([1.0, 5.0])}, {"value": np.ones((2, 3)), "grad_input": np.ones((2, 2, 2))}]

    def sides(answers):
        first, second = answers
        left = 3.0 - 2.0 * first["value"][1]
        return np.array([left, second["value"][1, 2] + 0.5 * second["grad_input"][1, 1, 0]])

    left, right = combined(sides, told, 1)
    assert (left.constant, right.constant) == (3.0, 0.0)
    assert [(t.asked, t.quantity, t.place, t.factor) for t in left.terms] == [(0, "value", 0, -2.0)]
    assert [(t.asked, t.quantity, t.place, t.factor) for t in right.terms] == [
        (1, "value", 2, 1.0),
        (1, "grad_input", 2, 0.5),
    ]
