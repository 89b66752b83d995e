"""The loss of a sequence of labels whose alignment with the input is not known."""

import jax
import jax.numpy as jnp
from jax import lax


def log_sum(*logs):
    """Logarithm of the sum of exponentials, -inf for nothing; its derivatives are never NaN."""
    logs = jnp.stack(logs)
    top = lax.stop_gradient(jnp.max(logs, axis=0))
    some = top > -jnp.inf
    total = jnp.sum(jnp.exp(logs - jnp.where(some, top, 0.0)), axis=0)
    return jnp.where(some, top + jnp.log(jnp.where(some, total, 1.0)), -jnp.inf)


def suffix(log_probs, target, frames, labels, blank):
    """Log-probability of the target by the recursion from the last frame back; one row."""
    state = jnp.arange(2 * target.size + 1)
    label = jnp.full(state.shape, blank).at[1::2].set(target)
    onward = jnp.concatenate([label[2:], jnp.full(2, blank)])[: state.size]
    skips = (label != blank) & (label != onward)
    ends = jnp.where((state == 2 * labels) | (state == 2 * labels - 1), 0.0, -jnp.inf)
    nothing = jnp.full(2, -jnp.inf)

    def step(logs, at):
        frame, t = at
        padded = jnp.concatenate([logs, nothing])
        skipped = jnp.where(skips, padded[2:], -jnp.inf)
        logs = jnp.where(t == frames - 1, ends, log_sum(logs, padded[1:-1], skipped))
        return jnp.where((t < frames) & (state <= 2 * labels), logs + frame[label], -jnp.inf), None

    times = jnp.arange(log_probs.shape[0])
    logs, _ = lax.scan(step, jnp.full(state.shape, -jnp.inf), (log_probs, times), reverse=True)
    whole = log_sum(*logs[:2]) if state.size > 1 else logs[0]
    return jnp.where(frames > 0, whole, jnp.where(labels > 0, -jnp.inf, 0.0))


def ctc_loss(log_probs, targets, input_lengths, target_lengths, *, blank, zero_infinity):
    normal = jax.nn.log_softmax(log_probs)
    log_probs = normal + lax.stop_gradient(log_probs - normal)  # the same values; gradients by the logits
    found = jax.vmap(suffix, (0, 0, 0, 0, None))(log_probs, targets, input_lengths, target_lengths, blank)
    possible = found > -jnp.inf
    if zero_infinity:
        return jnp.where(possible, -found, 0.0)
    live = jnp.arange(log_probs.shape[1]) < jnp.expand_dims(input_lengths, -1)
    mass = jnp.sum(jnp.where(jnp.expand_dims(live, -1), jnp.exp(log_probs), 0.0), axis=(1, 2))
    never = -jnp.log(jnp.where(possible, 1.0, 0.0) * mass)  # minus the logarithm of zero, and its derivative
    return jnp.where(possible, -jnp.where(possible, found, 0.0), never)
