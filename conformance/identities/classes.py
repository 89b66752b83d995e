"""Do classes, features and targets mean what they are called, wherever they stand and however they are written?"""

from __future__ import annotations

import numpy as np

from conformance.case import Case
from conformance.identities.identity import (
    Claim,
    alike,
    altered,
    constant,
    divisor,
    equal,
    identity,
    whole,
)
from conformance.identities.moves import (
    as_indices,
    axis_in,
    chosen,
    class_dimension,
    feature_dimension,
    ignoring,
    in_range,
    indices,
    on_grid,
    rows_dimension,
    shuffled,
    taken,
)
from reference import Contract
from reference.domains import Labels, LabelSet


def along(case: Case, ask, dim: str, order: np.ndarray, other: Case):
    """The claims that ``other``, in which a core dimension is in that order, has the answers in that order."""
    told = ask(case)
    return alike(told, ask.like(told, other), lambda q, x: chosen(case, q, x, dim, order))


@identity("features-permuted", lambda contract: feature_dimension(contract) is not None)
def features_permuted(case: Case, ask):
    """The order of the features, or of classes that no index refers to, does not matter."""
    dim = feature_dimension(case.contract)
    order = shuffled(case, case.sizes[dim][0])
    return along(case, ask, dim, order, taken(case, dim, order))


@identity("classes-permuted", lambda contract: class_dimension(contract) is not None)
def classes_permuted(case: Case, ask):
    """The order of the classes does not matter, as long as targets, weights and special classes follow."""
    dim = class_dimension(case.contract)
    order = shuffled(case, case.sizes[dim][0])
    place, other = np.argsort(order), taken(case, dim, order)
    if other is None:  # targets to be ignored that are no class
        return []
    special = {getattr(d, "ignore", None) or getattr(d, "blank", None) for _, d in indices(case.contract)} - {None}
    now = {k: int(place[case.parameters[k]]) for k in special if 0 <= case.parameters[k] < len(order)}
    lists = {k: case.arguments[k] for k, d in indices(case.contract) if isinstance(d, LabelSet)}
    renumbered = {k: np.where(x < 0, x, place[np.maximum(x, 0)]) for k, x in lists.items()}
    return along(case, ask, dim, order, altered(other, renumbered, now))


def has_one_hot(contract: Contract) -> bool:
    """Whether a target may be an index or a probability of each class."""
    return any(len(a.kinds) > 1 for a in contract.arguments.values()) and class_dimension(contract) is not None


@identity("one-hot", has_one_hot)
def one_hot(case: Case, ask):
    """A class, and the probabilities that are one for it and zero for others, have the same sum of losses.

    The mean divides by the weights of the targets for classes, and by their number for probabilities.
    """
    case = not_ignoring(as_indices(case))
    name, dim = "target", class_dimension(case.contract)
    classes = case.sizes[dim][0]
    hot = (case.arguments[name][..., None] == np.arange(classes)).astype(float)
    position = [d.name for d in case.contract.arguments[name].kinds[1].layout].index(dim)
    axis = 1 + (len(case.sizes[rows_dimension(case.contract)]) if position else 0)
    other = altered(case, {name: np.moveaxis(hot, -1, axis)}, kinds={**case.kinds, name: 1})
    left, right = ask(case), ask(other)
    by, count = (divisor(c, c.contract.reductions[c.reduction]) for c in (case, other))
    return equal(left, {q: whole(x, count) for q, x in right.items()}, lambda q, x: whole(x, by))


def not_ignoring(case: Case) -> Case:
    """The case with no target to ignore."""
    ignore = ignoring(case.contract)
    return altered(in_range(case), parameters={ignore: case.contract.defaults[ignore]})


def ignores(contract: Contract) -> bool:
    return ignoring(contract) is not None


def with_ignored_row(case: Case) -> Case:
    """The case with class indices for targets, those of its first row to be ignored."""
    case = as_indices(case)
    target = case.arguments["target"].copy()
    target[:, :1] = case.parameters[ignoring(case.contract)]
    return altered(case, {"target": target})


@identity("ignored-content", ignores)
def ignored_content(case: Case, ask):
    """What stands in an ignored row, however large, changes neither value nor gradient."""
    case = with_ignored_row(case)
    ignored = case.arguments["target"] == case.parameters[ignoring(case.contract)]
    shape = case.arguments["input"].shape
    huge = np.ldexp(1.0, case.format.emax // 4 if feature_dimension(case.contract) else case.format.emax - 1)
    content = np.where(np.arange(np.prod(shape)).reshape(shape) % 3 == 0, -huge, huge)
    other = altered(case, {"input": np.where(np.expand_dims(ignored, 2), content, case.arguments["input"])})
    told = ask(case)
    return alike(told, ask.like(told, other))


@identity("ignored-deleted", ignores)
def ignored_deleted(case: Case, ask):
    """A batch with an ignored row has the loss of the batch without it; that row has none, and no gradient."""
    case, dim = with_ignored_row(case), rows_dimension(case.contract)
    rest = np.arange(1, case.sizes[dim][0])
    told = ask(case)
    yield from alike(told, ask.like(told, taken(case, dim, rest)), lambda q, x: chosen(case, q, x, dim, rest))
    for quantity, x in told.items():
        if axis_in(case, quantity, dim) is not None:
            ignored = chosen(case, quantity, x, dim, np.array([0]))
            yield Claim(quantity, ignored, constant(np.zeros(ignored.shape)))


@identity("smoothing-linear", lambda contract: "label_smoothing" in contract.parameters)
def smoothing_linear(case: Case, ask):
    """Half smoothed is half way between not smoothed and nothing but uniform targets."""
    none, half, full = (ask(altered(case, parameters={"label_smoothing": x})) for x in (0.0, 0.5, 1.0))
    common = set(none) & set(half) & set(full)
    return equal({q: half[q] * 2.0 for q in sorted(common)}, {q: none[q] + full[q] for q in common})


#: Arguments to every class of which the same number may be added, by contract.
LOGITS = {
    "cross_entropy": "input",
    "linear_cross_entropy": "linear_bias",
    "multi_margin_loss": "input",
    "multilabel_margin_loss": "input",
    "adaptive_log_softmax_with_loss": "head_bias",
}


@identity("logits-shifted", lambda contract: contract.name in LOGITS)
def logits_shifted(case: Case, ask):
    """The same number added to the scores of all classes changes nothing."""
    name = LOGITS[case.contract_name]
    if case.arguments[name] is None:
        return []
    case = on_grid(case, name)
    return equal(ask(case), ask(altered(case, {name: case.arguments[name] + 4.0})))


@identity("gradient-sums-to-zero", lambda contract: contract.name in LOGITS)
def gradient_sums_to_zero(case: Case, ask):
    """The gradients by the scores of all classes add up to zero in every row."""
    quantity = f"grad_{LOGITS[case.contract_name]}"
    told = ask(case)
    if quantity in told:
        axis = 2 if LOGITS[case.contract_name] == "input" else 1
        total = np.sum(told[quantity], axis=axis)
        yield Claim(quantity, total, constant(np.zeros(total.shape)))


@identity("labels-padded", lambda contract: any(isinstance(d, LabelSet) for _, d in indices(contract)))
def labels_padded(case: Case, ask):
    """What follows the first -1 of a list of labels does not matter, nor does the order of the labels."""
    target = case.arguments["target"]
    listed = np.cumprod(target >= 0, axis=-1).astype(bool)
    after = np.cumsum(~listed, axis=-1) > 1
    told = ask(case)
    yield from alike(told, ask.like(told, altered(case, {"target": np.where(after, 0, target)})))
    place = np.broadcast_to(np.arange(target.shape[-1]), target.shape)
    back = np.where(listed, np.sum(listed, axis=-1, keepdims=True) - 1 - place, place)
    yield from alike(told, ask.like(told, altered(case, {"target": np.take_along_axis(target, back, axis=-1)})))


@identity("shortlist-permuted", lambda contract: contract.name == "adaptive_log_softmax_with_loss")
def shortlist_permuted(case: Case, ask):
    """The order of the frequent classes does not matter, as long as the targets follow."""
    size = case.sizes["h"][0]
    order = np.append(shuffled(case, size - 2), [size - 2, size - 1])
    target = case.arguments["target"]
    moved = np.where(target < size - 2, np.argsort(order)[np.minimum(target, size - 1)], target)
    other = altered(taken(case, "h", order), {"target": moved})
    told = ask(case)
    return alike(told, ask.like(told, other), lambda q, x: chosen(case, q, x, "h", order))


def is_padded(contract: Contract) -> bool:
    return any(isinstance(d, Labels) for _, d in indices(contract))


@identity("padding-content", is_padded)
def padding_content(case: Case, ask):
    """What stands in frames and labels beyond their lengths changes neither value nor gradient."""
    told = ask(case)
    return alike(told, ask.like(told, repadded(case, frames=0)))


@identity("padding-added", is_padded)
def padding_added(case: Case, ask):
    """More frames beyond the length of the input change nothing."""
    told, frames = ask(case), case.sizes["t"][0]
    more = ask.like(told, repadded(case, frames=2))
    return alike(told, {q: x[:, :frames] if q == "grad_log_probs" else x for q, x in more.items()})


def repadded(case: Case, frames: int) -> Case:
    """The case with other numbers in its padding, and ``frames`` more of it."""
    logs, targets = case.arguments["log_probs"], case.arguments["targets"]
    count = case.sizes["t"][0] + frames
    logs = np.concatenate([logs, *[np.zeros_like(logs[:, :1])] * frames], axis=1)
    frame = np.arange(count).reshape(1, count, *(1 for _ in logs.shape[2:]))
    lengths = np.expand_dims(case.arguments["input_lengths"], (1, -1))
    logs = np.where(frame < lengths, logs, -1.5)
    if targets.ndim > 1 + len(case.sizes["s"]):
        label = np.arange(targets.shape[-1]) >= np.expand_dims(case.arguments["target_lengths"], -1)
        targets = np.where(label, 1 - case.parameters["blank"], targets)
    return altered(case, {"log_probs": logs, "targets": targets}, sizes={**case.sizes, "t": (count,)})
