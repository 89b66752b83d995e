"""Are weights what multiplies the terms?"""

from __future__ import annotations

import numpy as np

from conformance.case import Case
from conformance.identities.identity import alike, altered, equal, identity
from reference import Contract

#: Arguments that multiply terms, or a part of them.
WEIGHTS = ("weight", "pos_weight")


def ones(case: Case, name: str) -> np.ndarray:
    """An argument of the constructor that is one everywhere."""
    return np.ones(sum((case.sizes[d.name] for d in case.layout(name).layout), ()))


def is_optional(contract: Contract) -> bool:
    """Whether there is a weight, of the constructor, that may be left out."""
    weight = contract.arguments.get("weight")
    return weight is not None and weight.optional and "weight" not in contract.positional


@identity("weights-of-ones", is_optional)
def weights_of_ones(case: Case, ask):
    """Weights that are all one are no weights."""
    present = [k for k in WEIGHTS if k in case.arguments]
    without = altered(case, dict.fromkeys(present))
    return equal(ask(without), ask(altered(without, {k: ones(case, k) for k in present})))


@identity("weights-scaled", is_optional)
def weights_scaled(case: Case, ask):
    """Four times the weight is four times the loss; but not where the mean divides by the weights."""
    weight = case.arguments["weight"]
    case = altered(case, {"weight": ones(case, "weight") / 2 if weight is None else weight})
    reduction = case.contract.reductions[case.reduction]
    divided = reduction.weight is not None and not case.kinds.get("target", 0)
    told = ask(case)
    other = ask.like(told, altered(case, {"weight": case.arguments["weight"] * 4.0}))

    return alike(told, other, lambda q, x: x if divided or q == "grad_weight" else x * 4.0)
