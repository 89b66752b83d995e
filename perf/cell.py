"""What is measured: a loss, an implementation of it, a pass, a size, a dtype, a device; and on what numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from math import prod

import numpy as np

from conformance.case import Case
from conformance.sampling import fill
from conformance.strategies import Recipe, consistent, dimension_names, has_products
from conformance.streams import seed_of
from reference import CONTRACTS, Contract
from reference.domains import Index, Interval, LabelSet
from reference.reductions import Unreduced

IMPLEMENTATIONS = ("eager", "compile", "jax", "oracle")
PASSES = ("forward", "forward+backward")
SIZES = ("S", "M", "L")
#: Elements of the first argument: dispatch costs most (S), arithmetic does (M), memory does (L).
ELEMENTS = {"S": 2**10, "M": 2**16, "L": 2**24}
#: The same where matrices take part, whose oracle costs the product of three sizes.
OF_MATRICES = {"S": 2**10, "M": 2**14, "L": 2**16}
#: The most classes where all pairs of them are compared, and the most elements that are drawn before they repeat.
OF_PAIRS, DRAWN = 32, 2**18
BYTES = {"float16": 2, "bfloat16": 2, "float32": 4, "float64": 8}


@dataclass(frozen=True)
class Cell:
    """One thing that is measured.  ``contract`` is the name of the contract."""

    contract: str
    implementation: str
    direction: str
    size: str
    dtype: str = "float32"
    device: str = "cpu"

    @property
    def of(self) -> Contract:
        return CONTRACTS[self.contract]

    @property
    def loss(self) -> str:
        return self.of.loss

    @property
    def name(self) -> str:
        """``HuberLoss-eager-forward+backward-M-float32-cpu``."""
        return "-".join((self.loss, self.implementation, self.direction, self.size, self.dtype, self.device))

    def workload(self) -> Workload:
        """What it is measured on: the same numbers for every implementation and pass."""
        return workload(self.of, self.size, self.dtype)


def sizes(contract: Contract, size: str) -> dict[str, tuple[int, ...]]:
    """Sizes of all dimensions: those of the first argument alike, others half as large.

    Few classes where all pairs of them are compared.
    """
    first = next(iter(contract.arguments.values())).layout
    elements = (OF_MATRICES if has_products(contract) else ELEMENTS)[size]
    names = dimension_names(contract)
    own = [d.name for d in first if not (d.starred and len(first) > 2)]
    side = round(elements ** (1 / len(own)))
    found = {n: (side if n in own else max(side // 2, 2),) for n in names if n not in contract.sizes}
    found |= {d.name: () for d in first if d.starred and len(first) > 2}
    if any(isinstance(a.domain, LabelSet) for a in contract.arguments.values()) and side > OF_PAIRS:
        core = next(n for n in own if names[n].core)
        rows = next(n for n in own if n != core)
        found |= {core: (OF_PAIRS,), rows: (elements // OF_PAIRS,)}
    return consistent(contract, found)


@dataclass(frozen=True)
class Workload:
    """The numbers that a cell is measured on.

    ``judged``: the call that the verdict is about.  ``case``: the call that is measured, its rows as often as ``times``
    one after the other, which makes every answer to it one of the answers to ``judged``.
    """

    judged: Case
    case: Case
    times: int


def workload(contract: Contract, size: str, dtype: str) -> Workload:
    """Ordinary numbers, default parameters, no optional arguments, reduced by default."""
    whole, rows = sizes(contract, size), contract.arguments[contract.positional[0]].loops[0].name
    times = max(1, prod(shape_of_first(contract, whole)) // DRAWN)
    recipe = Recipe(
        calls=1,
        sizes=whole | {rows: (whole[rows][0] // times,)},
        kinds={k: None if a.optional else 0 for k, a in contract.arguments.items()},
        parameters={k: usual(contract, k) for k in contract.parameters},
        regimes=dict.fromkeys(contract.arguments, "ordinary"),
        relation="free",
        seed=seed_of("perf", contract.name, size, dtype) % 2**32,
    )
    reduction = "mean" if "mean" in contract.reductions else "none"
    drawn = fill(contract, recipe, dtype, reduction)
    return Workload(drawn, drawn, 1) if times == 1 else repeated(drawn, rows, times)


def shape_of_first(contract: Contract, sizes: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
    return sum((sizes[d.name] for d in next(iter(contract.arguments.values())).layout), ())


def repeated(drawn: Case, rows: str, times: int) -> Workload:
    """The drawn rows again and again.  A mean over all of them is that of the drawn ones, its upstream gradient comes
    to each as one over ``times``."""
    axes = {k: axis_of(drawn, k, rows) for k in drawn.arguments}
    arguments = {k: a if axes[k] is None else tiled(a, times, axes[k]) for k, a in drawn.arguments.items()}
    sizes = dict(drawn.sizes) | {rows: (drawn.sizes[rows][0] * times,)}
    reduced = {f: not isinstance(drawn.contract.reduction_of(drawn.reduction, f), Unreduced) for f in drawn.cotangents}
    judged = {f: c / times if reduced[f] else c for f, c in drawn.cotangents.items()}
    upstream = {f: c if reduced[f] else tiled(c, times, 1) for f, c in drawn.cotangents.items()}
    case = replace(drawn, arguments=arguments, sizes=sizes, cotangents=upstream)
    return Workload(replace(drawn, cotangents=judged), case, times)


def tiled(array: np.ndarray, times: int, axis: int) -> np.ndarray:
    return np.concatenate([array] * times, axis=axis)


def axis_of(case: Case, name: str, dimension: str) -> int | None:
    """The axis of an argument's array that a dimension is; None where it has none."""
    if case.arguments[name] is None:
        return None
    axis = 1 if name in case.contract.positional else 0
    for dim in case.layout(name).layout:
        if dim.name == dimension:
            return axis
        axis += len(case.sizes[dim.name])
    return None


def usual(contract: Contract, parameter: str):
    """The default of a parameter; where it has none, its first value, or 0."""
    if parameter in contract.defaults:
        default = contract.defaults[parameter]
        return float(default) if isinstance(contract.parameters[parameter], Interval) else default
    domain = contract.parameters[parameter]
    return 0 if isinstance(domain, Index) else domain.values[0]


def leaves(case: Case) -> tuple[str, ...]:
    """The arguments whose gradients training asks for: all that have one but the target."""
    real = [k for k, a in case.arguments.items() if a is not None and a.dtype == float and k != "target"]
    return tuple(k for k in real if k in differentiable(case.contract_name, case.dtype))


@cache
def differentiable(contract: str, dtype: str) -> tuple[str, ...]:
    """The arguments that the oracle has a gradient for, found on the smallest call."""
    return workload(CONTRACTS[contract], "S", dtype).judged.differentiable


def compulsory_bytes(case: Case, direction: str) -> int:
    """What any implementation must move, in bytes.

    Every argument, and the upstream gradient, read once; the result and every gradient written once.
    """
    width = BYTES[case.dtype]
    given = sum(a.size * (width if a.dtype == float else 8) for a in case.arguments.values() if a is not None)
    result = sum(prod(case.result_shape(f)) for f in case.contract.fields) * width
    if direction == "forward":
        return given + result
    return given + 2 * result + sum(case.arguments[k].size for k in leaves(case)) * width
