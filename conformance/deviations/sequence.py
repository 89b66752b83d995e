"""Where torch's CTC loss departs: sums of probabilities taken in logarithms, without log1p."""

from __future__ import annotations

import numpy as np

from conformance.deviations.deviation import SINGLE, deviation
from reference.arithmetic.plain import plain
from reference.in_numpy.sequence import ADVANCES, Lattice, back, best_path, is_possible


def log_sum(logs):
    """The logarithm of the sum of exponentials over the first dimension, shifted by the largest."""
    largest = np.max(logs, axis=0)
    shift = np.where(plain(largest) == -np.inf, 0.0, largest)
    return np.log(np.sum(np.exp(logs - shift), axis=0)) + shift


def log_alphas(lattice: Lattice, emission):
    """Logarithms of the probabilities of all alignments up to a frame that end in a state, (R, T, S)."""
    logs = [np.where(lattice.start, emission[:, 0], -np.inf)]
    for t in range(1, emission.shape[1]):
        ways = [np.where(lattice.legal[:, k], back(logs[-1], k, -np.inf), -np.inf) for k in ADVANCES]
        logs.append(log_sum(np.stack(ways)) + emission[:, t])
    return np.stack(logs, axis=1)


@deviation(
    "CTCLoss",
    of="value",
    dtypes=SINGLE,
    severity="accuracy",
    share=0.05,
    condition="the probability of the target is close to one in some frame, and so is it in the end",
    upstream=None,
    witness={
        "log_probs": [[-20.0, 0.0], [-20.0, 0.0], [-20.0, 0.0]], "targets": [1], "input_lengths": 3,
        "target_lengths": 1,
    },
)  # fmt: skip
def lost_tail(log_probs, targets, input_lengths, target_lengths, *, blank, zero_infinity):
    """The loss has lost its last digits, or all of them, where it is small.

    Alignments are summed as log(exp(a - m) + exp(b - m) + exp(c - m)) + m with the largest, m, among them:
    what the others add to it is rounded at one, where log1p of the rest would keep all its digits.
    """
    lattice = Lattice.of(targets, target_lengths, input_lengths, log_probs.shape[1], blank)
    emission = lattice.emissions(log_probs)
    final = np.where(lattice.end, lattice.at_last(log_alphas(lattice, emission)), -np.inf)
    loss = -log_sum(np.moveaxis(final, -1, 0))
    found = best_path(lattice, plain(emission))[1]
    possible = is_possible(found, input_lengths, target_lengths)
    return np.where(possible, loss, 0.0 if zero_infinity else np.inf)
