"""Where torch.nn departs from derivatives beyond the first gradient, though that is right."""

import math

import numpy as np

from conformance.case import Case, gradients, values
from conformance.derivatives import move, moving, second, tangents
from conformance.deviations.deviation import SINGLE, deviation
from conformance.deviations.kernels import scalar
from conformance.deviations.norms import Cosine, difference, norm
from reference.arithmetic.dual import derivative
from reference.arithmetic.plain import plain
from reference.in_numpy.likelihood import weighted

ONLY = {"of": "gradients", "only": "second_derivative", "dtypes": SINGLE}


def moves_of(case: Case, lift) -> dict[str, object]:
    """The directions in row form."""
    return {k: move(lift, case.in_rows(k, v)) for k, v in case.directions.items()}


def over_spread(input):
    """``input + 1e-12`` and ``1 - input + 1e-12``, by which torch divides."""
    epsilon = scalar(1e-12, input)
    return input + epsilon, (1.0 - input) + epsilon


@deviation(
    "BCELoss", quantities=("grad_input", "grad_target"), steps="storage", divides_last=True, severity="wrong",
    share=0.7, condition="the input is 0 or 1, or close to it", witness={"input": [2.0**-43], "target": [1.0]}, **ONLY,
)  # fmt: skip
def curvature_floor(case, lift):
    """The second derivative is wrong, infinite or NaN where the input is close to 0 or 1.

    Of the slope (x - t) / (x (1 - x)) torch has three derivatives, which differ in what keeps them finite: by
    the input with 1e-12 added to x and to 1 - x, by the target with x (1 - x) at least 1e-12, and that of the
    target's own gradient, -logit(x), with nothing.  At x = t = 0, where the loss has curvature 1, they give 0,
    -1e12 and -inf.
    """
    moves = moves_of(case, lift)

    def pullback(cotangent, input, target, *, weight):
        carried, found = weighted(weight, cotangent), {"input": 0.0, "target": 0.0}
        (low, high), spread = over_spread(input), (1.0 - input) * input
        if "input" in moves:
            bend = ((input * input - 2.0 * input * target) + target) / (np.square(low) * np.square(high))
            found["input"] = bend * (carried * moves["input"])
            found["target"] = -(carried * moves["input"]) / np.maximum(spread, scalar(1e-12, input))
        if "target" in moves:
            found["input"] = found["input"] - carried * moves["target"] / spread
        return {k: g + carried * 0.0 for k, g in found.items()}

    return gradients(case, lift, pullback)


@deviation(
    "BCELoss", quantities=("value",), steps="storage", divides_last=True, severity="wrong", share=0.7,
    condition="the input is 0 or 1, or close to it", witness={"input": [2.0**-43], "target": [0.0]}, **ONLY,
)  # fmt: skip
def slope_by_cotangent(case, lift):
    """The derivative of the gradient by the upstream gradient is not the gradient.

    torch's gradient is (x - t) / max(x (1 - x), 1e-12); its derivative by the upstream gradient divides by
    (x + 1e-12) (1 - x + 1e-12) instead, and for the target is the unclamped logit.
    """
    moves = moves_of(case, lift)

    def formula(input, target, *, weight):
        low, high = over_spread(input)
        slopes = {"input": (input - target) / (low * high), "target": np.log1p(-input) - np.log(input)}
        return weighted(weight, sum((slopes[k] * moves[k] for k in moves if k in slopes), lift(np.zeros(case.rows))))

    return values(case, lift, formula)


def undefined(case: Case, lift, marks: dict[str, np.ndarray]) -> dict[str, object]:
    """The contract's second derivatives, but NaN in the rows that ``marks`` names, (R,), of an argument."""
    found = second(case, case.directions, lift)
    for name, rows in marks.items():
        shape = case.in_rows(name).shape
        nan = np.where(np.reshape(rows, (-1, *(1,) * (len(shape) - 1))), np.nan, np.zeros(shape))
        found[f"grad_{name}"] = found[f"grad_{name}"] + case.from_rows(name, nan)
    return found


def is_zero(x, lift, eps) -> np.ndarray:
    """Where the norm comes out as zero, (R,)."""
    x = lift(x)
    return np.squeeze(plain(Cosine.of(x, x, eps).lengths[0]) == 0, axis=-1)


def nan_at_zero_vectors(loss: str, *names: str, eps, applies=lambda case: True, **witness) -> None:
    """Register that second derivatives of a cosine are NaN by vectors whose norm is zero."""

    @deviation(
        loss, quantities=tuple(f"grad_{n}" for n in names), steps="storage", severity="nan", share=0.5,
        condition="a vector is zero, or the squares of its elements underflow", applies=applies, answers=np.isnan,
        name="curvature-at-zero-vectors", witness=witness, **ONLY,
    )  # fmt: skip
    def instead(case, lift):
        """The second derivative is NaN by a vector of norm zero, where the cosine is smooth.

        The norm counts as eps there, and the cosine is a bilinear function around it.  torch masks the
        gradient of the norm, x / 0, at zero, but not the derivative of that quotient.
        """
        held = lift(case.parameters["eps"] if eps is None else eps)
        return undefined(case, lift, {n: is_zero(case.in_rows(n), lift, held) for n in names})


nan_at_zero_vectors("CosineSimilarity", "x1", "x2", eps=None, x1=[[0.0, 0.0]], x2=[[1.0, 2.0]])
nan_at_zero_vectors(
    "TripletMarginWithDistanceLoss", "anchor", "positive", "negative", eps=1e-8,
    applies=lambda case: case.parameters["distance_function"] == "cosine",
    anchor=[[0.0, 0.0]], positive=[[1.0, 2.0]], negative=[[1.0, 0.0]], distance_function="cosine",
)  # fmt: skip


def nan_at_zero_distance(loss: str, *pairs: tuple[str, str], **witness) -> None:
    """Register that the gradient of a p-norm at zero has a derivative by the upstream gradient that is NaN."""

    @deviation(
        loss, quantities=("value",), steps="storage", severity="nan", share=0.5, answers=np.isnan,
        condition="the difference of two vectors, plus eps, is zero; p is neither 1, 2 nor inf", witness=witness,
        name="cotangent-at-zero-distance", applies=lambda case: case.parameters["p"] in (1.5, 3.0), **ONLY,
    )  # fmt: skip
    def instead(case, lift):
        """The derivative of the gradient by the upstream gradient is NaN, where the gradient is zero.

        torch masks up / norm ** (p - 1) where the norm is zero.  The derivative of that quotient by ``up`` is
        masked too late: infinity times zero.
        """
        moved = {k: plain(case.in_rows(k)) for k in case.contract.positional}
        zero = np.zeros(case.rows, bool)
        for one, other in pairs:
            apart = difference(lift(moved[one]), lift(moved[other]), lift(case.parameters["eps"]))
            zero |= np.squeeze(plain(norm(apart, case.parameters["p"])) == 0, axis=-1)
        found = values(case, lift, lambda **_: np.where(zero, np.nan, lift(np.zeros(case.rows))))
        return {"value": tangents(case, case.directions, lift)["value"] + found["value"]}


nan_at_zero_distance("PairwiseDistance", ("x1", "x2"), x1=[[0.0]], x2=[[0.0]], p=3.0, eps=0.0)
nan_at_zero_distance(
    "TripletMarginLoss", ("anchor", "positive"), ("anchor", "negative"), ("positive", "negative"),
    anchor=[[0.0]], positive=[[0.0]], negative=[[0.0]], p=3.0, eps=0.0,
)  # fmt: skip


@deviation(
    "KLDivLoss", quantities=("value",), steps="storage", severity="nan", share=0.1, answers=np.isinf,
    condition="the target, no logarithm, is subnormal", witness={"input": [[0.0]], "target": [[1e-42]]}, **ONLY,
)  # fmt: skip
def cotangent_overflows(case, lift):
    """The derivative of the gradient by the upstream gradient is infinite where the target is subnormal.

    The target's gradient has a summand target / target; its derivative divides the direction by the target
    first, which overflows.
    """
    moves = moves_of(case, lift)

    def formula(input, target, *, log_target):
        rise = moves["target"] * (np.log(target) - input) + moves["target"] / target * target
        return rise - moves["input"] * target

    return values(case, lift, formula)


@deviation(
    "KLDivLoss", quantities=("grad_target",), steps="storage", severity="nan", share=0.1, answers=np.isnan,
    condition="the target is a logarithm far below zero", **ONLY,
    witness={"input": [[0.0]], "target": [[-3e38]], "log_target": True},
    applies=lambda case: case.parameters["log_target"],
)  # fmt: skip
def curvature_of_no_mass(case, lift):
    """The second derivative is NaN for a target of hardly any mass.

    The direction times the distance to the target overflows before it is multiplied by exp(target), nought.
    """
    moves = moves_of(case, lift)

    def pullback(cotangent, input, target, *, log_target):
        mass, far = np.exp(target), cotangent * moves["target"] * (target - input)
        slope = cotangent * mass * (2.0 * moves["target"] - moves["input"]) + far * mass
        return {"target": slope, "input": -(cotangent * mass * moves["target"])}

    return gradients(case, lift, pullback)


@deviation(
    "GaussianNLLLoss", of="gradients", only="forward_mode", quantities=("value",), dtypes=SINGLE, steps="storage",
    severity="wrong", share=0.7, condition="the variance is below eps",
    witness={"input": [2.0], "target": [0.0], "var": [0.25], "eps": 1.0},
)  # fmt: skip
def variance_at_rest(case, lift):
    """Forward and reverse mode disagree where the variance is clamped.

    The variance is clamped in place without recording it, so that its gradient ignores the clamp.  Forward mode
    follows it all the same: the tangent of the variance is nought there.
    """

    def formula(input, target, var, *, full, eps):
        var = np.maximum(var, eps)
        loss = 0.5 * (np.log(var) + np.square(input - target) / var)
        return loss + 0.5 * math.log(2 * math.pi) if full else loss

    return {k: derivative(v) for k, v in values(moving(case, case.directions), lift, formula).items()}
