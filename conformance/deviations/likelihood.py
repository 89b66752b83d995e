"""Where KLDivLoss, PoissonNLLLoss and GaussianNLLLoss of torch.nn depart from their contracts."""

import math

import numpy as np

from conformance.case import gradients
from conformance.deviations.deviation import EVERY, deviation, stored_terms
from conformance.deviations.kernels import held
from reference.arithmetic.plain import plain
from reference.in_numpy.likelihood import kl_div, poisson_nll_loss

#: Inputs of PoissonNLLLoss to which the default eps, 1e-8, makes a difference in float16.
NEAR_ZERO = 2.0**-10

stored_terms("PoissonNLLLoss", witness={"input": [11.4, 0.0], "target": [0.0, 0.0]})
stored_terms(
    "GaussianNLLLoss",
    witness={"input": [300.0, 0.0], "target": [0.0, 0.0], "var": [0.6, 1.0]},
)


def parameter(name: str, value: bool):
    """The cases with that value of a parameter."""
    return lambda case: case.parameters[name] == value


@deviation(
    "KLDivLoss", of="value", dtypes=("float16",), reductions=("batchmean",), steps="storage",
    divides_last=True, severity="wrong", share=0.05, condition="the sum exceeds the 16-bit format",
    witness={"input": [[-40000.0], [-40000.0]], "target": [[1.0], [1.0]], "reduction": "batchmean"},
)  # fmt: skip
def batch_sum_overflows(input, target, *, log_target=False):
    """The batch mean overflows although it is representable.

    reduction="batchmean" divides a sum that is already stored in 16 bits; reduction="mean" does not.
    """
    return kl_div.formula(input, target, log_target=log_target)


@deviation(
    "KLDivLoss", of="value", steps="storage", severity="nan", share=0.1,
    condition="log_target, and target - input exceeds the format", applies=parameter("log_target", True),
    witness={"input": [[30000.0]], "target": [[-60000.0]], "log_target": True},
)  # fmt: skip
def difference_overflows(input, target, *, log_target=False):
    """An outcome without any mass makes the loss NaN.

    With log_target torch multiplies exp(target) by target - input.  The difference may overflow where the
    exponential is 0, and their product is NaN.
    """
    return np.exp(target) * (target - input)


@deviation(
    "KLDivLoss", of="gradient", quantities=("grad_target",), steps="storage", severity="nan", share=0.1,
    condition="log_target, and target - input exceeds the format", applies=parameter("log_target", True),
    witness={"input": [[30000.0]], "target": [[-60000.0]], "log_target": True},
)  # fmt: skip
def gradient_difference_overflows(cotangent, input, target, *, log_target):
    """The gradient of an outcome without any mass is NaN.

    As in the value, exp(target), which is 0, is multiplied by a difference that has overflowed.
    """
    mass = np.exp(target)
    return {"target": cotangent * (target - input) * mass + cotangent * mass}


@deviation(
    "KLDivLoss", of="gradient", quantities=("grad_target",), steps="storage", severity="nan", share=0.3,
    condition="the target is 0, or its product with the upstream gradient is subnormal",
    applies=parameter("log_target", False), upstream="pytorch/pytorch#115588",
    witness={"input": [[-1.0]], "target": [[0.0]]},
)  # fmt: skip
def target_gradient_divides_by_target(cotangent, input, target, *, log_target):
    """The gradient of a target of 0 is NaN, and that of a tiny one inaccurate.

    The derivative of target log(target) is evaluated as g log(target) + g target / target: 0 / 0 where the
    target is 0, where the limit is an infinity of the sign of -g; and inaccurate where g target is subnormal.
    """
    live = plain(target) > 0
    log = np.where(live, np.log(np.where(live, target, 1.0)), 0.0)
    return {"target": cotangent * log + cotangent * target / target - cotangent * input}


def poisson_steps(input, target, log_input, full, eps):
    """The terms of PoissonNLLLoss as torch evaluates them."""
    loss = np.exp(input) - target * input if log_input else input - target * np.log(input + eps)
    if not full:
        return loss
    stirling = target * np.log(target) - target + 0.5 * np.log(2.0 * math.pi * target)
    return loss + np.where(plain(target) > 1, stirling, 0.0)


def poisson_slopes(cotangent, input, target, log_input, full, eps):
    """The gradients of PoissonNLLLoss as torch's autograd evaluates them."""
    if log_input:
        slope, rise = cotangent * np.exp(input) - cotangent * target, -cotangent * input
    else:
        slope = cotangent - cotangent * target / (input + eps)
        rise = -cotangent * np.log(input + eps)
    if full:
        live = np.where(plain(target) > 1, cotangent, 0.0)
        rise = rise + (live * np.log(target) + live * target / target - live)
        rise = rise + 0.5 * live / (2.0 * math.pi * target) * (2.0 * math.pi)
    return {"input": slope, "target": rise}


@deviation(
    "PoissonNLLLoss", of="value", dtypes=("float16",), steps="storage", severity="nan", share=0.2,
    condition="not log_input, and the input is next to 0", applies=parameter("log_input", False),
    witness={"input": [0.0], "target": [0.0], "log_input": False},
)  # fmt: skip
def eps_vanishes(input, target, *, log_input=True, full=False, eps=1e-8):
    """The default eps protects nothing: the loss is NaN or infinite where the input is 0.

    1e-8 is 0 in float16, so that the logarithm of input + eps is that of 0, and 0 times it NaN.
    """
    right = poisson_nll_loss.formula(input, target, log_input=log_input, full=full, eps=eps)
    return np.where(plain(input) < NEAR_ZERO, poisson_steps(input, target, log_input, full, eps), right)


@deviation(
    "PoissonNLLLoss", of="value", dtypes=EVERY, steps="storage", severity="nan", share=0.3,
    condition="target log(rate), 2 pi target or target log(target) exceeds the format",
    witness={"input": [9.0], "target": [8000.0]},
)  # fmt: skip
def steps_overflow(input, target, *, log_input=True, full=False, eps=1e-8):
    """The loss is infinite although it is representable, or NaN although it is not.

    Every step is stored in the dtype.  In float16 target log(rate), target log(target) and 2 pi target
    overflow for targets of some thousands, and infinities of opposite sign add up to NaN.
    """
    return poisson_steps(input, target, log_input, full, eps)


@deviation(
    "PoissonNLLLoss", of="gradient", quantities=("grad_input", "grad_target"), dtypes=("float16",),
    steps="storage", severity="nan", share=0.2, condition="not log_input, and the input is next to 0",
    applies=parameter("log_input", False), witness={"input": [0.0], "target": [0.0], "log_input": False},
)  # fmt: skip
def gradient_eps_vanishes(cotangent, input, target, *, log_input, full, eps):
    """The default eps protects nothing: the gradients are NaN or infinite where the input is 0.

    1e-8 is 0 in float16, so that target / (input + eps) is 0 / 0, and the logarithm that of 0.
    """
    given = {"log_input": log_input, "full": full, "eps": eps}
    steps = poisson_slopes(cotangent, input, target, **given)
    right = poisson_nll_loss.pullback(cotangent, input, target, **given)
    return {k: np.where(plain(input) < NEAR_ZERO, steps[k], right[k]) for k in right}


@deviation(
    "PoissonNLLLoss", of="gradient", quantities=("grad_target",), dtypes=EVERY, steps="storage",
    severity="nan", share=0.1, condition="full, and the target is 0", applies=parameter("full", True),
    witness={"input": [1.0], "target": [0.0], "full": True},
)  # fmt: skip
def target_gradient_of_unused_term(cotangent, input, target, *, log_input, full, eps):
    """The gradient of a target of 0 is NaN with full=True.

    Stirling's term is left out by masked_fill for targets up to 1, but its derivative is still evaluated and
    multiplied by 0: log(0) 0 and 0 / 0 are NaN.
    """
    given = {"log_input": log_input, "full": full, "eps": eps}
    steps = poisson_slopes(cotangent, input, target, **given)
    right = poisson_nll_loss.pullback(cotangent, input, target, **given)
    return {"target": np.where(plain(target) == 0, steps["target"], right["target"])}


@deviation(
    "PoissonNLLLoss", of="gradient", quantities=("grad_input", "grad_target"), dtypes=EVERY, steps="storage",
    severity="nan", share=0.1, condition="the upstream gradient times rate or target exceeds the format",
    witness={"input": [12.0], "target": [30000.0], "cotangent": [-4.0]},
)  # fmt: skip
def gradient_steps_overflow(cotangent, input, target, *, log_input, full, eps):
    """The gradient is infinite although it is representable, or NaN although it is not.

    torch multiplies every term of the derivative by the upstream gradient before it adds them up or divides:
    g rate - g target, g target / (input + eps), g target / target.
    """
    return poisson_slopes(cotangent, input, target, log_input, full, eps)


@deviation(
    "GaussianNLLLoss", of="value", steps="storage", severity="wrong", share=0.3,
    condition="(input - target)^2 leaves the format",
    witness={"input": [300.0], "target": [0.0], "var": [1000.0]},
)  # fmt: skip
def square_leaves_format(input, target, var, *, full=False, eps=1e-6):
    """The loss is infinite although it is representable, or misses its quadratic term.

    torch squares input - target before it divides by the variance: the square overflows, or underflows to 0.
    """
    var = held(var, eps)
    loss = 0.5 * (np.log(var) + np.square(input - target) / var)
    return loss + 0.5 * math.log(2 * math.pi) if full else loss


@deviation(
    "GaussianNLLLoss", of="gradient", quantities=("grad_input", "grad_target"), steps="storage",
    severity="wrong", share=0.15, condition="the reciprocal of the variance leaves the format",
    witness={"input": [0.0], "target": [0.0], "var": [0.0]},
)  # fmt: skip
def reciprocal_of_variance_leaves_format(cotangent, input, target, var, *, full, eps):
    """The gradient is NaN or infinite although it is representable, or vanishes.

    torch divides by twice the variance before it multiplies by twice the error.  In float16 the quotient
    overflows for variances below 7.6e-6, which the default eps is: the gradient of an error of 0 is then NaN.
    """
    slope = 0.5 * cotangent / np.maximum(var, eps) * (2.0 * (input - target))
    return {"input": slope, "target": -slope}


def quadratic_part(cotangent, input, target, var, *, full, eps):
    """What the quadratic term adds to the gradient of the variance, as torch's autograd evaluates it."""
    var = np.maximum(var, eps)
    return {"var": -0.5 * cotangent * (np.square(input - target) / var / var)}


@deviation(
    "GaussianNLLLoss", of="gradients", quantities=("grad_var",), steps="storage", severity="wrong", share=0.5,
    condition="(input - target)^2, its quotient by the variance, or the reciprocal of that leaves the format",
    witness={"input": [300.0], "target": [0.0], "var": [1000.0]},
)  # fmt: skip
def variance_gradient_leaves_format(case, lift):
    """The gradient of the variance is NaN or infinite although it is representable, or loses a part.

    torch squares the error before it divides, twice, by the variance, and adds the reciprocal of the
    variance; both overflow or underflow, and infinities of opposite sign add up to NaN.  Upstream gradients
    that share a variance are added up before they are divided by it.
    """
    logarithmic = gradients(case, lift, lambda up, **_: {"var": 0.5 * up})["grad_var"]
    quadratic = gradients(case, lift, quadratic_part)["grad_var"]
    var = np.maximum(lift(case.arguments["var"]), lift(case.parameters["eps"]))
    return {"grad_var": logarithmic / var + quadratic}
