"""Losses that ask for a margin between scores, or of one score, by a sign."""

import jax


def hinge_embedding_loss(input, target, *, margin):
    return (1 + target) / 2 * input + (1 - target) / 2 * jax.nn.relu(margin - input)


def margin_ranking_loss(input1, input2, target, *, margin):
    return jax.nn.relu(margin + target * (input2 - input1))
