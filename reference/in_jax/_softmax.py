"""What the mirrors of the softmax family share: the loss of every class, from logarithms of sums."""

import jax
import jax.numpy as jnp


def others(logits):
    """Logarithm of the sum of all other exponentials, for every class: those before it and those after it."""
    none = jnp.full_like(logits[..., :1], -1e300)
    before = jnp.concatenate([none, jax.lax.cumlogsumexp(logits, axis=logits.ndim - 1)[..., :-1]], axis=-1)
    after = jax.lax.cumlogsumexp(logits, axis=logits.ndim - 1, reverse=True)[..., 1:]
    return jnp.logaddexp(before, jnp.concatenate([after, none], axis=-1))


def class_losses(logits):
    """Minus the log-softmax: the softplus of how far the other classes together exceed each one."""
    logits = logits - jax.lax.stop_gradient(jnp.max(logits, axis=-1, keepdims=True))
    return jax.nn.softplus(others(logits) - logits)


def masses(target, classes, ignore_index, label_smoothing):
    """How much every class's loss counts, shape (R, C)."""
    live, mass = 1.0, target
    if target.ndim == 1:
        live = jnp.expand_dims(target != ignore_index, -1)
        mass = jax.nn.one_hot(target, classes)  # all zero where the target is no class
    return live * ((1 - label_smoothing) * mass + label_smoothing / classes)


def cross_entropy_of(logits, target, weight, ignore_index, label_smoothing):
    mass = masses(target, logits.shape[-1], ignore_index, label_smoothing)
    scaled = mass if weight is None else mass * weight
    return jnp.sum(scaled * class_losses(logits), axis=-1)
