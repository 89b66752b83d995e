"""Losses on the difference between a prediction and a target."""

import jax.numpy as jnp


def huber_loss(input, target, *, delta):
    error = jnp.abs(input - target)
    inside = jnp.minimum(error, delta)
    return inside * (error - inside / 2)
