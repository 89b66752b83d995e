"""Losses of a choice among classes: the softmax family and the margins around it."""

import jax
import jax.numpy as jnp

from reference.in_jax._softmax import cross_entropy_of


def cross_entropy(input, target, *, weight, ignore_index, label_smoothing):
    return cross_entropy_of(input, target, weight, ignore_index, label_smoothing)


def linear_cross_entropy(input, target, *, linear_weight, linear_bias, weight, ignore_index, label_smoothing):
    logits = jnp.einsum("rcf,rf->rc", linear_weight, input)
    logits = logits if linear_bias is None else logits + linear_bias
    return cross_entropy_of(logits, target, weight, ignore_index, label_smoothing)


def nll_loss(input, target, *, weight, ignore_index):
    scaled = input if weight is None else weight * input
    hot = jax.nn.one_hot(target, input.shape[-1], dtype=bool)  # all false where the target is no class
    live = jnp.expand_dims(target != ignore_index, -1)
    return -jnp.sum(jnp.where(hot & live, scaled, 0.0), axis=-1)


def multi_margin_loss(input, target, *, p, margin, weight):
    def row(input, target, weight):
        reach = jax.nn.relu(margin - (input[target] - input)) ** p
        return weight[target] * jnp.mean(reach.at[target].set(0.0))

    return jax.vmap(row)(input, target, jnp.ones_like(input) if weight is None else weight)


def multilabel_margin_loss(input, target):
    def row(input, target):
        listed = jnp.arange(target.size) < jnp.argmax(jnp.append(target, -1) < 0)
        other = jnp.ones(input.size + 1, bool).at[jnp.where(listed, target, input.size)].set(False)[:-1]
        gap = jnp.expand_dims(input, 0) - jnp.expand_dims(input[target], 1) + 1
        counted = jnp.expand_dims(listed, 1) & jnp.expand_dims(other, 0)
        return jnp.sum(jnp.where(counted, jax.nn.relu(gap), 0.0)) / input.size

    return jax.vmap(row)(input, target)


def multilabel_soft_margin_loss(input, target, *, weight):
    beyond = jnp.where(
        input > 0,
        (1 - target) * input + jax.nn.softplus(-input),
        jax.nn.softplus(input) - target * input,
    )
    return jnp.mean(beyond if weight is None else weight * beyond, axis=-1)
