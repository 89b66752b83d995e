"""Where KLDivLoss, PoissonNLLLoss and GaussianNLLLoss of torch.nn depart from their contracts."""

import math

import numpy as np

from conformance.deviations.deviation import EVERY, HALF, deviation, stored_terms
from reference.arithmetic.plain import plain
from reference.in_numpy.likelihood import kl_div


@deviation(
    "KLDivLoss", of="value", dtypes=("float16",), reductions=("batchmean",), steps="storage", divides_last=True,
    severity="nan", share=0.1, condition="the sum exceeds the 16-bit format",
    witness={"input": [[-40000.0], [-40000.0]], "target": [[1.0], [1.0]], "reduction": "batchmean"},
)  # fmt: skip
def batch_sum_overflows(input, target, *, log_target=False):
    """The batch mean overflows although it is representable.

    reduction="batchmean" divides a sum that is already stored in 16 bits; reduction="mean" does not.
    """
    return kl_div.formula(input, target, log_target=log_target)


@deviation(
    "KLDivLoss", of="value", dtypes=("float16", "bfloat16", "float32", "float64"), steps="storage", severity="nan",
    share=0.05, condition="log_target, and target - input exceeds the format",
    witness={"input": [[30000.0]], "target": [[-60000.0]], "log_target": True},
)  # fmt: skip
def difference_overflows(input, target, *, log_target=False):
    """An outcome without any mass makes the loss NaN.

    With log_target torch multiplies exp(target) by target - input.  The difference may overflow where the
    exponential is 0, and 0 inf is NaN.
    """
    if not log_target:
        return kl_div.formula(input, target, log_target=log_target)
    return np.exp(target) * (target - input)


@deviation(
    "KLDivLoss", of="gradient", quantities=("grad_target",), dtypes=("float16", "bfloat16", "float32", "float64"),
    steps="storage", severity="nan", share=0.05, condition="log_target, and target - input exceeds the format",
    witness={"input": [[30000.0]], "target": [[-60000.0]], "log_target": True},
)  # fmt: skip
def gradient_difference_overflows(cotangent, input, target, *, log_target):
    """The gradient of an outcome without any mass is NaN.

    Its cause is that of the value: exp(target) (target - input) is 0 inf.
    """
    mass = np.exp(target) if log_target else target
    return {"target": cotangent * (target - input) * mass + cotangent * mass}


@deviation(
    "KLDivLoss", of="gradient", quantities=("grad_target",), dtypes=EVERY, steps="storage", severity="nan", share=0.6,
    condition="the target is 0, or so small that its product with the upstream gradient is inexact",
    upstream="pytorch/pytorch#115588", witness={"input": [[-1.0]], "target": [[0.0]]},
)  # fmt: skip
def target_gradient_divides_by_target(cotangent, input, target, *, log_target):
    """The gradient of a target of 0 is NaN, and that of a tiny one inaccurate.

    The derivative of target log(target) is evaluated as g log(target) + g target / target: 0 / 0 where the target
    is 0, where the limit is an infinity of the sign of -g; and inaccurate where g target is subnormal.
    """
    live = plain(target) > 0
    log = np.where(live, np.log(np.where(live, target, 1.0)), 0.0)
    return {"target": cotangent * log + cotangent * target / target - cotangent * input}


stored_terms("PoissonNLLLoss", witness={"input": [11.4, 0.0], "target": [0.0, 0.0]})


def stirling_steps(target):
    """``t log t - t + log(2 pi t) / 2`` where t > 1, else 0, as torch evaluates it."""
    term = target * np.log(target) - target + 0.5 * np.log(2.0 * math.pi * target)
    return np.where(plain(target) > 1, term, 0.0)


def poisson_steps(input, target, log_input, full, eps):
    """The terms of PoissonNLLLoss as torch evaluates them."""
    loss = np.exp(input) - target * input if log_input else input - target * np.log(input + eps)
    return loss + stirling_steps(target) if full else loss


@deviation(
    "PoissonNLLLoss", of="value", dtypes=("float16",), steps="storage", severity="nan", share=0.3,
    condition="not log_input, and the input is next to 0", witness={"input": [0.0], "target": [0.0], "log_input": False},
)  # fmt: skip
def eps_vanishes(input, target, *, log_input=True, full=False, eps=1e-8):
    """The default eps protects nothing: the loss is NaN or infinite where the input is 0.

    1e-8 is 0 in float16, so that the logarithm of input + eps is that of 0, and 0 times it NaN.
    """
    return poisson_steps(input, target, log_input, full, eps)


@deviation(
    "PoissonNLLLoss", of="value", dtypes=EVERY, steps="storage", severity="nan", share=0.3,
    condition="target log(rate), 2 pi target or target log(target) exceeds the format",
    witness={"input": [9.0], "target": [8000.0]},
)  # fmt: skip
def steps_overflow(input, target, *, log_input=True, full=False, eps=1e-8):
    """The loss is infinite or NaN although it is representable.

    Every step is stored in the dtype: in float16 target log(rate), target log(target) and 2 pi target overflow for
    targets of some thousands, and the infinities of opposite sign add up to NaN.
    """
    return poisson_steps(input, target, log_input, full, eps)


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
    "PoissonNLLLoss", of="gradient", quantities=("grad_input", "grad_target"), dtypes=("float16",), steps="storage",
    severity="nan", share=0.3, condition="not log_input, and the input is next to 0",
    witness={"input": [0.0], "target": [0.0], "log_input": False},
)  # fmt: skip
def gradient_eps_vanishes(cotangent, input, target, *, log_input, full, eps):
    """The default eps protects nothing: the gradients are NaN or infinite where the input is 0.

    1e-8 is 0 in float16, so that target / (input + eps) is 0 / 0.
    """
    return poisson_slopes(cotangent, input, target, log_input, full, eps)


@deviation(
    "PoissonNLLLoss", of="gradient", quantities=("grad_input",), dtypes=EVERY, steps="storage", severity="nan", share=0.05,
    condition="log_input, and both the rate and the target, times the upstream gradient, exceed the format",
    witness={"input": [12.0], "target": [30000.0], "cotangent": [-4.0]},
)  # fmt: skip
def gradient_steps_overflow(cotangent, input, target, *, log_input, full, eps):
    """The gradient is NaN where it should be infinite.

    The upstream gradient is multiplied with the rate and with the target before their difference is taken.
    """
    return poisson_slopes(cotangent, input, target, log_input, full, eps)


@deviation(
    "PoissonNLLLoss", of="gradient", quantities=("grad_target",), dtypes=("float32", "float64", "float16", "bfloat16"),
    steps="storage", severity="nan", share=0.6, condition="full, and the target is 0",
    witness={"input": [1.0], "target": [0.0], "full": True},
)  # fmt: skip
def target_gradient_of_unused_term(cotangent, input, target, *, log_input, full, eps):
    """The gradient of a target of 0 is NaN with full=True.

    Stirling's term is left out by masked_fill for targets up to 1, but its derivative is still evaluated and
    multiplied by 0: log(0) 0 and 0 / 0 are NaN.
    """
    return poisson_slopes(cotangent, input, target, log_input, full, eps)


stored_terms("GaussianNLLLoss", witness={"input": [300.0, 0.0], "target": [0.0, 0.0], "var": [0.6, 1.0]})


@deviation(
    "GaussianNLLLoss", of="value", steps="storage", severity="wrong", share=0.3,
    condition="(input - target)^2 leaves the format", witness={"input": [300.0], "target": [0.0], "var": [1000.0]},
)  # fmt: skip
def square_leaves_format(input, target, var, *, full=False, eps=1e-6):
    """The loss is infinite although it is representable, or misses its quadratic term.

    torch squares input - target before it divides by the variance: the square overflows, or underflows to 0.
    """
    var = np.maximum(var, eps)
    loss = 0.5 * (np.log(var) + np.square(input - target) / var)
    return loss + 0.5 * math.log(2 * math.pi) if full else loss


def gaussian_slopes(cotangent, input, target, var, eps):
    """The gradients of GaussianNLLLoss as torch's autograd evaluates them."""
    var, error = np.maximum(var, eps), input - target
    share = 0.5 * cotangent / var
    slope = share * (2.0 * error)
    rise = share - 0.5 * cotangent * (np.square(error) / var / var)
    return {"input": slope, "target": -slope, "var": rise}


@deviation(
    "GaussianNLLLoss", of="gradient", quantities=("grad_var", "grad_input", "grad_target"), steps="storage",
    severity="wrong", share=0.3, condition="1 / variance or the squared error leaves the format",
    witness={"input": [300.0], "target": [0.0], "var": [1000.0]},
)  # fmt: skip
def gradient_steps_leave_format(cotangent, input, target, var, *, full, eps):
    """The gradients are NaN or infinite although they are representable.

    torch divides by the variance before it multiplies by the error, and squares the error before it divides:
    1 / (2 variance) overflows in float16 below 7.6e-6, which includes the default eps.
    """
    return gaussian_slopes(cotangent, input, target, var, eps)
