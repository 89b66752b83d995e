"""How is a block judged?  What is within one ULP of the oracle at once, the rest by the verdict of the conformance run.

Every bound charges half an ULP at least, for rounding the result, and the threshold is 2: an answer that is not further
than one ULP from the oracle's number is within every bound.  Numbers of that kind are by far the most.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from conformance.case import Case
from conformance.proof.block import Block, Exact
from conformance.proof.found import Found
from conformance.row import Item, Row, shortfall
from conformance.special import SpecialCase, as_special
from conformance.verdict import compare
from reference.arithmetic.formats import Format

#: The exponent of a float64 number.
EXPONENT = np.int64(0x7FF0000000000000)
#: Errors, in ULP, that are within every bound: see above.
AT_ONCE = 1.0
#: Elements that are judged at once by the verdict of the conformance run.
PORTION = 1 << 16


def in_ulp(expected: np.ndarray, actual: np.ndarray, format: Format) -> np.ndarray:
    """Errors in ULP, NaN where a number is none; an infinity in place of what overflows the format is right."""
    with np.errstate(all="ignore"):
        power = (np.ascontiguousarray(expected).view(np.int64) & EXPONENT).view(float)
        error = abs(actual - expected) / (np.maximum(power, format.normal) * (2 * format.unit))
        odd = ~(error <= 1)
        if odd.any():
            beyond = abs(expected) >= format.max * (1 + format.unit)
            error = np.where(np.isinf(actual) & beyond & (np.sign(actual) == np.sign(expected)), 0.0, error)
    return error


@dataclass
class Judge:
    """Judges the answers of one subject to blocks, and keeps what it finds by quantity."""

    item: Item
    names: tuple[str, ...]

    def __post_init__(self):
        self.found: dict[str, Found] = {}

    def judge(self, block: Block) -> None:
        """Put one block to the subject.  Raises what a session raises."""
        whole = self.declared(block.case())
        answers = self.asked(block, whole)
        oracle = block.oracle(whole)
        errors = {k: in_ulp(oracle[k], a[0], block.format) for k, a in answers.items()}
        twins = self.twins(block) if block.payload.any() else answers
        told = {k: block.legal & block.payload & alike(twins[k][0], a[0]) for k, a in answers.items()}
        values = [k for k in answers if not k.startswith("grad_")]
        for quantities in (values, [k for k in answers if k not in values]):
            open_ = {k: block.legal & ~told[k] & ~_each(errors[k] <= AT_ONCE) for k in quantities}
            for quantity in quantities:
                found = self.found.setdefault(quantity, Found())
                settled = block.legal & ~told[quantity] & ~open_[quantity]
                found.settle(block, errors[quantity], settled, answers[quantity][0])
                found.alike += int(np.count_nonzero(told[quantity]))
            self.rest(block, answers, open_)

    def declared(self, case: Case) -> Case:
        declared = self.item.subject.deviations
        return replace(case, declared=declared) if declared else case

    def asked(self, block: Block, whole: Case) -> dict[str, np.ndarray]:
        return Exact(self.item.subject, block, whole, self.item.device, self.item.mode).answers(self.names)

    def twins(self, block: Block) -> dict[str, np.ndarray]:
        """The answers where every NaN is the one that stands for all."""
        twin = block.with_one_nan()
        return self.asked(twin, self.declared(twin.case()))

    def rest(self, block: Block, answers: dict[str, np.ndarray], open_: dict[str, np.ndarray]) -> None:
        """Judge what is open of some quantities, which share what is expected, as the conformance run does."""
        if not open_:
            return
        any_ = np.logical_or.reduce(list(open_.values()))
        for special in (False, True):
            indices = np.flatnonzero(any_ & (block.finite != special))
            for start in range(0, len(indices), PORTION):
                where = indices[start : start + PORTION]
                case = self.declared(block.case(where))
                case = as_special(case) if special else case
                for quantity, still in open_.items():
                    self.settle(block, case, quantity, answers[quantity][:, where], still[where], where)

    def settle(self, block: Block, case: Case, quantity: str, actual, own: np.ndarray, where: np.ndarray) -> None:
        if not own.any():
            return
        actual = pardoned(case, quantity, actual)
        with np.errstate(all="ignore"):
            comparison = compare(case, quantity, actual)
            failing, coarse = shortfall(case, quantity, comparison, actual)
        failing = failing & own.reshape(1, -1, *(1 for _ in actual.shape[2:]))
        excused = {}
        for check in ("gradient" if quantity.startswith("grad_") else "value", "special_values"):
            if failing.any():
                row = Row(replace(self.item, check=check))
                failing = row.excuse(case, quantity, actual, failing, comparison)
                for id, count in row.tally(quantity).excused.items():
                    excused[id] = excused.get(id, 0) + count
        self.found[quantity].judged(block, comparison, failing[0], coarse[0], excused, own, where, actual[0])


def pardoned(case: Case, quantity: str, actual: np.ndarray) -> np.ndarray:
    """The answer, with NaN taken as right where the contract knows no better."""
    if not isinstance(case, SpecialCase):
        return actual
    with np.errstate(all="ignore"):
        pardon = np.isnan(actual) & case.tolerates_nan(quantity)
        return np.where(pardon, case.format.round(case.expected(quantity).value), actual)


def alike(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Which elements have the same answer, NaN being one number, shape (size,)."""
    return _each((one == other) | np.isnan(one) & np.isnan(other))


def _each(marks: np.ndarray) -> np.ndarray:
    """What holds of all components of an element, shape (size,)."""
    return marks if marks.ndim == 1 else marks.all(axis=tuple(range(1, marks.ndim)))
