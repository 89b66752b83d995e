"""Losses of a choice among classes: the softmax family and the margins around it."""

import jax
import jax.numpy as jnp


def cross_entropy(input, target, *, weight, ignore_index, label_smoothing):
    classes = input.shape[-1]
    if target.ndim > 1:
        live, mass = True, target
    else:
        live = target != ignore_index
        mass = jax.nn.one_hot(jnp.where(live, target, 0), classes)
    mass = (1 - label_smoothing) * mass + label_smoothing / classes
    scaled = mass if weight is None else mass * weight
    gap = jax.nn.logsumexp(input, axis=-1, keepdims=True) - input
    return jnp.where(live, jnp.sum(scaled * gap, axis=-1), 0.0)
