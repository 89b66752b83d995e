"""What is measured: a loss, an implementation of it, a pass, a size and a dtype; and the numbers it is measured on."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from conformance.case import Case
from conformance.sampling import fill
from conformance.strategies import Recipe, consistent, dimension_names, has_products
from conformance.streams import seed_of
from reference import CONTRACTS, Contract
from reference.domains import Index, Interval, LabelSet

IMPLEMENTATIONS = ("eager", "compile", "jax", "oracle")
PASSES = ("forward", "forward+backward")
#: Elements of the first argument: dispatch costs most, arithmetic does, memory does.
ELEMENTS = {"S": 2**10, "M": 2**16, "L": 2**24}
#: The most elements where matrices are multiplied, and the most classes where all pairs of them are compared.
OF_PRODUCTS, OF_PAIRS = 2**20, 32
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


def sizes(contract: Contract, size: str) -> dict[str, tuple[int, ...]]:
    """Sizes of all dimensions: those of the first argument alike, others half as large.

    Few classes where all pairs of them are compared.
    """
    first = next(iter(contract.arguments.values())).layout
    elements = min(ELEMENTS[size], OF_PRODUCTS) if has_products(contract) else ELEMENTS[size]
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


def case_of(contract: Contract, size: str, dtype: str) -> Case:
    """One call on ordinary numbers, with default parameters and without optional arguments, reduced by default."""
    recipe = Recipe(
        calls=1,
        sizes=sizes(contract, size),
        kinds={k: None if a.optional else 0 for k, a in contract.arguments.items()},
        parameters={k: _usual(contract, k) for k in contract.parameters},
        regimes=dict.fromkeys(contract.arguments, "ordinary"),
        relation="free",
        seed=seed_of("perf", contract.name, size, dtype) % 2**32,
    )
    reduction = "mean" if "mean" in contract.reductions else "none"
    return fill(contract, recipe, dtype, reduction)


def _usual(contract: Contract, parameter: str):
    """The default of a parameter; where it has none, its first value, or 0."""
    if parameter in contract.defaults:
        default = contract.defaults[parameter]
        return float(default) if isinstance(contract.parameters[parameter], Interval) else default
    domain = contract.parameters[parameter]
    return 0 if isinstance(domain, Index) else domain.values[0]


def leaves(case: Case) -> tuple[str, ...]:
    """The arguments whose gradients training asks for: all but the target's."""
    return tuple(k for k in case.differentiable if k != "target")


def compulsory_bytes(case: Case, direction: str) -> int:
    """What any implementation must move: arguments and upstream gradient read once, result and gradients written."""
    width = BYTES[case.format.name]
    given = sum(a.size * (width if a.dtype == float else 8) for a in case.arguments.values() if a is not None)
    result = sum(prod(case.result_shape(f)) for f in case.contract.fields) * width
    if direction == "forward":
        return given + result
    return given + 2 * result + sum(case.arguments[k].size for k in leaves(case)) * width
