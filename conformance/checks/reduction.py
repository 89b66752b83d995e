"""Are sum and mean those of the terms that the subject itself returns unreduced?"""

from conformance.checks.check import LIGHT, check
from conformance.reduction import given_terms, unreduced


@check("reduction", reductions=lambda contract: [r for r in contract.reductions if r != "none"], budgets=LIGHT)
def compare_reduction(row, case) -> None:
    """The reduced value against the exact reduction of the subject's own terms."""
    field = next(iter(case.contract.fields))
    answer = row.answer(case, lambda session: session.values(), (field,))
    terms = row.answer(unreduced(case), lambda session: session.values(), (field,))
    if answer is not None and terms is not None:
        question, chosen = given_terms(case, terms[field])
        if len(chosen):
            row.judge(question, field, answer[field][chosen])
