"""Is the CTC loss the sum over all paths, written out one by one?"""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np
from flint import arb

from conformance.case import Case
from conformance.identities.identity import EXACT, Claim, altered, identity, reduced_to
from reference.arithmetic.certified import certified_precision
from reference.arithmetic.rounded import Rounded

#: Frames and classes of the cases whose paths are written out: at most 3 ** 5 of them.
FRAMES, CLASSES = 5, 3


@cache
def paths(frames: int, classes: int, blank: int) -> dict[tuple[int, ...], list[tuple[int, ...]]]:
    """Every path, a class for each frame, by the labels that it stands for: repeats, then blanks, removed."""
    found: dict[tuple[int, ...], list[tuple[int, ...]]] = {}
    for path in itertools.product(range(classes), repeat=frames):
        labels = tuple(c for c, _ in itertools.groupby(path) if c != blank)
        found.setdefault(labels, []).append(path)
    return found


def loss(log_probs: np.ndarray, labels: tuple[int, ...], blank: int) -> arb:
    """Minus the logarithm of the probability of all paths of ``labels``; ``log_probs``, (T, C), are exact."""
    total = arb(0)
    for path in paths(*log_probs.shape, blank).get(labels, []):
        total += sum((arb(float(log_probs[t, c])) for t, c in enumerate(path)), arb(0)).exp()
    return -total.log() if total != 0 else arb("inf")


def small(case: Case) -> Case:
    """The case with few frames and classes, without reduction."""
    case = reduced_to(case, "none")
    logs = case.arguments["log_probs"][:, :FRAMES, ..., :CLASSES]
    frames, classes = logs.shape[1], logs.shape[-1]
    arguments = {
        "log_probs": logs,
        "targets": np.minimum(case.arguments["targets"], classes - 1),
        "input_lengths": np.minimum(case.arguments["input_lengths"], frames),
    }
    return altered(case, arguments, sizes={**case.sizes, "t": (frames,), "c": (classes,)})


@identity("paths-written-out", lambda contract: contract.name == "ctc_loss")
def paths_written_out(case: Case, ask):
    """The loss is the negative logarithm of the sum of the probabilities of all paths."""
    case = small(case)
    given = [case.in_rows(k) for k in ("log_probs", "targets", "input_lengths", "target_lengths")]
    found = []
    with certified_precision():
        for logs, targets, frames, labels in zip(*given, strict=True):
            one = loss(logs[:frames], tuple(int(c) for c in targets[:labels]), case.parameters["blank"])
            found.append((float(one.mid()), float(one.rad())) if one.is_finite() else (np.inf, 0.0))
    value, radius = np.array(found).T
    value = np.where(np.isinf(value) & case.parameters["zero_infinity"], 0.0, value)
    told = ask(case, gradients=False)["value"]
    half_ulp = np.where(np.isinf(value), 0.0, abs(value) * 2.0**-53)
    yield Claim("value", told, Rounded(value.reshape(told.shape), (radius + half_ulp).reshape(told.shape), EXACT))
