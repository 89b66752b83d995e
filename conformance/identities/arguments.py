"""What happens to a loss when its arguments are swapped, negated, shifted or scaled together?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from conformance.case import Case
from conformance.identities.identity import Claim, alike, altered, constant, identity
from conformance.identities.moves import on_grid

#: Arguments of a loss of differences, all of which may be shifted, or negated, together.
TOGETHER = {
    "l1_loss": ("input", "target"),
    "mse_loss": ("input", "target"),
    "smooth_l1_loss": ("input", "target"),
    "huber_loss": ("input", "target"),
    "gaussian_nll_loss": ("input", "target"),
    "pairwise_distance": ("x1", "x2"),
    "triplet_margin_loss": ("anchor", "positive", "negative"),
    "triplet_margin_with_distance_loss": ("anchor", "positive", "negative"),
}
#: The same of a loss that is odd in them: their sign is in ``target``.
WITH_A_SIGN = {"margin_ranking_loss": ("input1", "input2")}
#: Losses that are even in all of these together, but not functions of their differences.
EVEN = {
    "l1_loss_complex": ("input", "target"),
    "cosine_similarity": ("x1", "x2"),
    "cosine_embedding_loss": ("input1", "input2"),
}
#: Arguments that may change places, and parameters for which they may.
SWAPPED = {
    "l1_loss": ("input", "target", {}),
    "l1_loss_complex": ("input", "target", {}),
    "mse_loss": ("input", "target", {}),
    "smooth_l1_loss": ("input", "target", {}),
    "huber_loss": ("input", "target", {}),
    "gaussian_nll_loss": ("input", "target", {}),
    "cosine_similarity": ("x1", "x2", {}),
    "cosine_embedding_loss": ("input1", "input2", {}),
    "pairwise_distance": ("x1", "x2", {"eps": 0.0}),
    "triplet_margin_loss": ("anchor", "positive", {"eps": 0.0, "swap": True}),
    "triplet_margin_with_distance_loss": ("anchor", "positive", {"distance_function": "squared", "swap": True}),
}
SHIFTABLE = TOGETHER | WITH_A_SIGN


def exchanged(told: Mapping, a: str, b: str) -> dict:
    """The quantities, with the gradients of two arguments in each other's place."""
    names = {f"grad_{a}": f"grad_{b}", f"grad_{b}": f"grad_{a}"}
    return {names.get(q, q): x for q, x in told.items()}


@identity("arguments-swapped", lambda contract: contract.name in SWAPPED)
def arguments_swapped(case: Case, ask):
    """The two sides of a symmetric loss may change places; their gradients do so too."""
    a, b, parameters = SWAPPED[case.contract_name]
    case = altered(case, parameters=parameters)
    one, other = case.arguments[a], case.arguments[b]
    if one.shape != other.shape:
        one, other = (np.array(x) for x in np.broadcast_arrays(one, other))
        case = altered(case, {a: one, b: other})
    told = ask(case)
    return alike(told, exchanged(ask.like(told, altered(case, {a: other, b: one})), a, b))


@identity("sides-swapped", lambda contract: contract.name in WITH_A_SIGN)
def sides_swapped(case: Case, ask):
    """Which of two is first does not matter where the target says which one should lead."""
    a, b = WITH_A_SIGN[case.contract_name]
    told = ask(case)
    new = {a: case.arguments[b], b: case.arguments[a], "target": -case.arguments["target"]}
    return alike(told, exchanged(ask.like(told, altered(case, new)), a, b))


def negated(case: Case, *names: str) -> dict[str, np.ndarray]:
    return {k: -case.arguments[k] for k in names}


@identity("all-negated", lambda contract: contract.name in SHIFTABLE | EVEN)
def all_negated(case: Case, ask):
    """The negatives of both sides have the same loss, and the negatives of the gradients."""
    names = (SHIFTABLE | EVEN)[case.contract_name]
    if case.contract_name in ("pairwise_distance", "triplet_margin_loss"):
        case = altered(case, parameters={"eps": 0.0})
    if case.parameters.get("distance_function", "") is None:
        case = altered(case, parameters={"distance_function": "manhattan"})
    told = ask(case)
    signed = ("target",) if case.contract_name in WITH_A_SIGN else ()
    other = ask.like(told, altered(case, negated(case, *names, *signed)))
    return alike(told, other, lambda q, x: -x if q.removeprefix("grad_") in names else x)


@identity("all-shifted", lambda contract: contract.name in SHIFTABLE)
def all_shifted(case: Case, ask):
    """The same number added to both sides changes nothing."""
    names = SHIFTABLE[case.contract_name]
    if case.parameters.get("distance_function") == "cosine":
        case = altered(case, parameters={"distance_function": "squared"})
    case = on_grid(case, *names)
    told = ask(case)
    return alike(told, ask.like(told, altered(case, {k: case.arguments[k] + 4.0 for k in names})))


@identity("gradients-cancel", lambda contract: contract.name in SHIFTABLE)
def gradients_cancel(case: Case, ask):
    """The gradients by all sides of a difference add up to zero."""
    if case.parameters.get("distance_function") == "cosine":
        case = altered(case, parameters={"distance_function": "squared"})
    told = ask(case)
    found = [told[f"grad_{k}"] for k in SHIFTABLE[case.contract_name] if f"grad_{k}" in told]
    if len(found) == len(SHIFTABLE[case.contract_name]):
        total = np.sum(np.stack(found), axis=0)
        yield Claim(f"grad_{SHIFTABLE[case.contract_name][0]}", total, constant(np.zeros(total.shape)))


@dataclass(frozen=True)
class Scaling:
    """A loss that is homogeneous: its degree, the arguments to scale, and the degrees of its parameters."""

    degree: int
    arguments: tuple[str, ...]
    parameters: Mapping[str, int] = field(default_factory=dict)


PAIR, TRIPLET = ("input", "target"), ("anchor", "positive", "negative")
HOMOGENEOUS = {
    "l1_loss": Scaling(1, PAIR),
    "l1_loss_complex": Scaling(1, PAIR),
    "mse_loss": Scaling(2, PAIR),
    "smooth_l1_loss": Scaling(1, PAIR, {"beta": 1}),
    "huber_loss": Scaling(2, PAIR, {"delta": 1}),
    "hinge_embedding_loss": Scaling(1, ("input",), {"margin": 1}),
    "margin_ranking_loss": Scaling(1, ("input1", "input2"), {"margin": 1}),
    "nll_loss": Scaling(1, ("input",)),
    "multi_margin_loss": Scaling(1, ("input",), {"margin": 1}),
    "pairwise_distance": Scaling(1, ("x1", "x2"), {"eps": 1}),
    "cosine_similarity": Scaling(0, ("x1", "x2"), {"eps": 1}),
    "triplet_margin_loss": Scaling(1, TRIPLET, {"margin": 1, "eps": 1}),
    "triplet_margin_with_distance_loss": Scaling(2, TRIPLET, {"margin": 2}),
}


def scaling_of(case: Case) -> tuple[Case, Scaling]:
    """How a case scales, with a distance function that does."""
    if case.contract_name == "triplet_margin_with_distance_loss":
        case = altered(case, parameters={"distance_function": "squared"})
    if case.contract_name == "multi_margin_loss":
        return case, Scaling(case.parameters["p"], ("input",), {"margin": 1})
    return case, HOMOGENEOUS[case.contract_name]


@identity("all-scaled", lambda contract: contract.name in HOMOGENEOUS)
def all_scaled(case: Case, ask):
    """Everything that has a unit, times four, is the loss times a power of four."""
    case, scaling = scaling_of(case)
    arguments = {k: case.arguments[k] * 4.0 for k in scaling.arguments}
    parameters = {k: case.parameters[k] * 4.0**n for k, n in scaling.parameters.items()}
    told = ask(case)
    other = ask.like(told, altered(case, arguments, parameters))

    def scaled(quantity, x):
        return x * 4.0 ** (scaling.degree - (quantity.removeprefix("grad_") in scaling.arguments))

    return alike(told, other, scaled)


#: Losses of a yes and a no, and the number that the input and its opposite add up to.
BINARY = {
    "binary_cross_entropy": 1.0,
    "binary_cross_entropy_with_logits": 0.0,
    "multilabel_soft_margin_loss": 0.0,
    "soft_margin_loss": 0.0,
}


@identity("yes-and-no-swapped", lambda contract: contract.name in BINARY)
def yes_and_no_swapped(case: Case, ask):
    """The opposite answer to the opposite question has the same loss, and the negatives of the gradients."""
    total = BINARY[case.contract_name]
    sign = case.contract_name == "soft_margin_loss"
    target = case.arguments["target"] if sign else np.rint(case.arguments["target"] * 128) / 128
    input = np.clip(np.rint(case.arguments["input"] * 128), 1, 127) / 128 if total else case.arguments["input"]
    without = {"pos_weight": None} if "pos_weight" in case.arguments else {}
    case = altered(case, {"input": input, "target": target, **without})
    told = ask(case)
    other = ask.like(told, altered(case, {"input": total - input, "target": (0.0 if sign else 1.0) - target}))
    return alike(told, other, lambda q, x: -x if q in ("grad_input", "grad_target") else x)
