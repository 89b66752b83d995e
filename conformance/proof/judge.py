"""How is a block judged?  What is within one ULP of the oracle at once, the rest by the verdict of the conformance run.

Every bound charges half an ULP at least, for rounding the result, and the threshold is 2: an answer that is not further
than one ULP from the oracle's number is within every bound.  Numbers of that kind are by far the most.
"""

from __future__ import annotations

import functools
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from conformance.case import Case
from conformance.proof.block import Block, Exact
from conformance.proof.found import Found, Judged
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
        np.maximum(power, format.normal, out=power)
        power *= 2 * format.unit
        error = actual - expected
        np.abs(error, out=error)
        error /= power
        if not (error <= AT_ONCE).all():
            beyond = np.isinf(actual) & (abs(expected) >= format.max * (1 + format.unit))
            error[beyond & (np.sign(actual) == np.sign(expected))] = 0.0
    return error


#: What elements hold that are judged together: finite numbers, infinities, NaN.
KINDS = range(3)


@dataclass(frozen=True)
class Open:
    """Elements of one block and kind that are judged later, with others.

    ``answers`` and ``own``, which marks those that are open, by quantity; ``serial``: their numbers, in which
    elements next to each other in a row follow each other.
    """

    block: Block
    answers: dict[str, np.ndarray]
    own: dict[str, np.ndarray]
    serial: np.ndarray


@dataclass
class Judge:
    """Judges the answers of one subject to blocks of one plane, and keeps what it finds by quantity."""

    item: Item
    names: tuple[str, ...]

    def __post_init__(self):
        self.found: dict[str, Found] = {}
        self.open: dict[tuple[bool, int], list[Open]] = {}
        self.waiting: Counter[tuple[bool, int]] = Counter()
        self.serial = 0

    def judge(self, block: Block) -> None:
        """Put one block to the subject.  Raises what a session raises."""
        whole = self.declared(block.case())
        answers = self.asked(block, whole)
        oracle = block.oracle(whole)
        told = self.told(block, answers)
        own = {}
        for quantity, answer in answers.items():
            errors = in_ulp(oracle[quantity], answer, block.format)
            settled = _each(errors <= AT_ONCE) & block.finite
            found = self.found.setdefault(quantity, Found())
            found.settle(block, errors, settled, oracle[quantity], answer)
            found.alike += int(np.count_nonzero(told[quantity]))
            own[quantity] = ~settled & ~told[quantity]
        self.put_off(block, answers, own)
        self.serial += block.size

    def finish(self) -> None:
        """Judge what is still open."""
        for group, kind in list(self.open):
            self.settle_open(group, kind)

    def declared(self, case: Case) -> Case:
        declared = self.item.subject.deviations
        return replace(case, declared=declared) if declared else case

    def asked(self, block: Block, case: Case) -> dict[str, np.ndarray]:
        """The answers, shape (size,) or (size, classes)."""
        found = Exact(self.item.subject, block, case, self.item.device, self.item.mode).answers(self.names)
        return {k: a[0] for k, a in found.items()}

    def told(self, block: Block, answers: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Which elements hold a NaN other than the one that stands for all, and are answered as with that one."""
        marks = {k: np.zeros(block.size, bool) for k in answers}
        where = np.flatnonzero(block.payload)
        if where.size:
            twin = block.picked(where).with_one_nan()
            for quantity, answer in self.asked(twin, self.declared(twin.case())).items():
                marks[quantity][where] = alike(answer, answers[quantity][where])
        return marks

    def put_off(self, block: Block, answers: dict[str, np.ndarray], own: dict[str, np.ndarray]) -> None:
        """Keep what is open until it is worth judging; values and gradients each share what is expected."""
        for group in (False, True):
            some = [k for k in answers if k.startswith("grad_") == group]
            where = np.flatnonzero(functools.reduce(np.logical_or, (own[k] for k in some))) if some else ()
            if not len(where):
                continue
            picked = block.picked(where)
            kinds = np.where(picked.finite, 0, np.where(picked.undefined, 2, 1))
            for kind in KINDS:
                at = np.flatnonzero(kinds == kind)
                if at.size:
                    part = [{k: of[k][where[at]] for k in some} for of in (answers, own)]
                    self.keep(group, kind, Open(picked.picked(at), *part, self.serial + where[at]))

    def keep(self, group: bool, kind: int, part: Open) -> None:
        kept = self.open.setdefault((group, kind), [])
        kept.append(part)
        self.waiting[group, kind] += part.block.size
        if self.waiting[group, kind] >= PORTION:
            self.settle_open(group, kind)

    def settle_open(self, group: bool, kind: int) -> None:
        """Judge as the conformance run does what is open of one kind, of values or of gradients."""
        parts = self.open.pop((group, kind))
        del self.waiting[group, kind]
        block, serial = Block.joined([p.block for p in parts]), np.concatenate([p.serial for p in parts])
        for start in range(0, block.size, PORTION):
            where = np.arange(start, min(start + PORTION, block.size))
            piece = block.picked(where)
            case = self.declared(piece.case())
            case = as_special(case) if kind else case
            for quantity in parts[0].answers:
                answer = np.concatenate([p.answers[quantity] for p in parts])[where]
                own = np.concatenate([p.own[quantity] for p in parts])[where]
                self.settle(piece, case, quantity, answer[None], own, serial[where])

    def settle(self, block: Block, case: Case, quantity: str, actual, own: np.ndarray, serial: np.ndarray) -> None:
        if own.any():
            self.found[quantity].judged(block, self.verdict(case, quantity, actual, own), own, serial)

    def verdict(self, case: Case, quantity: str, actual: np.ndarray, own: np.ndarray) -> Judged:
        """What the conformance run says of an answer, shape (1, n, ...), where ``own`` marks it."""
        actual = pardoned(case, quantity, actual)
        with np.errstate(all="ignore"):
            comparison = compare(case, quantity, actual)
            short, coarse = shortfall(case, quantity, comparison, actual)
        failing = short = short & own.reshape(1, -1, *(1 for _ in actual.shape[2:]))
        ids: Counter[str] = Counter()
        for check in ("gradient" if quantity.startswith("grad_") else "value", "special_values"):
            if failing.any():
                row = Row(replace(self.item, check=check))
                failing = row.excuse(case, quantity, actual, failing, comparison)
                ids.update(row.tally(quantity).excused)
        expected = case.expected(quantity).value[0]
        return Judged(comparison, coarse[0], failing[0], (short & ~failing)[0], ids, expected, actual[0])


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
