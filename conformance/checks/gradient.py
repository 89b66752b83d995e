"""Is the gradient of every differentiable argument that of the contract, for a random upstream gradient?"""

import numpy as np

from conformance.checks.check import check
from conformance.session import Malformed, Refused


@check("gradient", applies=lambda contract: contract.has_gradient)
def compare_gradients(row, case) -> None:
    """All gradients of one call at once; one by one where that is refused."""
    names = case.differentiable
    try:
        answer = row.session(case).gradients(names)
    except (Refused, Malformed):
        answer = {}
        for name in names:
            found = row.answer(case, lambda s, n=name: s.gradients((n,)), (f"grad_{name}",))
            answer |= found or {}
    for quantity, gradient in answer.items():
        judge_gradient(row, case, quantity, gradient)


def judge_gradient(row, case, quantity: str, gradient) -> None:
    """Judge a gradient; one that does not arrive is right only where it is zero."""
    expected = case.expected(quantity).value
    if np.any(expected[gradient.missing] != 0):
        row.problem(case, quantity, f"{quantity}: no gradient reaches it")
    elif gradient.array is not None:
        row.judge(case, quantity, case.through(quantity, gradient.array))
