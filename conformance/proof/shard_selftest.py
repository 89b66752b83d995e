"""Are all inputs of a small format judged, and is a single wrong bit pattern among them found?"""

import numpy as np
import pytest
import torch

from conformance.case import Case
from conformance.proof.judge import AT_ONCE, in_ulp
from conformance.proof.patterns import in_order, numbers, table
from conformance.proof.shard import blocks, prove, spans
from conformance.proof.space import Unprovable, planes
from conformance.verdict import compare
from reference import CONTRACTS
from reference.arithmetic.formats import format_of

SMALL = "float8_e5m2"


class Widened(torch.nn.Module):
    """The absolute difference, computed in float32 and rounded once to the dtype of its input."""

    def __init__(self, reduction="mean"):
        super().__init__()

    def forward(self, input, target):
        return (input.float() - target.float()).abs().to(input.dtype)


class WrongAtOnePair(Widened):
    """The same, but at a single pair of bit patterns."""

    def forward(self, input, target):
        result = super().forward(input, target)
        there = (input.float() == 1.25) & (target.float() == -0.4375)
        return torch.where(there, 2 * result.float(), result.float()).to(input.dtype)


class OddNaN(Widened):
    """The same, but for a NaN with another payload than the usual one."""

    def forward(self, input, target):
        result = super().forward(input, target)
        return torch.where(input.view(torch.uint8) == 0x7D, 0.0, result.float()).to(input.dtype)


def proof(source, contract="l1_loss", dtype=SMALL, fraction=1, given=None):
    of = CONTRACTS[contract]
    found = []
    for number, plane in enumerate(planes(of, dtype, given)):
        task = {
            "source": source, "loss": of.loss, "contract": contract, "dtype": dtype, "mode": "eager", "device": "cpu",
            "upstream": -0.5, "fraction": fraction, "given": given, "plane": number,
        }  # fmt: skip
        found += [prove(task | {"rows": rows})["found"] for rows in spans(plane, fraction)]
    return found


def here(cls):
    return f"{__name__}:{cls.__name__}"


def test_the_patterns_of_a_format_are_those_of_torch():
    for dtype, kind in (("float16", torch.int16), ("bfloat16", torch.int16), (SMALL, torch.uint8)):
        bits = torch.arange(len(table(dtype)), dtype=torch.int32).to(kind)
        theirs = bits.view(getattr(torch, dtype)).double().numpy()
        assert np.array_equal(theirs, table(dtype), equal_nan=True)
        assert np.array_equal(np.signbit(theirs), np.signbit(table(dtype)))


def test_patterns_in_order_are_numbers_in_order():
    found = numbers(in_order(16), "bfloat16")
    finite = found[np.isfinite(found)]
    assert (np.diff(finite) >= 0).all()
    assert len(found) == 1 << 16


def test_every_pair_is_judged_once_and_a_right_loss_violates_nothing():
    (found,) = proof(here(Widened))
    for quantity in ("value", "grad_input", "grad_target"):
        of = found[quantity]
        assert of["elements"] + of["alike"] == 1 << 16
        assert of["failures"] == 0
        assert sum(of["histogram"]) == of["elements"] - of["vacuous"]


def test_a_single_wrong_bit_pattern_is_found_where_it_is():
    (found,) = proof(here(WrongAtOnePair))
    ((row, last_row, first, last, count),) = found["value"]["runs"]
    assert found["value"]["failures"] == 1
    assert (row, last_row, first, last, count) == (0x3D, 0x3D, 0xB7, 0xB7, 1)
    assert float.fromhex(found["value"]["worst"]["input"]) == 1.25


def test_a_nan_that_is_answered_otherwise_than_the_one_for_all_is_found():
    (found,) = proof(here(OddNaN))
    assert found["value"]["failures"] > 0


def test_a_fraction_takes_every_row_and_every_column():
    (found,) = proof(here(Widened), fraction=8)
    assert (1 << 16) // 8 <= found["value"]["elements"] + found["value"]["alike"] < 1 << 16


def test_of_the_halves_of_a_number_only_what_is_legal_is_asked():
    plane = planes(CONTRACTS["binary_cross_entropy"], "float32")[0]
    found = [block.numbers[plane.rows].ravel() for block in blocks(plane, 0, 1 << 16, 1 << 12, -0.5)]
    legal = np.concatenate(found)
    assert legal.min() == 0
    assert legal.max() == 1
    assert plane.size >> 12 <= len(np.unique(legal)) <= len(legal) < plane.size >> 8


def test_shards_together_are_all_rows_of_a_plane():
    (plane,) = planes(CONTRACTS["mse_loss"], "bfloat16")
    parts = spans(plane, 1)
    assert [start for start, _ in parts[1:]] == [stop for _, stop in parts[:-1]]
    assert (parts[0][0], parts[-1][1]) == (0, len(plane.axes()[0]))
    assert len(parts) > 1


def test_what_is_judged_at_once_is_within_every_bound():
    rng, format = np.random.default_rng(0), format_of("bfloat16")
    x, y = (format.round(rng.normal(size=(1, 4096)) * 2.0 ** rng.integers(-130, 60, (1, 4096))) for _ in range(2))
    upstream = {"value": np.ones((1, 4096))}
    case = Case("mse_loss", "bfloat16", "none", 1, {"n": (4096,)}, {"input": x, "target": y}, {}, upstream)
    oracle = case.expected_values["value"].value
    actual = format.round(oracle * (1 + rng.uniform(-1, 1, oracle.shape) * 2.0**-5))
    near = in_ulp(oracle, actual, format) <= AT_ONCE
    assert near.sum() > 400
    assert not (compare(case, "value", actual).beyond & near).any()


@pytest.mark.parametrize(
    ("contract", "dtype", "said"),
    [
        ("ctc_loss", "float32", "log_probs|targets"),
        ("mse_loss", "float64", "too many numbers"),
        ("mse_loss", "float32", "too many pairs"),
    ],
)
def test_what_cannot_be_exhausted_is_told_in_one_line(contract, dtype, said):
    with pytest.raises(Unprovable, match=said) as wrong:
        planes(CONTRACTS[contract], dtype)
    assert "\n" not in str(wrong.value)
