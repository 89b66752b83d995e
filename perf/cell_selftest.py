"""Every loss has cells, of the sizes that are said, on numbers that depend on nothing else."""

from math import prod

import numpy as np
import pytest

from perf.cell import DRAWN, ELEMENTS, OF_MATRICES, Cell, compulsory_bytes, leaves, tiled, workload
from perf.selection import Asked, cells, every
from reference import CONTRACTS

REAL = [name for name, c in CONTRACTS.items() if not c.dtypes[0].startswith("complex")]


def first_argument(case):
    return next(iter(case.arguments.values()))


@pytest.mark.parametrize("name", REAL)
def test_the_first_argument_has_the_elements_of_its_size(name):
    for size in ("S", "M"):
        found = first_argument(workload(CONTRACTS[name], size, "float32").case).size
        assert any(wanted / 2 <= found <= wanted * 2 for wanted in (ELEMENTS[size], OF_MATRICES[size]))


def test_a_workload_is_the_same_every_time():
    one, other = (workload(CONTRACTS["cross_entropy"], "S", "float32").case.digest() for _ in range(2))
    assert one == other


def test_rows_of_the_largest_size_repeat_those_that_are_judged():
    work = workload(CONTRACTS["huber_loss"], "L", "float32")
    assert work.times == ELEMENTS["L"] // DRAWN
    assert np.array_equal(work.case.arguments["input"], tiled(work.judged.arguments["input"], work.times, 1))
    assert work.judged.cotangents["value"] * work.times == work.case.cotangents["value"]


def test_training_asks_for_no_gradient_of_the_target():
    assert leaves(workload(CONTRACTS["mse_loss"], "S", "float32").case) == ("input",)
    assert leaves(workload(CONTRACTS["triplet_margin_loss"], "S", "float32").case) == ("anchor", "positive", "negative")


def test_compulsory_bytes_are_what_must_be_read_and_written():
    case = workload(CONTRACTS["mse_loss"], "S", "float32").case
    elements = prod(case.shape)
    assert compulsory_bytes(case, "forward") == 4 * (2 * elements + 1)
    assert compulsory_bytes(case, "forward+backward") == 4 * (3 * elements + 2)


def test_every_cell_is_measured_or_left_with_a_reason():
    for budget in ("smoke", "gate", "nightly"):
        chosen, left = cells(Asked(budget))
        assert {c.name for c in chosen} | {c.name for c, _ in left} == {c.name for c in every(["cpu"])}
        assert all(reason for _, reason in left)
    assert not left


def test_the_default_budget_measures_every_loss_eagerly_and_by_the_oracle():
    chosen, _ = cells(Asked())
    for name in REAL:
        assert {Cell(name, i, d, s) for i in ("eager", "oracle") for d in ("forward",) for s in "SM"} <= set(chosen)


def test_what_is_asked_for_by_name_is_within_every_budget():
    chosen, _ = cells(Asked("gate", losses=("L1Loss",), implementations=("jax",), dtypes=("float64",)))
    assert {(c.implementation, c.dtype) for c in chosen} == {("jax", "float64")}
