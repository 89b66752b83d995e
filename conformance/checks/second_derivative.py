"""Is the gradient itself differentiated correctly: twice backward, along random directions of all arguments?"""

from dataclasses import replace

import numpy as np

from conformance.case import loop_dimensions
from conformance.checks.check import LIGHT, check
from conformance.derivatives import Second
from conformance.differentiation import second_derivatives
from conformance.session import Malformed, Refused
from conformance.strategies import recipes

#: Regimes whose numbers, or their reciprocals, have squares beyond the format.
EXTREME = ("tiny", "huge", "edges")
#: The largest batch of vectors.
BATCH = 16
#: Dtypes that derivatives beyond the first are taken in.
DTYPES = ("float32", "float64", "complex64", "complex128")


def ordinary_recipes(contract, reduction):
    """Cases without numbers at the ends of the format, whose squares leave it: these are asked of gradients.

    A quarter of the calls, and small batches of vectors: a derivative of a gradient costs several times as much.
    """
    vectors = any(a.core for a in contract.arguments.values())
    batch = {d.name for d in loop_dimensions(contract)} if vectors else set()

    def tamed(recipe):
        regimes = {k: "wide" if r in EXTREME else r for k, r in recipe.regimes.items()}
        sizes = {n: tuple(min(k, BATCH) for k in s) if n in batch else s for n, s in recipe.sizes.items()}
        return replace(recipe, regimes=regimes, sizes=sizes, calls=max(1, recipe.calls // 4))

    return recipes(contract, reduction).map(tamed)


@check(
    "second_derivative",
    recipes=ordinary_recipes,
    alter=lambda case, question: Second.of(case),
    applies=lambda contract: contract.has_gradient,
    dtypes=DTYPES,
    budgets=LIGHT,
    sample=3,
)
def compare_second_derivatives(row, case) -> None:
    """All arguments at once; where that is refused one by one, the others at rest."""
    case = Second.of(case)
    try:
        answers = [(case, second_derivatives(row.session(case)))]
    except (Refused, Malformed):
        alone = [Second.of(case, (name,)) for name in case.along]
        answers = [(c, row.answer(c, second_derivatives, (f"grad_{c.along[0]}",))) for c in alone]
    for asked, answer in answers:
        for quantity, found in (answer or {}).items():
            judge_derivative(row, asked, quantity, found)


def judge_derivative(row, case, quantity: str, found) -> None:
    """Judge a derivative; none, or a detached one, is right only where it is zero."""
    if case.contract.through:
        row.tally(quantity).refusals["the gradient is defined only through a log-softmax"] += 1
        return
    expected = case.expected(quantity)
    lacking = (expected.value != 0) & np.isfinite(expected.error)
    if np.any(lacking[found.missing]):
        row.problem(case, quantity, f"{quantity}: no derivative reaches it")
    elif found.array is not None:
        row.judge(case, quantity, found.array)
