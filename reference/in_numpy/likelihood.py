"""Losses that are the negative log-likelihood of a distribution, element by element."""

import numpy as np

from reference.arithmetic.plain import plain
from reference.contract import contract
from reference.domains import (
    BOOL,
    LOG_ODDS,
    LOG_PROBABILITY,
    NON_NEGATIVE,
    POSITIVE,
    REAL,
    SCORE,
    SIGN,
    UNIT,
    Depends,
)
from reference.reductions import BATCHMEAN, STANDARD

#: log(2 pi) / 2, as the sum of two numbers: the second is what float64 leaves out of the first.
HALF_LOG_TWO_PI = (0.9189385332046728, -3.8782941580672414e-17)
#: The least logarithm that BCELoss uses, and where x has it.
FLOOR = -100.0
FLOOR_AT = 3.720075976020836e-44
#: What torch promises of losses that it computes in 16-bit steps.
IN_STEPS = {
    ("*", dtype): ("C", "eager torch rounds every step of this formula to 16 bits") for dtype in ("float16", "bfloat16")
}


def weighted(weight, terms):
    """``weight * terms``, where there is a weight."""
    return terms if weight is None else weight * terms


def replaced(x, where, value):
    """``value`` where a mask says so, which no derivative knows of: they are those of ``x`` there too."""
    return np.where(where, value + (x - plain(x)), x)


def floored(log, x, pole):
    """``max(log(x), -100)``, for a ``log`` that is minus infinity at ``pole``."""
    finite = plain(x) != pole
    return np.where(finite, np.maximum(log(np.where(finite, x, 0.5)), FLOOR), FLOOR)


@contract(
    torch="BCELoss",
    promises=IN_STEPS,
    input=UNIT["*n"],
    target=UNIT["*n"],
    weight=NON_NEGATIVE["*n"].broadcast() | None,
)
def binary_cross_entropy(input, target, *, weight=None):
    """Cross-entropy of a yes with probability ``target`` under ``input``, no logarithm counted below -100.

    The gradient is the derivative of this formula: where a logarithm is at -100, it contributes nothing.
    Source: torch.nn.BCELoss.
    """
    return weighted(weight, cross_entropy_of_yes(input, target))


def cross_entropy_of_yes(input, target):
    """The loss without weights: the sum of two terms that are not negative."""
    return target * -floored(np.log, input, 0) + (1 - target) * -floored(np.log1p, -input, -1)


@binary_cross_entropy.vjp
def _(cotangent, input, target, *, weight):
    carried = weighted(weight, cotangent)
    low, high = plain(input) < FLOOR_AT, plain(input) == 1
    inside, sure = np.where(low | high, 0.5, input), np.where(high, input, 1.0)
    slope = carried * (inside - target) / inside / (1 - inside)
    no_only = carried * (1 - target) / (1 - np.where(low, input, 0.0))
    gradients = {
        "input": np.where(low, no_only, np.where(high, carried * -target / sure, slope)),
        "target": carried * (floored(np.log1p, -input, -1) - floored(np.log, input, 0)),
    }
    if weight is not None:
        gradients["weight"] = cotangent * cross_entropy_of_yes(input, target)
    return gradients


def excess(x):
    """``log(1 + exp(-|x|))``, which softplus adds to the positive part."""
    return np.log1p(np.exp(-abs(x)))


def softplus(x):
    """``log(1 + exp(x))``, accurate in both tails."""
    return np.maximum(x, 0.0) + excess(x)


def logistic(x):
    """``1 / (1 + exp(-x))``, accurate in both tails."""
    power = np.exp(-abs(x))
    return np.where(x < 0, power, 1.0) / (1 + power)


@contract(
    torch="BCEWithLogitsLoss",
    promises=IN_STEPS,
    input=LOG_ODDS["*n"],
    target=UNIT["*n"],
    weight=NON_NEGATIVE["*n"].broadcast() | None,
    pos_weight=NON_NEGATIVE["*n"].broadcast() | None,
)
def binary_cross_entropy_with_logits(input, target, *, weight=None, pos_weight=None):
    """Cross-entropy of a yes with probability ``target`` under log-odds ``input``.

    ``pos_weight`` multiplies the term of the yes.  Both terms are not negative, so that nothing cancels.
    Source: torch.nn.BCEWithLogitsLoss, with -log(sigmoid(x)) = softplus(-x).
    """
    return weighted(weight, cross_entropy_of_log_odds(input, target, pos_weight))


def cross_entropy_of_log_odds(input, target, pos_weight):
    """The loss without ``weight``."""
    return weighted(pos_weight, target) * softplus(-input) + (1 - target) * softplus(input)


@binary_cross_entropy_with_logits.vjp
def _(cotangent, input, target, *, weight, pos_weight):
    carried = weighted(weight, cotangent)
    slope = (1 - target) * logistic(input) - weighted(pos_weight, target) * logistic(-input)
    gradients = {"input": carried * slope}
    if pos_weight is None:
        gradients["target"] = carried * -input
    else:
        odds = pos_weight * np.maximum(-input, 0.0) - np.maximum(input, 0.0)
        gradients["target"] = carried * (odds + (pos_weight - 1) * excess(input))
        gradients["pos_weight"] = carried * (target * softplus(-input))
    if weight is not None:
        gradients["weight"] = cotangent * cross_entropy_of_log_odds(input, target, pos_weight)
    return gradients


@contract(
    torch="KLDivLoss",
    promises=IN_STEPS,
    reductions=STANDARD | {"batchmean": BATCHMEAN},
    input=SCORE["n *d"],
    target=Depends("log_target", LOG_PROBABILITY, UNIT)["n *d"],
    log_target=BOOL,
)
def kl_div(input, target, *, log_target=False):
    """Contribution of one outcome to the divergence of log-probabilities ``input`` from ``target``.

    ``target`` is a probability, or its logarithm if ``log_target``; ``0 log 0`` is 0.
    Source: S. Kullback and R. A. Leibler, On information and sufficiency, 1951, eq. (2.4).
    """
    if log_target:
        return mass_times_gap(np.exp(target), target, input)
    live = plain(target) > 0
    return np.where(live, target * (np.log(np.where(live, target, 1.0)) - input), 0.0)


def mass_times_gap(mass, target, input):
    """``mass * (target - input)``; where there is hardly any mass it is halved, since it may overflow."""
    far = plain(target) < -1e4
    return np.where(far, 2 * mass * (target / 2 - input / 2), mass * (target - input))


@kl_div.vjp
def _(cotangent, input, target, *, log_target):
    if log_target:
        mass = np.exp(target)
        rise = mass_times_gap(mass, target, input) + mass
        return {"input": -cotangent * mass, "target": cotangent * rise}
    return {"input": -cotangent * target, "target": cotangent * (np.log(target) - input + 1)}


@contract(
    torch="PoissonNLLLoss",
    promises=IN_STEPS,
    input=Depends("log_input", SCORE, NON_NEGATIVE)["*n"],
    target=NON_NEGATIVE["*n"],
    log_input=BOOL,
    full=BOOL,
    eps=POSITIVE,
)
def poisson_nll_loss(input, target, *, log_input=True, full=False, eps=1e-8):
    """Negative log-probability of the count ``target`` at rate ``input``, or ``exp(input)`` if ``log_input``.

    ``full`` adds Stirling's approximation of ``log(target!)``, for targets greater than 1.
    Source: torch.nn.PoissonNLLLoss.
    """
    loss = rate(input) - target * input if log_input else input - target * np.log(input + eps)
    return loss + stirling(target) if full else loss


def rate(log):
    """``exp(log)``; what is beyond every format is replaced by something else that is."""
    return np.exp(replaced(log, plain(log) > 1e4, 1e4))


def stirling(count):
    """``n log n - n + log(2 pi n) / 2`` where n > 1, else 0."""
    large = plain(count) > 1
    count = np.where(large, count, 1.0)
    log = np.log(count)
    high, low = HALF_LOG_TWO_PI
    return np.where(large, count * (log - 1) + (0.5 * log + low + high), 0.0)


@poisson_nll_loss.vjp
def _(cotangent, input, target, *, log_input, full, eps):
    if log_input:
        slope, log_rate = rate(input) - target, input
    else:
        slope, log_rate = 1 - target / (input + eps), np.log(input + eps)
    rise = -log_rate
    if full:
        large = plain(target) > 1
        count = np.where(large, target, 1.0)
        rise = np.where(large, np.log(count) - log_rate + 0.5 / count, rise)
    return {"input": cotangent * slope, "target": cotangent * rise}


@contract(
    torch="GaussianNLLLoss",
    promises=IN_STEPS,
    input=REAL["*n"],
    target=REAL["*n"],
    var=NON_NEGATIVE["*n"].broadcast(last=True),
    full=BOOL,
    eps=POSITIVE,
)
def gaussian_nll_loss(input, target, var, *, full=False, eps=1e-6):
    """Negative log-density of ``target`` under the normal distribution of mean ``input``, variance ``var``.

    A variance counts as ``eps`` at least, which its gradient ignores.  ``full`` adds ``log(2 pi) / 2``.
    Source: D. A. Nix and A. S. Weigend, Estimating the mean and variance, 1994; torch.nn.GaussianNLLLoss.
    """
    var, error = np.maximum(var, eps), input - target
    loss = 0.5 * (np.log(var) + error * (error / var))
    high, low = HALF_LOG_TWO_PI
    return loss + low + high if full else loss


@gaussian_nll_loss.vjp
def _(cotangent, input, target, var, *, full, eps):
    var = replaced(var, plain(var) < plain(eps), eps)
    slope = (input - target) / var
    gradient = cotangent * slope
    return {
        "input": gradient,
        "target": -gradient,
        "var": cotangent * (0.5 * (1 / var - np.square(slope))),
    }


@contract(
    torch="SoftMarginLoss",
    promises=IN_STEPS,
    input=LOG_ODDS["*n"],
    target=SIGN["*n"],
)
def soft_margin_loss(input, target):
    """Negative log-likelihood of the sign ``target`` under log-odds ``input``.

    Source: torch.nn.SoftMarginLoss, log(1 + exp(-target input)).
    """
    return softplus(np.where(target > 0, -input, input))


@soft_margin_loss.vjp
def _(cotangent, input, target):
    missed = logistic(np.where(target > 0, -input, input))
    return {"input": cotangent * np.where(target > 0, -missed, missed)}
