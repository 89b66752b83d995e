"""Does the value change along random directions of all arguments as forward-mode differentiation says?"""

from conformance.checks.check import LIGHT, check
from conformance.checks.second_derivative import DTYPES, judge_derivative, ordinary_recipes
from conformance.derivatives import Forward
from conformance.differentiation import tangents


@check(
    "forward_mode",
    recipes=ordinary_recipes,
    alter=lambda case, question: Forward.of(case),
    applies=lambda contract: contract.has_gradient,
    dtypes=DTYPES,
    budgets=LIGHT,
    sample=3,
)
def compare_tangents(row, case) -> None:
    """Every field of the result."""
    case = Forward.of(case)
    for quantity, found in (row.answer(case, tangents, tuple(case.contract.fields)) or {}).items():
        judge_derivative(row, case, quantity, found)
