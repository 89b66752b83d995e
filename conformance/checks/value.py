"""Is the value that of the contract: elementwise unreduced, and reduced over the exact terms?"""

from conformance.checks.check import LIGHT, check
from conformance.construction import LEGACY, knows_legacy
from conformance.sharpness import sharpness

#: Rows that a case needs for its bound to be compared with the condition-number bound.
SEVERAL = 16


@check("value")
def compare_values(row, case) -> None:
    """Every field of the result, elementwise; once how sharp its bound is."""
    judge_values(row, case)
    for tally in row.tallies.values():
        if tally.elements and tally.sharpness is None and case.rows >= SEVERAL:
            tally.sharpness = sharpness(case)


def judge_values(row, case) -> None:
    """Every field of the result, elementwise."""
    answer = row.answer(case, lambda session: session.values(), tuple(case.contract.fields))
    for quantity, actual in (answer or {}).items():
        row.judge(case, quantity, actual)


@check(
    "legacy",
    applies=knows_legacy,
    reductions=lambda contract: [r for r in contract.reductions if r in LEGACY],
    budgets=LIGHT,
)
def compare_legacy(row, case) -> None:
    """The same for a subject that is made by the deprecated pair size_average and reduce."""
    compare_values(row, case)
