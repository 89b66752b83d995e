"""Does a call leave everything as it was, and is every call answered as if it were the first?"""

import numpy as np

from conformance.case import Case
from conformance.checks.check import LIGHT, check
from conformance.purity import QUESTIONS, leaving_settings
from conformance.session import Malformed, Refused
from conformance.strategies import recipes
from reference import Contract

#: Calls of one case: each question makes several rounds of them.
CALLS = 4


def pure_recipes(contract: Contract, reduction: str):
    """Recipes of ordinary numbers."""
    return recipes(contract, reduction, regimes_of=("ordinary", "grid"))


def few_calls(case: Case, question: str | None) -> Case | None:
    """The first calls of a case; of nothing there is nothing to compare."""
    return case.select(np.arange(min(CALLS, case.calls))) if case.rows else None


@check(
    "purity",
    recipes=pure_recipes,
    alter=few_calls,
    questions=lambda contract: tuple(QUESTIONS),
    budgets=LIGHT,
    sample=1,
)
def compare_with_itself(row, case) -> None:
    """One question; the subject is compared with itself, not with the oracle."""
    ask_in_words(row, case, QUESTIONS[row.item.question])


def ask_in_words(row, case: Case, question) -> None:
    """Put a question whose answers are what is wrong, in words; a module that does not pickle is a note."""
    try:
        wrong, settings = leaving_settings(lambda: question(row.session(case)))
        wrong += settings if row.item.question == "modes" else []
    except Malformed as malformed:
        wrong = [str(malformed)]
    except Refused as refused:
        if row.item.question == "pickle" and not row.item.subject.is_torch:
            row.tally(None).notes[f"does not pickle: {refused}"] += 1
            return
        if row.may_refuse(case, refused, question):
            row.tally(None).refusals[str(refused)] += 1
            return
        wrong = [f"raises {refused}"]
    for message in dict.fromkeys(wrong):
        row.problem(case, None, message)
    if not wrong:
        row.tally(None).seen(case)
