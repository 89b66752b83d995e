"""Adapters for losses that take probabilities where the contract has logits or their logarithms, or logits instead.

The conversion costs accuracy, which is the contract's to bound and not the subject's fault: a declared deviation
evaluates the contract through the same conversion, so that the expected value is the same and its bound is that of
both.  Where a probability rounds to 1, or the reciprocal of one overflows, nothing is promised.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy import special

from conformance.adapters.wrapping import Loss, adapted, class_axis
from conformance.declared import Declared
from conformance.subject import Subject, name_of_loss
from conformance.supports import Supports


def _softmax(scores):
    """Probabilities, shape (rows, classes)."""
    powers = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
    return powers / np.sum(powers, axis=-1, keepdims=True)


def _odds(p):
    return _log(p) - np.log(1.0 - p)


def _log(p):
    """The logarithm of numbers whose reciprocal, its slope, is a number of the format too."""
    return np.log(1.0 / (1.0 / p))


#: For each loss what makes probabilities of its input, in torch and in NumPy, and what NumPy makes of those again.
TO_PROBABILITIES = {
    "BCEWithLogitsLoss": (torch.sigmoid, lambda x: _odds(special.expit(x))),
    "CrossEntropyLoss": (lambda x: x.softmax(class_axis(x)), lambda x: _log(_softmax(x))),
    "NLLLoss": (torch.exp, lambda x: _log(np.exp(x))),
}


def probabilities(loss: Loss, like: str) -> Subject:
    """The loss takes probabilities: of the logits of ``like="BCEWithLogitsLoss"`` or ``"CrossEntropyLoss"``, or of the
    log-probabilities of ``"NLLLoss"``.  Raises ValueError for another loss."""
    name = name_of_loss(like)
    if name not in TO_PROBABILITIES:
        raise ValueError(f"probabilities: {name} is none of {', '.join(TO_PROBABILITIES)}")
    convert, back = TO_PROBABILITIES[name]
    return through(loss, name, convert, back, "through-probabilities")


def logits(loss: Loss, like: str = "BCELoss") -> Subject:
    """The loss takes log-odds of the probabilities of ``BCELoss``: of those that are neither 0 nor 1."""

    def inside(case) -> bool:
        return bool(((case.arguments["input"] > 0) & (case.arguments["input"] < 1)).all())

    found = through(loss, name_of_loss(like), torch.logit, lambda p: special.expit(_odds(p)), "through-logits")
    return adapted(found, None, supports=Supports(when=inside, why="a probability of 0 or 1"))


def through(loss: Loss, like: str, convert, back, id: str) -> Subject:
    """A loss whose input is converted; ``back(convert(input))`` is the input again, but for rounding."""

    def call(before, case, module, inputs):
        return before(case, module, {**inputs, "input": convert(inputs["input"])})

    def formula(contract, **given):
        return contract.formula(**{**given, "input": back(given["input"])})

    told = Declared(id, f"its input is converted {id.replace('-', ' ')}, and rounded on the way", formula=formula)
    return adapted(loss, like, call=call, deviations=(told,))
