"""The adaptive softmax: classes in a head and in clusters, each with a softmax of its own."""

import numpy as np

from reference.contract import Field, contract
from reference.domains import REAL, Index
from reference.in_numpy._softmax import affine, indicator, negative_log_softmax, pick, pull, pull_affine
from reference.in_numpy.classification import IN_STEPS
from reference.reductions import MEAN, NONE, ONLY_NONE


def places(target, head_size, sizes):
    """Where the target's loss comes from: its position in the head, and in each cluster whether and where."""
    shortlist = low = head_size - len(sizes)
    position, inside = np.where(target < low, target, 0), []
    for i, size in enumerate(sizes):
        here = (target >= low) & (target < low + size)
        position = np.where(here, shortlist + i, position)
        inside.append((here, np.where(here, target - low, 0)))
        low += size
    return position, inside


@contract(
    torch="AdaptiveLogSoftmaxWithLoss",
    promises=IN_STEPS,
    reductions=ONLY_NONE,
    fields={"output": Field(sign=-1, reduction=NONE), "loss": Field(reduction=MEAN)},
    sizes={
        "h": lambda of: of["a"] + of["b"] + 2,
        "c": lambda of: 2 * (of["a"] + of["b"]),
        "p": lambda of: 2 * of["q"],
        "f": lambda of: 4 * of["q"],
    },
    parameters_of_module={
        "head_weight": "head.weight",
        "head_bias": "head.bias",
        "tail_0_0_weight": "tail.0.0.weight",
        "tail_0_1_weight": "tail.0.1.weight",
        "tail_1_0_weight": "tail.1.0.weight",
        "tail_1_1_weight": "tail.1.1.weight",
    },
    input=REAL["n? (f)"],
    target=Index(of="c")["n?"],
    head_weight=REAL["(h) (f)"],
    head_bias=REAL["(h)"] | None,
    tail_0_0_weight=REAL["(p) (f)"],
    tail_0_1_weight=REAL["(a) (p)"],
    tail_1_0_weight=REAL["(q) (f)"],
    tail_1_1_weight=REAL["(b) (q)"],
)
def adaptive_log_softmax_with_loss(
    input,
    target,
    *,
    head_weight,
    head_bias=None,
    tail_0_0_weight,
    tail_0_1_weight,
    tail_1_0_weight,
    tail_1_1_weight,
):
    """Negative log-likelihood of the target: that of its cluster in the head, plus its own in the cluster.

    The head's first classes are the most frequent ones themselves, its last two the clusters.  Each cluster
    has a softmax over scores from a projection of ``input``.
    Source: E. Grave et al., Efficient softmax approximation for GPUs, 2017, section 4.
    """
    tails = ((tail_0_0_weight, tail_0_1_weight), (tail_1_0_weight, tail_1_1_weight))
    logits = affine(head_weight, input, head_bias)
    position, inside = places(target, logits.shape[-1], [up.shape[-2] for _, up in tails])
    total = pick(negative_log_softmax(logits), position)
    for (down, up), (here, index) in zip(tails, inside, strict=True):
        losses = negative_log_softmax(affine(up, affine(down, input)))
        total = total + np.where(here, pick(losses, index), 0.0)
    return total


def pull_tail(cotangent, input, down, up, here, index):
    """The gradients of one cluster's part: with respect to its projection, its scores, and the input."""
    hidden = affine(down, input)
    mass = np.where(indicator(index, up.shape[-2]), 1.0, 0.0)
    slope = cotangent * pull(affine(up, hidden), mass)
    slope = np.where(np.expand_dims(here, -1), slope, 0.0)
    grad_up, grad_hidden = pull_affine(slope, up, hidden)
    grad_down, grad_input = pull_affine(grad_hidden, down, input)
    return grad_down, grad_up, grad_input


@adaptive_log_softmax_with_loss.vjp
def _(cotangent, input, target, *, head_weight, head_bias, **tails):
    tails = [(tails[f"tail_{i}_0_weight"], tails[f"tail_{i}_1_weight"]) for i in (0, 1)]
    logits = affine(head_weight, input, head_bias)
    position, inside = places(target, logits.shape[-1], [up.shape[-2] for _, up in tails])
    cotangent = np.expand_dims(cotangent, -1)
    slope = cotangent * pull(logits, np.where(indicator(position, logits.shape[-1]), 1.0, 0.0))
    gradients = {"head_bias": slope}
    gradients["head_weight"], grad_input = pull_affine(slope, head_weight, input)
    for i, ((down, up), (here, index)) in enumerate(zip(tails, inside, strict=True)):
        grad_down, grad_up, more = pull_tail(cotangent, input, down, up, here, index)
        gradients |= {f"tail_{i}_0_weight": grad_down, f"tail_{i}_1_weight": grad_up}
        grad_input = grad_input + more
    return gradients | {"input": grad_input}
