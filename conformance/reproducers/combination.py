"""Which numbers of which answers does a broken identity compare, and with which factors?

Laws combine answers linearly.  So the factor of every number that a subject answers is found by putting the law
to answers that are made up: nought everywhere, then nought but for one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from conformance.case import Case
from conformance.checks.identity import Asking, again, worst
from conformance.identities import IDENTITIES, Claim
from conformance.identities.identity import EXACT
from conformance.row import Row
from reference.arithmetic.rounded import Rounded

Answers = list[dict[str, np.ndarray]]


@dataclass(frozen=True)
class Term:
    """``factor`` times number ``place`` of a quantity of the case that was asked as number ``asked``."""

    asked: int
    quantity: str
    place: int
    factor: float


@dataclass(frozen=True)
class Side:
    """One side of a claim, at one element: a sum of terms, and what does not depend on answers."""

    terms: tuple[Term, ...]
    constant: float


@dataclass(frozen=True)
class Broken:
    """Two sides that are further apart than is allowed, in call number ``call`` of the cases that were asked."""

    cases: list[Case]
    call: int
    left: Side
    right: Side
    allowed: float


class Listening:
    """Asks as ``asking`` does, and keeps what was asked and told."""

    def __init__(self, asking: Asking):
        self.asking, self.cases, self.told = asking, [], []

    def __call__(self, case: Case, gradients: bool = True) -> dict[str, Rounded]:
        return self._kept(case, self.asking(case, gradients))

    def like(self, told: dict, case: Case) -> dict[str, Rounded]:
        return self._kept(case, self.asking.like(told, case))

    def _kept(self, case: Case, told: dict[str, Rounded]) -> dict[str, Rounded]:
        self.cases.append(case)
        self.told.append({q: x.value for q, x in told.items()})
        return told


class Telling:
    """Tells answers that are made up, one after the other, whatever is asked."""

    def __init__(self, answers: Answers):
        self.answers = iter(answers)

    def __call__(self, case: Case, gradients: bool = True) -> dict[str, Rounded]:
        return {q: Rounded.exact(x, EXACT) for q, x in next(self.answers).items()}

    def like(self, told: dict, case: Case) -> dict[str, Rounded]:
        return self(case)


def broken(row: Row, case: Case) -> Broken | None:
    """What breaks the row's identity in a case; None where nothing does."""
    law = IDENTITIES[row.item.question].law
    claims, _ = again(row, case, law)
    number = next((i for i, c in enumerate(claims) if c.broken(case.format).any()), None)
    if number is None:
        return None
    listening, at = Listening(Asking(row)), worst(claims[number], case)
    list(law(case, listening))

    def sides(answers: Answers) -> np.ndarray:
        claim: Claim = list(law(case, Telling(answers)))[number]
        return np.array([claim.left.value[at], claim.right.value[at]])

    left, right = combined(sides, listening.told, at[0])
    return Broken(listening.cases, at[0], left, right, float(claims[number].allowed[at]))


def combined(sides: Callable[[Answers], np.ndarray], told: Answers, call: int) -> tuple[Side, Side]:
    """Both sides of a claim, from what they are for answers of the form of those that were told."""
    nought = [{q: np.zeros(x.shape) for q, x in each.items()} for each in told]
    constant = sides(nought)
    terms: tuple[list[Term], list[Term]] = ([], [])
    for asked, each in enumerate(told):
        for quantity, x in each.items():
            if _factors(sides, nought, asked, quantity, np.random.default_rng(0).random(x.shape), constant).any():
                for place in range(x[call].size):
                    one = np.zeros(x.shape)
                    one.reshape(len(one), -1)[call, place] = 1.0
                    factors = _factors(sides, nought, asked, quantity, one, constant)
                    for side, factor in zip(terms, factors, strict=True):
                        side.extend([Term(asked, quantity, place, float(factor))] if factor else [])
    return tuple(Side(tuple(t), float(c)) for t, c in zip(terms, constant, strict=True))


def _factors(sides, nought: Answers, asked: int, quantity: str, answer: np.ndarray, constant: np.ndarray) -> np.ndarray:
    """By how much both sides differ when one quantity of one case is ``answer`` and all others are nought."""
    answers = [*nought]
    answers[asked] = nought[asked] | {quantity: answer}
    with np.errstate(all="ignore"):
        now = sides(answers)
        return np.where(now == constant, 0.0, now - constant)
