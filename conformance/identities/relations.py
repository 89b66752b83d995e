"""Which loss is another loss of other arguments?

Each relation is one function: the terms of a loss, in row form, by the contract of another one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from conformance.case import Case, values
from conformance.identities.identity import Claim, altered, identity, lift
from conformance.identities.moves import as_indices
from reference import CONTRACTS
from reference.arithmetic.plain import plain


def terms(name: str, **given):
    """The terms of another contract, shape (R,)."""
    return CONTRACTS[name].formula(**given)


def relation(name: str, of: str, when: Callable[[Case], Case] = lambda case: case) -> Callable[[Callable], Callable]:
    """Register the decorated function of the arguments of contract ``of``, in row form, as an identity.

    It gives the terms that ``of`` must have, and ``when(case)`` the case in which it must.
    """

    def register(by_another: Callable) -> Callable:
        def law(case: Case, ask):
            case = when(case)
            for field, x in ask(case, gradients=False).items():
                yield Claim(field, x, values(case, lift, by_another)[field])

        law.__doc__ = by_another.__doc__
        identity(name, lambda contract: contract.name == of)(law)
        return by_another

    return register


def setting(**parameters) -> Callable[[Case], Case]:
    """Cases with some parameters set."""
    return lambda case: altered(case, parameters=parameters)


@relation("huber-is-smooth-l1", "huber_loss")
def _(input, target, delta):
    """The Huber loss is delta times the smooth L1 loss with beta = delta."""
    return delta * terms("smooth_l1_loss", input=input, target=target, beta=delta)


def with_beta(case: Case) -> Case:
    return altered(case, parameters={"beta": case.parameters["beta"] or 1.0})


@relation("smooth-l1-is-huber", "smooth_l1_loss", with_beta)
def _(input, target, beta):
    """The smooth L1 loss is the Huber loss with delta = beta, divided by beta."""
    return terms("huber_loss", input=input, target=target, delta=beta) / beta


@relation("l1-is-smooth-l1", "l1_loss")
def _(input, target):
    """The L1 loss is the smooth L1 loss with beta = 0."""
    return terms("smooth_l1_loss", input=input, target=target, beta=0.0)


@relation("complex-l1-is-distance", "l1_loss_complex")
def _(input, target):
    """The L1 loss of complex numbers is the Euclidean distance of their parts."""
    return terms("pairwise_distance", x1=input, x2=target, p=2.0, eps=lift(0.0))


@relation("mse-is-huber", "mse_loss")
def _(input, target):
    """The squared error is twice the Huber loss whose delta no error exceeds."""
    return 2.0 * terms("huber_loss", input=input, target=target, delta=lift(2.0**200))


def with_unit_variance(case: Case) -> Case:
    return altered(case, {"var": np.ones_like(case.arguments["var"])}, {"full": False, "eps": 0.5})


@relation("gaussian-is-mse", "gaussian_nll_loss", with_unit_variance)
def _(input, target, var, full, eps):
    """The negative log-likelihood at unit variance is half the squared error."""
    return 0.5 * terms("mse_loss", input=input, target=target)


@relation("poisson-of-logarithm", "poisson_nll_loss", setting(log_input=True))
def _(input, target, log_input, full, eps):
    """The loss of the logarithm of a rate is that of the rate."""
    return terms("poisson_nll_loss", input=np.exp(input), target=target, log_input=False, full=full, eps=lift(0.0))


def with_log_target(case: Case) -> Case:
    target = case.arguments["target"]
    return case if case.parameters["log_target"] else altered(case, {"target": -target}, {"log_target": True})


@relation("divergence-from-logarithm", "kl_div", with_log_target)
def _(input, target, log_target):
    """The divergence from the logarithm of a probability is that from the probability."""
    return terms("kl_div", input=input, target=np.exp(target), log_target=False)


def well_inside(case: Case) -> Case:
    input = np.clip(np.rint(case.arguments["input"] * 128), 1, 127) / 128
    return altered(case, {"input": input})


@relation("probabilities-have-logits", "binary_cross_entropy", well_inside)
def _(input, target, weight):
    """The loss of probabilities is that of their logits."""
    logits = np.log(input / (1 - input))
    return terms("binary_cross_entropy_with_logits", input=logits, target=target, weight=weight)


def without_pos_weight(case: Case) -> Case:
    return altered(case, {"pos_weight": None})


@relation("logits-have-probabilities", "binary_cross_entropy_with_logits", without_pos_weight)
def _(input, target, weight, pos_weight):
    """The loss of logits is that of the probabilities that they stand for."""
    return terms("binary_cross_entropy", input=1 / (1 + np.exp(-input)), target=target, weight=weight)


@relation("logits-are-two-classes", "binary_cross_entropy_with_logits", without_pos_weight)
def _(input, target, weight, pos_weight):
    """The loss of a logit is the cross-entropy of two classes with the scores 0 and the logit."""
    scores, sure = np.stack([0.0 * input, input], axis=-1), np.stack([1 - target, target], axis=-1)
    found = terms("cross_entropy", input=scores, target=sure)
    return found if weight is None else weight * found


@relation("sign-is-a-yes-or-no", "soft_margin_loss")
def _(input, target):
    """The loss of a sign is that of a yes for 1 and of a no for -1."""
    yes = np.where(plain(target) > 0, 1.0, 0.0)
    return terms("binary_cross_entropy_with_logits", input=input, target=yes)


@relation("labels-are-yes-or-no", "multilabel_soft_margin_loss")
def _(input, target, weight):
    """The loss of several labels is the mean of their binary losses."""
    each = terms("binary_cross_entropy_with_logits", input=input, target=target, weight=weight)
    return np.sum(each, axis=-1) / input.shape[-1]


def of_classes(case: Case) -> Case:
    return altered(as_indices(case), parameters={"label_smoothing": 0.0})


def log_sum_exp(input):
    """The logarithm of the sum of the exponentials, shape (R, 1)."""
    top = np.max(plain(input), axis=-1, keepdims=True)
    return np.log(np.sum(np.exp(input - top), axis=-1, keepdims=True)) + top


@relation("cross-entropy-is-nll", "cross_entropy", of_classes)
def _(input, target, weight, ignore_index, label_smoothing):
    """The cross-entropy is the negative log-likelihood under the log-softmax."""
    logs = input - log_sum_exp(input)
    return terms("nll_loss", input=logs, target=target, weight=weight, ignore_index=ignore_index)


@relation("nll-is-cross-entropy", "nll_loss")
def _(input, target, weight, ignore_index):
    """Scores have the cross-entropy of the scores, less the weighted logarithm of the sum of exponentials."""
    rest = {"target": target, "weight": weight, "ignore_index": ignore_index}
    every = np.broadcast_to(-log_sum_exp(input), input.shape)
    return terms("cross_entropy", input=input, **rest) + terms("nll_loss", input=-every, **rest)


def affine(weight, input, bias):
    """``weight @ input + bias`` for every row, shape (R, C)."""
    product = np.sum(weight * np.expand_dims(input, 1), axis=2)
    return product if bias is None else product + bias


@relation("linear-then-cross-entropy", "linear_cross_entropy")
def _(input, target, linear_weight, linear_bias, weight, ignore_index, label_smoothing):
    """The loss is the cross-entropy of the affine function of the input."""
    return terms(
        "cross_entropy", input=affine(linear_weight, input, linear_bias), target=target, weight=weight,
        ignore_index=ignore_index, label_smoothing=label_smoothing,
    )  # fmt: skip


@relation("adaptive-is-two-cross-entropies", "adaptive_log_softmax_with_loss")
def _(input, target, head_weight, head_bias, **tails):
    """The loss is the cross-entropy of the head, and that of the cluster for targets in one."""
    shortlist = low = head_weight.shape[1] - 2
    total, position = 0.0, target
    for i in (0, 1):
        up = tails[f"tail_{i}_1_weight"]
        here = (target >= low) & (target < low + up.shape[1])
        scores = affine(up, affine(tails[f"tail_{i}_0_weight"], input, None), None)
        found = terms("cross_entropy", input=scores, target=np.where(here, target - low, 0))
        total = np.where(here, found, 0.0) + total
        position = np.where(here, shortlist + i, position)
        low += up.shape[1]
    return total + terms("cross_entropy", input=affine(head_weight, input, head_bias), target=position)


def lead_of(input, target):
    """The score of the target, shape (R, 1)."""
    return np.take_along_axis(input, np.expand_dims(target, -1), axis=-1)


@relation("margins-are-rankings", "multi_margin_loss")
def _(input, target, p, margin, weight):
    """The margin loss is the mean over the classes of the target's ranking losses to the power p."""
    lead = np.broadcast_to(lead_of(input, target), input.shape)
    each = terms("margin_ranking_loss", input1=lead, input2=input, target=np.ones(input.shape), margin=margin)
    each = each if p == 1 else np.square(each)
    each = each if weight is None else lead_of(weight, target) * each
    other = np.expand_dims(target, -1) != np.arange(input.shape[-1])
    return np.sum(np.where(other, each, 0.0), axis=-1) / input.shape[-1]


@relation("label-margins-are-rankings", "multilabel_margin_loss")
def _(input, target):
    """The margin loss of labels is the sum of the ranking losses of all labels against all other classes."""
    classes, shape = input.shape[-1], (*input.shape, input.shape[-1])
    label = np.zeros(input.shape, bool)
    for row, listed in enumerate(target):
        label[row, listed[: np.argmin(np.append(listed, -1))]] = True
    lead, other = (np.broadcast_to(np.expand_dims(input, axis), shape) for axis in (2, 1))
    each = terms("margin_ranking_loss", input1=lead, input2=other, target=np.ones(shape), margin=1.0)
    pair = label[:, :, None] & ~label[:, None, :]
    return np.sum(np.sum(np.where(pair, each, 0.0), axis=-1), axis=-1) / classes


@relation("hinge-is-a-ranking", "hinge_embedding_loss")
def _(input, target, margin):
    """The loss of a dissimilar pair is that of ranking its distance above zero."""
    above = terms("margin_ranking_loss", input1=input, input2=0.0, target=np.ones(input.shape), margin=margin)
    return np.where(plain(target) > 0, input, above)


@relation("ranking-is-a-hinge", "margin_ranking_loss")
def _(input1, input2, target, margin):
    """The ranking loss is the hinge loss of the lead of one input over the other, as of a dissimilar pair."""
    lead = target * (input1 - input2)
    return terms("hinge_embedding_loss", input=lead, target=-np.ones(lead.shape), margin=margin)


@relation("distance-is-root-of-mse", "pairwise_distance", setting(p=2.0))
def _(x1, x2, p, eps):
    """The Euclidean distance is the root of the sum of the squared errors, between x1 + eps and x2."""
    return np.sqrt(np.sum(terms("mse_loss", input=x1 + eps, target=x2), axis=-1))


def unit(x, eps):
    """A vector by its norm, which is at least ``eps``."""
    length = terms("pairwise_distance", x1=x, x2=0.0 * x, p=2.0, eps=lift(0.0))
    return x / np.expand_dims(np.maximum(length, eps), -1)


@relation("cosine-by-distances", "cosine_similarity")
def _(x1, x2, eps):
    """Twice the cosine is what the squares of two unit vectors exceed the square of their difference by."""
    u, v = unit(x1, eps), unit(x2, eps)
    return 0.5 * np.sum(np.square(u) + np.square(v) - terms("mse_loss", input=u, target=v), axis=-1)


@relation("embedding-by-cosine", "cosine_embedding_loss")
def _(input1, input2, target, margin):
    """The loss is one less the cosine, or the cosine above the margin."""
    cosine = terms("cosine_similarity", x1=input1, x2=input2, eps=lift(1e-8))
    return np.where(plain(target) > 0, 1 - cosine, np.maximum(cosine - margin, 0.0))


def triplet(distance, anchor, positive, negative, margin, swap):
    """The hinge of the margin and of what one distance exceeds the other by."""
    far = distance(anchor, negative)
    far = np.minimum(far, distance(positive, negative)) if swap else far
    return np.maximum(distance(anchor, positive) - far + margin, 0.0)


@relation("triplet-by-distance", "triplet_margin_loss")
def _(anchor, positive, negative, margin, p, eps, swap):
    """The loss is made of the pairwise distances."""

    def distance(x1, x2):
        return terms("pairwise_distance", x1=x1, x2=x2, p=p, eps=eps)

    return triplet(distance, anchor, positive, negative, margin, swap)


@relation("triplet-by-default-distance", "triplet_margin_with_distance_loss", setting(distance_function=None))
def _(anchor, positive, negative, distance_function, margin, swap):
    """Without a distance function the loss is made of the Euclidean pairwise distances."""

    def distance(x1, x2):
        return terms("pairwise_distance", x1=x1, x2=x2, p=2.0, eps=lift(1e-6))

    return triplet(distance, anchor, positive, negative, margin, swap)
