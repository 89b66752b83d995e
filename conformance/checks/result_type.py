"""Does the result have the dtype, the device and the shape that the contract says?"""

from conformance.checks.check import LIGHT, check


@check("result_type", budgets=LIGHT)
def compare_form(row, case) -> None:
    """The form of every field; the numbers are not looked at."""
    answer = row.answer(case, lambda session: session.forms(), tuple(case.contract.fields))
    for quantity in answer or ():
        row.tally(quantity).seen(case)
