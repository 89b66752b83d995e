"""What does a loss do to a network that is trained with it?  Real data, a small network, and the two trajectories.

The network is the same float32 one for the subject and for the oracle, whose gradients are those of the formula in
float64: the same initial weights, the same batches in the same order.  What a batch asks is a case like any other.
The data sets come with scikit-learn: handwritten digits (E. Alpaydin, C. Kaynak, 1998), and the progression of
diabetes (B. Efron et al., Least Angle Regression, 2004).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import torch
from torch.nn import functional

from conformance.case import Case, gradients, loop_dimensions, reduced_shape, values
from reference import Contract
from reference.domains import Depends, Domain, Index, Interval, LabelSet, OneOf

#: Rows of a batch, passes over the training rows, units of the hidden layer, step of the descent, and its momentum.
BATCH, EPOCHS, HIDDEN, RATE, MOMENTUM = 64, 8, 32, 0.1, 0.9
#: The share of rows that is kept for validation.
HELD_BACK = 0.2
DTYPE = "float32"

#: What a batch is answered, at a step: the loss, and its gradient by the arguments that depend on the network.
Answer = Callable[[Case, int], tuple[float, Mapping[str, np.ndarray]]]


@cache
def digits() -> tuple[np.ndarray, np.ndarray]:
    """1,797 images of 64 pixels in [0, 1], and which of ten digits they show."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    return images / 16, labels


@cache
def diabetes() -> tuple[np.ndarray, np.ndarray]:
    """442 patients by ten standardised features, and the progression of their illness, from 25 to 346."""
    from sklearn.datasets import load_diabetes

    features, progression = load_diabetes(return_X_y=True)
    return features / features.std(axis=0), progression


#: What a network's output becomes before it is the input of a loss, where that is not as it is.
ACTIVATIONS: Mapping[str, Callable] = {
    "NLLLoss": lambda out: functional.log_softmax(out, 1),
    "KLDivLoss": lambda out: functional.log_softmax(out, 1),
    "BCELoss": torch.sigmoid,
}


@dataclass(frozen=True)
class Task:
    """What a network learns with a loss: ``data``, and ``targets``, (rows, ...), as the loss takes them."""

    contract: Contract
    data: str
    features: np.ndarray
    targets: np.ndarray

    @property
    def reduction(self) -> str:
        return only_reduction(self.contract)

    @property
    def outputs(self) -> int:
        """Numbers that the network gives for each row: one for each class, or a prediction; and as many variances."""
        return 10 if self.data == "digits" else 2 if "var" in self.contract.positional else 1

    def predictions(self, out: torch.Tensor) -> dict[str, torch.Tensor]:
        """The arguments of the loss that depend on the network."""
        if self.data == "digits":
            return {"input": ACTIVATIONS.get(self.contract.loss, lambda x: x)(out)}
        found = {"input": out[:, 0]}
        return found | ({"var": functional.softplus(out[:, 1])} if "var" in self.contract.positional else {})

    def case(self, predicted: Mapping[str, torch.Tensor], rows: np.ndarray) -> Case:
        """What a batch asks of the loss: one call."""
        arrays = {k: t.detach().double().numpy()[None] for k, t in predicted.items()} | {
            "target": self.targets[rows][None]
        }
        arguments = {k: arrays.get(k) for k in self.contract.arguments}
        sizes = self._sizes(arguments["input"].shape[1:])
        shape = sum((sizes[d.name] for d in loop_dimensions(self.contract)), ())
        terms = int(np.prod(shape)) if self.reduction == "none" else 1
        ups = {
            f: np.full((1, *reduced_shape(self.contract, self.reduction, f, shape)), np.float32(1 / terms), float)
            for f in self.contract.fields
        }
        parameters = {k: self.contract.defaults[k] for k in self.contract.parameters}
        return Case(self.contract.name, DTYPE, self.reduction, 1, sizes, arguments, parameters, ups)

    def _sizes(self, shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        """The sizes of the dimensions of the input, of this shape: classes come last where it has any."""
        layout = self.contract.arguments["input"].layout
        rest = shape[:-1] if any(d.core for d in layout) else shape
        first, *others = (d for d in layout if not d.core)
        sizes = {d.name: shape[-1:] for d in layout if d.core}
        sizes[first.name] = rest if first.starred else rest[:1]
        return sizes | {d.name: () if first.starred else rest[1:] for d in others}


def is_learnable(contract: Contract) -> bool:
    """Whether a network can be trained with a loss: one of an input and a target, and perhaps a variance."""
    needed = {k for k, a in contract.arguments.items() if not a.optional}
    known = {"input", "target"} <= needed <= {"input", "target", "var"}
    return known and DTYPE in contract.dtypes and set(contract.parameters) <= set(contract.defaults)


def only_reduction(contract: Contract) -> str:
    """The mean, where there is one."""
    return "mean" if "mean" in contract.reductions else next(iter(contract.reductions))


def task_of(contract: Contract) -> Task:
    """What is learnt with a loss, by the domain of its target: numbers from patients, or classes from images."""
    domain = contract.arguments["target"].domain
    if isinstance(domain, Depends):
        domain = domain.yes if contract.defaults[domain.on] else domain.no
    if isinstance(domain, Interval) and not np.isfinite(domain.high):
        features, progression = diabetes()
        scaled = (progression - progression.mean()) / progression.std()
        wanted = np.round(progression / 50) if domain.low == 0 else scaled.astype(DTYPE).astype(float)
        return Task(contract, "diabetes", features, wanted)
    features, labels = digits()
    return Task(contract, "digits", features, as_targets(domain, labels))


def as_targets(domain: Domain, labels: np.ndarray) -> np.ndarray:
    """Class labels as a loss takes them: as they are, in a list, or as ten numbers, one of which is the largest."""
    if isinstance(domain, Index):
        return labels
    hot = labels[:, None] == np.arange(10)
    if isinstance(domain, LabelSet):
        return np.where(np.arange(10) == 0, labels[:, None], -1)
    low = domain.values[0] if isinstance(domain, OneOf) else 0.0
    return np.where(hot, 1.0, low)


class Network:
    """Two layers with a hyperbolic tangent between them, and gradient descent with momentum; float32."""

    def __init__(self, rng: np.random.Generator, inputs: int, outputs: int):
        sizes = ((inputs, HIDDEN), (1, HIDDEN), (HIDDEN, outputs), (1, outputs))
        drawn = [rng.standard_normal(s) / np.sqrt(s[0]) * (s[0] > 1) for s in sizes]
        self.weights = [torch.as_tensor(w, dtype=torch.float32).requires_grad_() for w in drawn]
        self.speeds = [torch.zeros_like(w) for w in self.weights]

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        first, shift, second, offset = self.weights
        return torch.tanh(x @ first + shift) @ second + offset

    def step(self, predicted: Mapping[str, torch.Tensor], upstream: Mapping[str, np.ndarray]) -> None:
        """Descend along the gradients of the loss by what was predicted."""
        for w in self.weights:
            w.grad = None
        ups = [torch.as_tensor(upstream[k], dtype=torch.float32) for k in predicted]
        torch.autograd.backward(list(predicted.values()), ups)
        with torch.no_grad():
            for w, v in zip(self.weights, self.speeds, strict=True):
                v.mul_(MOMENTUM).add_(w.grad)
                w.sub_(RATE * v)


@dataclass
class Trajectory:
    """Mean loss per epoch on the rows trained with, and on those held back; how many steps were taken."""

    train: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    steps: int = 0


class Training:
    """One task, with everything that is the same for whoever is asked for the loss."""

    def __init__(self, task: Task, seed: int):
        self.task, self.seed = task, seed
        order = np.random.default_rng(self.seed).permutation(len(task.features))
        kept = int(len(order) * HELD_BACK)
        self.held_back, self.rows = order[:kept], order[kept:]
        self.features = torch.as_tensor(task.features, dtype=torch.float32)

    def follow(self, ask: Answer) -> Trajectory:
        """Train with what is said of each batch, value and gradients; no further than where that is no number."""
        rng, found = np.random.default_rng(self.seed + 1), Trajectory()
        network = Network(rng, self.features.shape[1], self.task.outputs)
        for _ in range(EPOCHS):
            sums = []
            for rows in self._batches(rng):
                predicted = self.task.predictions(network(self.features[rows]))
                found.steps += 1
                value, slopes = ask(self.task.case(predicted, rows), found.steps)
                network.step(predicted, {k: slopes[k].reshape(t.shape) for k, t in predicted.items()})
                sums.append(value * len(rows))
                if not all(bool(torch.isfinite(w).all()) for w in network.weights):
                    return found
            with torch.no_grad():
                predicted = self.task.predictions(network(self.features[self.held_back]))
            found.train.append(float(np.sum(sums) / len(self.rows)))
            found.validation.append(ask(self.task.case(predicted, self.held_back), found.steps)[0])
        return found

    def _batches(self, rng: np.random.Generator) -> Iterator[np.ndarray]:
        order = rng.permutation(self.rows)
        yield from (order[i : i + BATCH] for i in range(0, len(order), BATCH))


def ask_formula(case: Case, step: int) -> tuple[float, dict[str, np.ndarray]]:
    """What the oracle says in float64, without bounds."""
    first = next(iter(case.contract.fields))
    found = values(case, lambda x: x)[first]
    return float(np.mean(found)), {k.removeprefix("grad_"): g[0] for k, g in gradients(case, lambda x: x).items()}
