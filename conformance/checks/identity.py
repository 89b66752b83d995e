"""Do a subject's answers obey the laws that relate them to each other, whatever the oracle says of each?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

import numpy as np
from hypothesis import strategies as st

from conformance.case import Case
from conformance.checks.check import LIGHT, check
from conformance.deviations import DEVIATIONS
from conformance.identities import IDENTITIES, Claim, names
from conformance.identities.identity import EXACT
from conformance.session import Gradient, Malformed, Refused, Session
from conformance.strategies import Recipe, recipes
from conformance.subject import Subject, torch_subject
from conformance.verdict import within
from reference import Contract
from reference.arithmetic.rounded import Rounded

#: Sizes of the dimensions of rows and of others; few calls, since each identity asks about several cases.
LARGEST_BATCH, LARGEST, CALLS = 6, 5, 2
#: In place of a deviation's id: eager torch breaks the identity by as much.
NO_WORSE = "no-worse-than-eager-torch"


@st.composite
def moderate(draw, contract: Contract, reduction: str) -> Recipe:
    """Small cases of several rows, of ordinary numbers."""
    recipe = draw(recipes(contract, reduction))
    core = {d.name for a in contract.arguments.values() for kind in a.kinds for d in kind.layout if d.core}
    first = contract.arguments[contract.positional[0]].loops[0].name
    sizes = {}
    for name, size in recipe.sizes.items():
        most = LARGEST if name in core else LARGEST_BATCH if name == first else 2
        sizes[name] = tuple(1 + (n - 1) % most if n else 1 for n in size[:3])
    batch = sizes[first] or (3,)
    sizes[first] = (2 + batch[0] % (LARGEST_BATCH - 1), *batch[1:])
    sizes = {n: tuple(max(k, contract.least.get(n, 0)) for k in s) for n, s in sizes.items()}
    sizes |= {n: (function({k: s[0] for k, s in sizes.items() if s}),) for n, function in contract.sizes.items()}
    regimes = {k: "grid" if regime == "grid" else "ordinary" for k, regime in recipe.regimes.items()}
    return replace(recipe, calls=CALLS, sizes=sizes, regimes=regimes)


class Unanswered(Exception):
    """The subject refused, or answered something else; that is recorded."""


@dataclass
class Asking:
    """How an identity asks: the row's subject or another one, and by which bounds.

    ``coarse``: those of grade C where the contract promises no more.  ``excusing``: what a recorded deviation
    explains is taken for what is expected; ``excused`` counts it.
    """

    row: object
    subject: Subject | None = None
    coarse: bool = False
    excusing: bool = False
    excused: Counter = field(default_factory=Counter)

    def __call__(self, case: Case, gradients: bool = True) -> dict[str, Rounded]:
        found = self.values(case)
        if gradients and case.contract.has_gradient:
            found |= self.gradients(case, case.differentiable)
        return {q: self.bounded(case, q, x) for q, x in found.items()}

    def like(self, told: dict, case: Case) -> dict[str, Rounded]:
        """The same quantities, without bounds."""
        wanted = tuple(q.removeprefix("grad_") for q in told if q.startswith("grad_"))
        found = self.values(case) | (self.gradients(case, wanted) if wanted else {})
        return {q: Rounded.exact(self.excuse(case, q, x), EXACT) for q, x in found.items() if q in told}

    def values(self, case: Case) -> dict[str, np.ndarray]:
        return self.answer(case, lambda session: session.values())

    def gradients(self, case: Case, wanted: tuple[str, ...]) -> dict[str, np.ndarray]:
        """The gradients, as far as the contract defines them; what is refused is for the gradient check to judge."""
        try:
            found = self.session(case).gradients(wanted)
        except (Refused, Malformed):
            found = {}
            for name in wanted:
                with suppress(Refused, Malformed):
                    found |= self.session(case).gradients((name,))
        return {q: gradient_of(case, q, g) for q, g in found.items()}

    def session(self, case: Case) -> Session:
        return self.row.session(case, self.subject)

    def answer(self, case: Case, question: Callable) -> dict:
        if self.subject is None:
            found = self.row.answer(case, question, (None,))
        else:
            with suppress(Refused, Malformed):
                return question(self.session(case))
            found = None
        if found is None:
            raise Unanswered
        return found

    def bounded(self, case: Case, quantity: str, actual: np.ndarray) -> Rounded:
        expected = case.expected(quantity)
        error = expected.error
        if quantity.startswith("grad_"):
            error = np.where(np.isnan(expected.value), np.inf, error)  # nothing is promised
        if self.coarse and case.contract.promise(quantity, case.dtype)[0] == "C":
            error = np.maximum(error, case.coarse[quantity].error)
        return Rounded(self.excuse(case, quantity, actual), error, EXACT, expected.spread)

    def excuse(self, case: Case, quantity: str, actual: np.ndarray) -> np.ndarray:
        """The answer, with what deviations explain replaced by what is expected."""
        if not self.excusing:
            return actual
        expected = case.expected(quantity)
        wrong = ~within(expected, actual)
        for deviation in DEVIATIONS.values():
            if wrong.any() and deviation.concerns(self.row.item, quantity, case):
                explained = wrong & deviation.excuses(case, quantity, actual)
                if explained.any():
                    self.excused[deviation.id] += int(explained.sum())
                    actual, wrong = np.where(explained, expected.value, actual), wrong & ~explained
        return actual


def gradient_of(case: Case, quantity: str, found: Gradient) -> np.ndarray:
    """What the contract defines of a gradient, shape (calls, ...); one that does not arrive is zero."""
    name = quantity.removeprefix("grad_")
    shape = case.arguments[name].shape[0 if case.is_shared(name) else 1 :]
    return np.zeros((case.calls, *shape)) if found.array is None else case.through(quantity, found.array)


@check(
    "identity",
    applies=lambda contract: bool(names(contract)),
    questions=names,
    recipes=moderate,
    budgets=LIGHT,
    sample=2,
)
def hold_to_identity(row, case: Case) -> None:
    """One identity, in the case and in those that it derives from it."""
    law = IDENTITIES[row.item.question].law
    try:
        claims = list(law(case, Asking(row)))
        if any(c.broken(case.format).any() for c in claims):
            if row.item.subject.deviations and is_moved(row, case, law):
                row.tally(None).refusals["no law of the loss as the subject's declared deviations move it"] += 1
                return
            claims, excused = again(row, case, law)
            record(row, case, claims, excused)
        else:
            record(row, case, claims, Counter())
    except Unanswered:
        return


class Expecting(Asking):
    """Asks the oracle itself."""

    def values(self, case: Case) -> dict[str, np.ndarray]:
        return {q: r.value for q, r in case.expected_values.items()}

    def gradients(self, case: Case, wanted: tuple[str, ...]) -> dict[str, np.ndarray]:
        return {q: r.value for q, r in case.expected_gradients.items() if q.removeprefix("grad_") in wanted}


def is_moved(row, case: Case, law: Callable) -> bool:
    """Whether what is expected of the subject, by its declared deviations, breaks a law."""
    case = replace(case, declared=row.item.subject.deviations)
    return any(c.broken(case.format).any() for c in law(case, Expecting(row)))


def again(row, case: Case, law: Callable) -> tuple[list[Claim], Counter]:
    """The claims by the bounds that are promised, with what is known of torch.nn taken off if that is needed."""
    asking = Asking(row, coarse=True)
    claims = list(law(case, asking))
    if any(c.broken(case.format).any() for c in claims):
        asking = Asking(row, coarse=True, excusing=True)
        claims = list(law(case, asking))
    if not row.item.subject.is_torch and any(c.broken(case.format).any() for c in claims):
        with suppress(Unanswered):
            eager = list(law(case, Asking(row, torch_subject(case.contract), coarse=True)))
            if len(eager) == len(claims) and all(no_worse(*pair, case) for pair in zip(claims, eager, strict=True)):
                return eager, Counter({NO_WORSE: 1})
    return claims, asking.excused


def no_worse(claim: Claim, eager: Claim, case: Case) -> bool:
    """Whether eager torch breaks a claim by as much, up to what is allowed."""
    return bool(np.all(~claim.broken(case.format) | (claim.gap <= eager.gap + claim.allowed)))


def record(row, case: Case, claims: list[Claim], excused: Counter) -> None:
    """Count a case whose claims hold, and say of one that does not what the two sides are."""
    tally = row.tally(None)
    for claim in claims:
        tally.elements, tally.recipes = tally.elements + claim.gap.size, tally.recipes + 1
    tally.excused += excused
    broken = [] if NO_WORSE in excused else [c for c in claims if c.broken(case.format).any()]
    for claim in broken[:1]:
        row.problem(case, None, said(row.item.question, claim, case))
    bounded = any(np.isfinite(c.allowed).any() for c in claims)
    if bounded:
        tally.seen(case)
    elif claims:
        tally.vacuous += 1


def said(name: str, claim: Claim, case: Case) -> str:
    """One line about the worst element."""
    at = worst(claim, case)
    left, right, allowed = claim.left.value[at], claim.right.value[at], claim.allowed[at]
    return f"{name}: {claim.quantity}: left {left:.9g}, right {right:.9g}, allowed {allowed:.3g}"


def worst(claim: Claim, case: Case) -> tuple[int, ...]:
    """The index of the element of a claim that is most of what is allowed apart, the call first."""
    with np.errstate(all="ignore"):
        badness = np.where(claim.broken(case.format), claim.gap / np.maximum(claim.allowed, case.format.tiny), -1.0)
    return tuple(int(i) for i in np.unravel_index(np.argmax(badness), badness.shape))
