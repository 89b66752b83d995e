"""What the softmax family shares: the loss of every class and its gradient, without cancellation."""

import numpy as np

from reference.arithmetic.plain import plain


def indicator(index, classes):
    """Whether a class is the one at ``index``, shape (R, classes)."""
    return np.expand_dims(index, -1) == np.arange(classes)


def pick(values, index):
    """``values[r, index[r]]`` for every row ``r``: shape (R,)."""
    return np.squeeze(np.take_along_axis(values, np.expand_dims(index, -1), axis=-1), axis=-1)


def kept(target, ignore_index):
    """Which rows count, shape (R,), and their class, 0 for those that do not."""
    live = target != ignore_index
    return live, np.where(live, target, 0)


def carried_weight(given):
    """What a weighted mean divides by, shape (R,): class weight or one, nothing for ignored targets."""
    target, weight = given["target"], given["weight"]
    if target.ndim > 1:
        return np.ones(len(target))
    live, index = kept(target, given["ignore_index"])
    return np.where(live, 1.0 if weight is None else pick(weight, index), 0.0)


def peak(values):
    """A largest element along the last dimension, shape (R, 1), and where it is, shape (R, C)."""
    index = np.argmax(plain(values), axis=-1)
    return np.take_along_axis(values, np.expand_dims(index, -1), axis=-1), indicator(index, values.shape[-1])


def exponentials(logits):
    """The logits less a largest one, the exponentials of that, and the sum of all but the largest one's.

    The largest becomes an exact zero, or NaN where it is not finite.  A difference that could overflow, of
    numbers beyond 1e30 of either sign, has an exponential that is zero for every purpose.
    """
    top, at_top = peak(logits)
    zero = np.where(np.isfinite(plain(top)), 0.0, np.nan)
    shifted = np.where(at_top, zero, logits - top)
    others = np.where((logits < -1e30) & (top > 1e30), 0.0, np.exp(shifted))
    rest = np.sum(np.where(at_top, 0.0, others), axis=-1, keepdims=True)
    return shifted, np.where(at_top, 1.0, others), rest


def negative_log_softmax(logits):
    """The loss of every class: a sum of numbers that are not negative, accurate also where it is tiny.

    Source: P. Blanchard, D. J. Higham, N. J. Higham, Accurately computing the log-sum-exp and softmax
    functions, 2021, section 4 (shifted; the largest exponential, an exact one, goes into log1p).
    """
    shifted, _, rest = exponentials(logits)
    return np.log1p(rest) - shifted


def sum_of_others(values):
    """For every element along the last dimension the sum of all others; no value may be negative.

    The total less the element, except for a largest one: only there could that cancel.
    """
    top, at_top = peak(values)
    rest = np.sum(np.where(at_top, 0.0, values), axis=-1, keepdims=True)
    return np.where(at_top, rest, (rest + top) - values)


def affine(weight, input, bias=None):
    """``weight @ input + bias`` row by row: shape (R, C)."""
    product = np.sum(weight * np.expand_dims(input, -2), axis=-1)
    return product if bias is None else product + bias


def pull_affine(slope, weight, input):
    """The gradients of ``weight @ input`` with respect to both, given that of the result."""
    column = np.expand_dims(slope, -1)
    return column * np.expand_dims(input, -2), np.sum(column * weight, axis=-2)


def pull(logits, mass):
    """The gradient, with respect to the logits, of the losses of the classes weighed by ``mass``.

    Instead of p sum(mass) - mass, from which the class's own share cancels: p (mass of the other classes)
    - mass (p of the other classes).
    """
    _, powers, rest = exponentials(logits)
    return (powers * sum_of_others(mass) - mass * sum_of_others(powers)) / (1.0 + rest)


def target_mass(target, classes, ignore_index, label_smoothing):
    """How much the loss of every class counts, shape (R, C), before class weights; zeros in ignored rows."""
    if target.ndim > 1:
        live, hot = np.ones(len(target), bool), target
    else:
        live, index = kept(target, ignore_index)
        hot = np.where(indicator(index, classes), 1.0, 0.0)
    if plain(label_smoothing) != 0:
        hot = (1 - label_smoothing) * hot + label_smoothing / classes
    return np.where(np.expand_dims(live, -1), hot, 0.0)


def cross_entropy_of(logits, target, weight, ignore_index, label_smoothing):
    """The terms of the cross-entropy, shape (R,); ``target`` is a class, (R,), or probabilities, (R, C)."""
    losses = negative_log_softmax(logits)
    if weight is not None:
        losses = weight * losses
    if target.ndim > 1:
        live, hit = True, np.sum(target * losses, axis=-1)
    else:
        live, index = kept(target, ignore_index)
        hit = pick(losses, index)
    if plain(label_smoothing) != 0:
        every = np.sum(losses, axis=-1) * (label_smoothing / logits.shape[-1])
        hit = (1 - label_smoothing) * hit + every
    return np.where(live, hit, 0.0)


def pull_cross_entropy(cotangent, logits, target, weight, ignore_index, label_smoothing):
    """The gradients of the terms of the cross-entropy: "logits", and, where these are probabilities, "target".

    Next to probabilities also "weight"; with classes the mean divides by the weights, which this does not cover.
    """
    mass = target_mass(target, logits.shape[-1], ignore_index, label_smoothing)
    if target.ndim == 1:  # not even a mean over ignored targets alone, which is 0 / 0, depends on their logits
        cotangent = np.where(target != ignore_index, cotangent, 0.0)
    cotangent = np.expand_dims(cotangent, -1)
    losses = negative_log_softmax(logits)
    gradients = {"logits": cotangent * pull(logits, mass if weight is None else weight * mass)}
    if target.ndim > 1:
        if weight is not None:
            none = (plain(mass) == 0) & ~(plain(losses) < 1e30)  # 0 times what may overflow
            gradients["weight"] = cotangent * np.where(none, 0.0, mass * losses)
        weighed = cotangent if weight is None else cotangent * weight
        gradients["target"] = (1 - label_smoothing) * (weighed * losses)
    return gradients
