"""The adaptive softmax: classes in a head and in clusters, each with a softmax of its own."""

import jax
import jax.numpy as jnp

from reference.in_jax._softmax import class_losses


def adaptive_log_softmax_with_loss(
    input, target, *, head_weight, head_bias, tail_0_0_weight, tail_0_1_weight, tail_1_0_weight, tail_1_1_weight
):
    """The losses of all classes at once, of which the target's is taken."""
    tails = (tail_0_0_weight, tail_0_1_weight), (tail_1_0_weight, tail_1_1_weight)
    logits = jnp.einsum("rhf,rf->rh", head_weight, input)
    head = class_losses(logits if head_bias is None else logits + head_bias)
    shortlist = head.shape[-1] - 2
    parts = [head[:, :shortlist]]
    for i, (down, up) in enumerate(tails):
        scores = jnp.einsum("rop,rpf,rf->ro", up, down, input)
        parts.append(head[:, shortlist + i, None] + class_losses(scores))
    every = jnp.concatenate(parts, axis=-1)
    return jnp.sum(jnp.where(jax.nn.one_hot(target, every.shape[-1], dtype=bool), every, 0.0), axis=-1)
