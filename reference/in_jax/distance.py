"""Losses of how far apart, or how differently directed, two vectors are."""

import math

import jax
import jax.numpy as jnp


def p_norm(x, p):
    """From logarithms: exp(logsumexp(p log |x|) / p), where that is as smooth as the norm itself."""
    if p == math.inf:
        return jnp.max(jnp.abs(x), axis=-1)
    if p == 1:
        return jnp.einsum("rd,rd->r", jnp.sign(x), x)
    if p == 2:
        square = jnp.einsum("rd,rd->r", x, x)
        return jnp.where(square > 0, jnp.sqrt(jnp.where(square > 0, square, 1.0)), 0.0)
    zero = x == 0
    none = jnp.all(zero, axis=-1)
    logs = jnp.where(zero, -jnp.inf, p * jnp.log(jnp.abs(jnp.where(zero, 1.0, x))))
    logs = jnp.where(jnp.expand_dims(none, -1), 0.0, logs)
    return jnp.where(none, 0.0, jnp.exp(jax.nn.logsumexp(logs, axis=-1) / p))


def distance(x1, x2, p, eps):
    return p_norm(eps - (x2 - x1), p)


def cosine(x1, x2, eps):
    length1 = jnp.maximum(p_norm(x1, 2.0), eps)
    length2 = jnp.maximum(p_norm(x2, 2.0), eps)
    return jnp.einsum("rd,rd->r", x1 / jnp.expand_dims(length1, -1), x2) / length2


def pairwise_distance(x1, x2, *, p, eps):
    return distance(x1, x2, p, eps)


def cosine_similarity(x1, x2, *, eps):
    return cosine(x1, x2, eps)


def cosine_embedding_loss(input1, input2, target, *, margin):
    cos = cosine(input1, input2, 1e-8)
    return jnp.where(target > 0, 1 - cos, jax.nn.relu(cos - margin))


def triplet(distance, anchor, positive, negative, margin, swap):
    far = distance(anchor, negative)
    if swap:
        far = jnp.minimum(far, distance(positive, negative))
    return jax.nn.relu(margin - (far - distance(anchor, positive)))


def triplet_margin_loss(anchor, positive, negative, *, margin, p, eps, swap):
    return triplet(lambda x, y: distance(x, y, p, eps), anchor, positive, negative, margin, swap)


DISTANCES = {
    None: lambda x, y: distance(x, y, 2.0, 1e-6),
    "manhattan": lambda x, y: jnp.sum(jnp.maximum(x - y, y - x), axis=-1),
    "squared": lambda x, y: jnp.einsum("rd,rd->r", x - y, x - y),
    "cosine": lambda x, y: 1 - cosine(x, y, 1e-8),
}


def triplet_margin_with_distance_loss(anchor, positive, negative, *, distance_function, margin, swap):
    return triplet(DISTANCES[distance_function], anchor, positive, negative, margin, swap)
