"""Does every differentiable argument get its gradient, in all the ways in which one may ask for it?"""

import numpy as np

from conformance.checks.check import LIGHT, check
from conformance.checks.gradient import judge_gradient
from conformance.checks.purity import ask_in_words, few_calls, pure_recipes
from conformance.completeness import QUESTIONS
from conformance.session import Gradient
from conformance.strategies import has_products, recipes
from reference import Contract

#: Numbers at which gradients get lost.
FAR = ("wide", "logits", "tiny", "huge", "edges")


def complete_recipes(contract: Contract, reduction: str, question: str):
    """Recipes of ordinary numbers; of extreme ones, where the question is about those."""
    if question != "dead":
        return pure_recipes(contract, reduction)
    return recipes(contract, reduction, regimes_of=FAR[:3] if has_products(contract) else FAR)


@check(
    "completeness",
    recipes_for=complete_recipes,
    alter=lambda case, question: case if question == "dead" else few_calls(case, question),
    applies=lambda contract: contract.has_gradient,
    questions=lambda contract: (*QUESTIONS, "dead"),
    budgets=LIGHT,
    sample=1,
)
def ask_for_gradients(row, case) -> None:
    """One question; gradients that are nought are compared with the oracle, others with each other."""
    if row.item.question == "dead":
        judge_dead(row, case)
    else:
        ask_in_words(row, case, QUESTIONS[row.item.question])


def judge_dead(row, case) -> None:
    """A gradient of exactly nought is right only where the oracle's may be: nothing else is judged."""
    for name in case.differentiable:
        quantity = f"grad_{name}"
        for found in (row.answer(case, lambda s, n=name: s.gradients((n,)), (quantity,)) or {}).values():
            array, expected = found.array, case.expected(quantity)
            if array is not None and array.shape == expected.shape:
                right = case.format.round(expected.value)
                found = Gradient(np.where((array == 0) | ~np.isfinite(right), array, right), found.missing)
            judge_gradient(row, case, quantity, found)
