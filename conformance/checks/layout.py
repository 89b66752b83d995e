"""Are value and gradients those of the contract in whatever memory layout the tensors are handed over?"""

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from conformance.case import Case
from conformance.checks.check import LIGHT, check
from conformance.checks.gradient import compare_gradients
from conformance.checks.value import judge_values
from conformance.layouts import LAYOUTS, arrangement
from conformance.strategies import consistent, dimension_names, is_slow, recipes
from reference import Contract
from reference.domains import Complex, Depends, Interval, OneOf

#: How many dimensions the layouts of images and of volumes have.
RANKS = {"channels-last": 4, "channels-last-3d": 5}
#: Sizes of dimensions: of two, which may be longer than a vector register, and of more.
SIZES, SMALL_SIZES = (2, 3, 5, 9, 17, 33), (2, 3, 5)
#: Numbers are those that other checks are not about.
REGIMES = ("ordinary", "grid")


def questions(contract: Contract) -> tuple[str, ...]:
    """The layouts that its arguments can have."""
    many = any(d.starred for a in contract.arguments.values() for d in a.layout)
    parts = any(isinstance(a.domain, Complex) for a in contract.arguments.values())
    possible = {**dict.fromkeys(RANKS, many), "conjugate": parts}
    return tuple(q for q in (*LAYOUTS, "view", "mixed") if possible.get(q, True))


@st.composite
def sizes(draw, contract: Contract, question: str) -> dict[str, tuple[int, ...]]:
    """Small sizes, and as many dimensions as a layout is about."""
    names = dimension_names(contract)
    rank = RANKS.get(question) or draw(st.sampled_from((2, 3, 2, 4)))
    menu = st.sampled_from(SMALL_SIZES if is_slow(contract) or rank > 2 else SIZES)
    chosen = {
        name: draw(st.tuples(*[menu] * (rank - len(names) + 1 if dim.starred else 1)))
        for name, dim in names.items() if name not in contract.sizes
    }  # fmt: skip
    return consistent(contract, chosen)


def put_constant(case: Case, question: str) -> Case | None:
    """The case, if it is about the layout; made constant along dimensions where strides are to be nought."""
    if question in RANKS:
        arrays = [a for a in (*case.arguments.values(), *case.cotangents.values()) if a is not None]
        return case if any(a.ndim - 1 == RANKS[question] for a in arrays) else None
    if question not in ("expanded", "mixed"):
        return case
    rng = np.random.default_rng(int(case.digest()[:12], 16))
    arguments = {k: a if a is None else _constant(rng, a, constant_axes(case, k)) for k, a in case.arguments.items()}
    cotangents = {k: _constant(rng, a, tuple(range(1, a.ndim))) for k, a in case.cotangents.items()}
    return replace(case, arguments=arguments, cotangents=cotangents)


def constant_axes(case: Case, name: str) -> tuple[int, ...]:
    """The axes of an argument along which it may be constant whatever the domain, the calls left out."""
    layout, axis, found = case.layout(name), 0 if case.is_shared(name) else 1, []
    independent = isinstance(layout.domain, Interval | OneOf | Complex | Depends)
    for dim in layout.layout:
        count = len(case.sizes[dim.name])
        if independent or not dim.core:
            found += range(axis, axis + count)
        axis += count
    return tuple(found)


def _constant(rng, array: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """Constant along one of the axes, or along all of them."""
    axes = [a for a in axes if array.shape[a] > 1]
    if axes and rng.integers(3):
        axes = [axes[rng.integers(len(axes))]]
    for axis in axes:
        array = np.repeat(np.take(array, [0], axis), array.shape[axis], axis)
    return array


def layout_recipes(contract: Contract, reduction: str, question: str):
    """Recipes of a few dimensions, ordinary numbers."""
    return recipes(contract, reduction, sizes(contract, question), REGIMES)


@check(
    "layout",
    recipes_for=layout_recipes,
    alter=put_constant,
    arrange=arrangement,
    questions=questions,
    budgets=LIGHT,
    sample=1,
)
def compare_in_layout(row, case) -> None:
    """Value and gradients; the oracle knows no layout."""
    judge_values(row, case)
    if case.contract.has_gradient:
        compare_gradients(row, case)
