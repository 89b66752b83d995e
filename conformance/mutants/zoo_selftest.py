"""The zoo is what it says: enough mutants of all kinds, in all losses and for all checks, and each is there."""

import pytest

from conformance.checks import CHECKS
from conformance.mutants import mechanical, plain, spread, zoo
from conformance.mutants.controls import CONTROLS
from conformance.mutants.reported import REPORTED
from conformance.mutants.spread.way import WAYS
from conformance.mutants.zoo import ZOO
from conformance.options import CHECKS as EVERY
from conformance.options import import_module


def test_there_are_enough_mutants_and_controls():
    assert len(ZOO) >= 250
    assert sum(w.kind == "mechanical" for w in ZOO.values()) >= 80
    assert len(CONTROLS) >= 40


def test_every_loss_has_mutants_of_every_kind_and_a_control():
    for loss in plain.__all__:
        assert {w.kind for w in ZOO.values() if w.loss == loss} >= {"mechanical", "reported", "planted"}
    assert set(CONTROLS.values()) == set(plain.__all__)


def test_every_check_has_mutants_in_every_loss_where_something_fits():
    table = zoo.table()
    for loss in plain.__all__:
        for check in EVERY:
            if spread.fitting(check, loss):
                assert table[loss].get(check), f"{loss} has no mutant for {check}"


def test_every_way_is_taken_by_some_loss():
    assert {spread.find(name)[1] for name in spread.PLAN} == {*WAYS, *spread.LAWLESS}


def test_every_reported_bug_is_in_the_zoo_with_its_citation():
    assert {n: b.citation for n, b in REPORTED.items()} == {n: w.citation for n, w in ZOO.items() if w.citation}


def test_a_mechanical_mutant_still_is_the_change_that_the_zoo_says():
    for wrong in ZOO.values():
        if wrong.kind == "mechanical":
            assert mechanical.find(wrong.name).change == wrong.wrong


@pytest.mark.parametrize("name", [n for n, w in ZOO.items() if w.kind != "mechanical"])
def test_a_mutant_is_importable_and_says_what_is_wrong(name):
    wrong = ZOO[name]
    for source in (wrong.source, wrong.base):
        module, _, attribute = source.partition(":")
        assert getattr(import_module(module), attribute) is not None
    assert wrong.wrong.endswith((".", ")"))
    assert wrong.planted_for in CHECKS


def test_only_mutants_that_are_noted_or_excused_otherwise_stand_in_for_torch():
    standing_in = [w for w in ZOO.values() if w.stands_in and w.name not in zoo.NO_WORSE]
    assert standing_in
    assert all(CHECKS[w.planted_for].noted for w in standing_in)
