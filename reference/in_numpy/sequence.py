"""The loss of a sequence of labels whose alignment with the input is not known."""

from dataclasses import dataclass

import numpy as np

from reference.arithmetic.plain import plain
from reference.contract import contract
from reference.domains import BOOL, Labels, Length, LogProbabilities, OneOf
from reference.reductions import STANDARD, Reduction

#: How many states an alignment may advance by in one frame: stay, step, and skip the blank between labels.
ADVANCES = (0, 1, 2)


def softmax(logits):
    """The softmax over the last dimension, shifted by the largest logit."""
    powers = np.exp(logits - np.max(logits, axis=-1, keepdims=True))
    return powers / np.sum(powers, axis=-1, keepdims=True)


def back(values, advance, fill):
    """What stands ``advance`` states before each state (last dimension), ``fill`` before the first."""
    return np.where(np.arange(values.shape[-1]) < advance, fill, np.roll(values, advance, axis=-1))


def ahead(values, advance, fill):
    """What stands ``advance`` states after each state (last dimension), ``fill`` after the last."""
    states = values.shape[-1]
    return np.where(np.arange(states) >= states - advance, fill, np.roll(values, -advance, axis=-1))


@dataclass(frozen=True, eq=False)
class Lattice:
    """What alignments may do: labels, blank between and around them, are the states of every row, (R, S).

    ``label``: the class each state emits.  ``legal``, (R, 3, S): whether it may be entered by advancing by 0,
    1, 2.  ``start``, ``end``: (R, S).  ``live``, (R, T): which frames count.  ``last``: the last one, (R,).
    """

    label: np.ndarray
    legal: np.ndarray
    start: np.ndarray
    end: np.ndarray
    live: np.ndarray
    last: np.ndarray

    @classmethod
    def of(cls, targets, target_lengths, input_lengths, frames, blank):
        """The lattice of every row.  Source: Graves et al. 2006, section 4.1 (the modified sequence l')."""
        state = np.arange(2 * targets.shape[1] + 1)
        counted = state < np.expand_dims(2 * target_lengths + 1, -1)
        label = np.full((len(targets), len(state)), blank)
        label[:, 1::2] = np.where(counted[:, 1::2], targets, blank)
        skip = (label != blank) & (label != back(label, 2, blank))
        legal = np.stack([counted, counted & (state > 0), counted & skip & (state > 1)], axis=1)
        ends = np.expand_dims(2 * target_lengths, -1)
        live = np.arange(frames) < np.expand_dims(input_lengths, -1)
        end = (state == ends) | (state == ends - 1)
        return cls(label, legal, counted & (state < 2), end, live, np.maximum(input_lengths - 1, 0))

    def at_last(self, values):
        """``values``, (R, T, S), in the last frame: (R, S)."""
        index = np.reshape(self.last, (-1, 1, 1))
        return np.squeeze(np.take_along_axis(values, index, axis=1), axis=1)

    def emissions(self, log_probs):
        """The log-probability of what each state emits, (R, T, S)."""
        return np.take_along_axis(log_probs, np.expand_dims(self.label, 1), axis=2)


def best_path(lattice, emission):
    """The states, (R, T), of a likeliest alignment, found in plain float64: any other would do."""
    score = np.where(lattice.start, emission[:, 0], -np.inf)
    scores, choices = [score], []
    for t in range(1, emission.shape[1]):
        ways = [np.where(lattice.legal[:, k], back(score, k, -np.inf), -np.inf) for k in ADVANCES]
        choices.append(np.argmax(ways, axis=0))
        score = np.max(ways, axis=0) + emission[:, t]
        scores.append(score)
    final = np.where(lattice.end, lattice.at_last(np.stack(scores, axis=1)), -np.inf)
    path = [np.argmax(final, axis=-1)]
    rows = np.arange(len(final))
    for t in range(emission.shape[1] - 1, 0, -1):
        path.append(path[-1] - np.where(t <= lattice.last, choices[t - 1][rows, path[-1]], 0))
    return np.stack(path[::-1], axis=1), np.max(final, axis=-1) > -np.inf


def reach(lattice, emission, enters):
    """Logarithms of the mass in every state, (R, T, S), in plain float64: only to choose units from."""
    logs = [np.where(enters[:, 0], emission[:, 0], -np.inf)]
    for t in range(1, emission.shape[1]):
        ways = [np.where(lattice.legal[:, k], back(logs[-1], k, -np.inf), -np.inf) for k in ADVANCES]
        ways.append(np.where(enters[:, t], 0.0, -np.inf))
        logs.append(np.logaddexp.reduce(ways) + emission[:, t])
    return np.stack(logs, axis=1)


def units(lattice, logs):
    """Integers near ``logs``, (R, T, S), the same for both end states in the last frame: those, (R, 1)."""
    known = logs > -np.inf
    nearest = np.rint(np.where(known, logs, 0.0))
    final = np.where(lattice.end & lattice.at_last(known), lattice.at_last(nearest), -np.inf)
    shared = np.max(final, axis=-1, keepdims=True)
    shared = np.where(shared > -np.inf, shared, 0.0)
    frame = np.arange(logs.shape[1]) == np.expand_dims(lattice.last, -1)
    at_end = np.expand_dims(frame, -1) & np.expand_dims(lattice.end, 1)
    return np.where(at_end, np.expand_dims(shared, 1), nearest), known, shared


@dataclass(frozen=True, eq=False)
class Flow:
    """Masses of alignments, each state's in units of e to an integer of its own: no overflow, no underflow.

    ``fresh``, (R, T, S): what enters a state from outside.  ``moved``, one (R, T, S) for each advance: what
    part of the mass of the state so far before moves into it.  ``unit``, (R,): the logarithm of the end's.
    """

    fresh: object
    moved: list
    unit: np.ndarray

    @classmethod
    def of(cls, lattice, emission, enters):
        """The flow in which a mass of one may enter the states ``enters``, (R, T, S), in every frame."""
        unit, known, shared = units(lattice, reach(lattice, plain(emission), enters))
        moved, live = [], np.expand_dims(lattice.live, -1)
        for k in ADVANCES:
            before = np.pad(back(unit, k, 0.0), ((0, 0), (1, 0), (0, 0)))[:, :-1]
            source = np.pad(back(known, k, False), ((0, 0), (1, 0), (0, 0)))[:, :-1]
            moves = source & known & live & np.expand_dims(lattice.legal[:, k], 1)
            moved.append(scaled(emission, before - unit, moves))
        return cls(scaled(emission, -unit, enters), moved, np.squeeze(shared, -1))

    def forward(self):
        """The mass in every state, of the alignments up to it: (R, T, S).  Source: Graves et al. eq. (6)."""
        masses = [self.fresh[:, 0]]
        for t in range(1, self.fresh.shape[1]):
            ways = [self.moved[k][:, t] * back(masses[-1], k, 0.0) for k in ADVANCES]
            masses.append(np.sum(np.stack([self.fresh[:, t], *ways]), axis=0))
        return np.stack(masses, axis=1)

    def backward(self, lattice):
        """What part of the mass in a state gets to the end, (R, T, S).  Source: Graves et al. eq. (10)."""
        frames = self.fresh.shape[1]
        parts = [np.where(np.expand_dims(lattice.last == frames - 1, -1) & lattice.end, 1.0, 0.0)]
        for t in range(frames - 2, -1, -1):
            ways = [ahead(self.moved[k][:, t + 1] * parts[-1], k, 0.0) for k in ADVANCES]
            ended = np.where(np.expand_dims(lattice.last == t, -1) & lattice.end, 1.0, 0.0)
            parts.append(np.sum(np.stack([ended, *ways]), axis=0))
        return np.stack(parts[::-1], axis=1)


def scaled(emission, shift, where):
    """``exp(emission + shift)``, zero elsewhere than ``where``."""
    return np.where(where, np.exp(np.where(where, emission + shift, 0.0)), 0.0)


def departures(lattice, path):
    """Which states an alignment enters that leaves ``path``, (R, T), or never was on it: (R, T, S)."""
    on = np.expand_dims(path, -1) == np.arange(lattice.label.shape[-1])
    after = [np.expand_dims(lattice.legal[:, k], 1) & back(on, k, False) for k in ADVANCES]
    enters = np.pad(np.any(after, axis=0), ((0, 0), (1, 0), (0, 0)))[:, :-1]
    enters[:, 0] = lattice.start
    return enters & ~on & np.expand_dims(lattice.live, -1)


def log1p_of(mass, unit):
    """``log(1 + mass * exp(unit))``, without overflow."""
    small = np.exp(np.zeros_like(mass) - abs(unit))
    return np.where(unit > 0, unit + np.log(mass + small), np.log1p(mass * small))


def occupancy(lattice, log_probs):
    """The probability, given the target, that a frame emits each class: (R, T, C).  Zero if impossible."""
    emission = lattice.emissions(log_probs)
    enters = np.zeros(emission.shape, bool)
    enters[:, 0] = lattice.start & lattice.live[:, :1]
    flow = Flow.of(lattice, emission, enters)
    mass = flow.forward()
    total = np.sum(np.where(lattice.end, lattice.at_last(mass), 0.0), axis=-1)
    total = np.reshape(np.where(plain(total) > 0, total, 1.0), (-1, 1, 1))
    share = np.where(np.expand_dims(lattice.live, -1), mass * flow.backward(lattice) / total, 0.0)
    label = np.expand_dims(lattice.label, 1)
    classes = range(log_probs.shape[-1])
    return np.stack([np.sum(np.where(label == c, share, 0.0), axis=-1) for c in classes], axis=-1)


def is_possible(found, input_lengths, target_lengths):
    """Which targets an input of that length can have: an empty input only the empty one."""
    return np.where(input_lengths > 0, found, target_lengths == 0)


def through_log_softmax(gradient, given):
    """The part of a gradient by ``log_probs`` that goes through a log-softmax to its logits, (R, T, C).

    The log-probabilities sum to one, so only that part is defined.  torch's gradient already assumes it: it
    adds ``exp(log_probs)``, which this removes, whatever the probabilities sum to after rounding.
    """
    return gradient - softmax(plain(given["log_probs"])) * np.sum(gradient, axis=-1, keepdims=True)


def target_length(given):
    """What the mean divides each term by, shape (R,)."""
    return np.maximum(given["target_lengths"], 1)


@contract(
    torch="CTCLoss",
    dtypes=("float32", "float64"),
    reductions=STANDARD | {"mean": Reduction(scale=target_length, count="terms")},
    through={"log_probs": through_log_softmax},
    least={"n": 1, "c": 2},
    log_probs=LogProbabilities(over="c")["(t) n? (c)"],
    targets=Labels(of="c", blank="blank")["n? (s)"],
    input_lengths=Length(of="t")["n?"],
    target_lengths=Length(of="s", fits="input_lengths")["n?"],
    blank=OneOf((0, 1)),
    zero_infinity=BOOL,
)
def ctc_loss(log_probs, targets, input_lengths, target_lengths, *, blank=0, zero_infinity=False):
    """Negative log-probability of the target, over all alignments of it with the frames of the input.

    The likeliest alignment's, less the logarithm of what all others add to it: accurate also near zero.
    Infinite where there is no alignment, or nought with ``zero_infinity``.
    Source: A. Graves et al., Connectionist Temporal Classification, 2006, eqs. (3) to (8).
    """
    lattice = Lattice.of(targets, target_lengths, input_lengths, log_probs.shape[1], blank)
    emission = lattice.emissions(log_probs)
    path, found = best_path(lattice, plain(emission))
    along = np.take_along_axis(emission, np.expand_dims(path, -1), axis=2)
    score = np.sum(np.where(lattice.live, np.squeeze(along, -1), 0.0), axis=-1)
    flow = Flow.of(lattice, emission - along, departures(lattice, path))
    others = np.sum(np.where(lattice.end, lattice.at_last(flow.forward()), 0.0), axis=-1)
    possible = is_possible(found, input_lengths, target_lengths)
    loss = -(score + log1p_of(others, flow.unit))
    return np.where(possible, loss, 0.0 if zero_infinity else np.inf)


@ctc_loss.vjp
def _(cotangent, log_probs, targets, input_lengths, target_lengths, *, blank, zero_infinity):
    lattice = Lattice.of(targets, target_lengths, input_lengths, log_probs.shape[1], blank)
    found = best_path(lattice, plain(lattice.emissions(log_probs)))[1]
    share = occupancy(lattice, log_probs)
    total = np.sum(share, axis=-1, keepdims=True)
    gradient = np.reshape(cotangent, (-1, 1, 1)) * (softmax(log_probs) * total - share)
    possible = np.reshape(is_possible(found, input_lengths, target_lengths), (-1, 1, 1))
    gradient = np.where(possible, gradient, 0.0 if zero_infinity else np.nan)
    return {"log_probs": np.where(np.expand_dims(lattice.live, -1), gradient, 0.0)}
