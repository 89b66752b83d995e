"""Losses that are the negative log-likelihood of a distribution, element by element."""

import jax
import jax.numpy as jnp
from jax import lax


def surprise(p):
    """``-log(p)``, at most 100."""
    live = p > jnp.exp(-100.0)
    return jnp.where(live, -jnp.log(jnp.where(live, p, 1.0)), 100.0)


def binary_cross_entropy(input, target, *, weight):
    small = jnp.where(input < 0.5, input, 0.0)
    rest = jnp.where(input < 0.5, 2 * jnp.arctanh(small / (2 - small)), surprise(1 - input))
    loss = target * surprise(input) + (1 - target) * rest
    return loss if weight is None else loss * weight


def binary_cross_entropy_with_logits(input, target, *, weight, pos_weight):
    yes = target if pos_weight is None else target * pos_weight
    size = jnp.maximum(input, -input)
    loss = jnp.maximum(-input, 0) * yes + jnp.maximum(input, 0) * (1 - target)
    loss = loss + jnp.logaddexp(0.0, -size) * (1 if pos_weight is None else yes + (1 - target))
    return loss if weight is None else loss * weight


def kl_div(input, target, *, log_target):
    if log_target:
        return jnp.exp(target) * (target - input)
    return -jax.scipy.special.entr(target) - target * input


def poisson_nll_loss(input, target, *, log_input, full, eps):
    loss = jnp.exp(input) - target * input if log_input else input - jax.scipy.special.xlogy(target, input + eps)
    if not full:
        return loss
    count = jnp.where(target > 1, target, 1.0)
    factorial = count * jnp.log(count) - count + jnp.log(2 * jnp.pi * count) / 2
    return loss + jnp.where(target > 1, factorial, 0.0)


def gaussian_nll_loss(input, target, var, *, full, eps):
    var = var + lax.stop_gradient(jnp.maximum(var, eps) - var)
    score = (input - target) / jnp.sqrt(var)
    loss = score * score / 2 + jnp.log(var) / 2
    return loss + jnp.log(2 * jnp.pi) / 2 if full else loss


def soft_margin_loss(input, target):
    return -jax.nn.log_sigmoid(target * input)
