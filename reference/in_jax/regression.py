"""Losses on the difference between a prediction and a target."""

import jax.numpy as jnp
from jax import lax


def l1_loss(input, target):
    return jnp.maximum(input - target, target - input)


def l1_loss_complex(input, target):
    error = input - target
    return jnp.abs(lax.complex(error[..., 0], error[..., 1]))


def mse_loss(input, target):
    error = jnp.abs(input - target)
    return error * error


def smooth_l1_loss(input, target, *, beta):
    width = jnp.where(beta == 0, 1.0, beta)
    inside = jnp.clip(input - target, -width, width)
    smooth = (inside / width) * (input - target - inside / 2)
    return jnp.where(beta == 0, l1_loss(input, target), smooth)


def huber_loss(input, target, *, delta):
    error = jnp.abs(input - target)
    inside = jnp.minimum(error, delta)
    return inside * (error - inside / 2)
