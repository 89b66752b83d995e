"""Contract in, recipes out: Hypothesis draws the structure of a case, its options and regimes, and a seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import singledispatch

import numpy as np
from hypothesis import strategies as st

from conformance.case import loop_dimensions
from reference import Contract
from reference.domains import Array, Dim, Domain, Index, Interval, OneOf

#: Sizes of core dimensions (classes, features): around one, and around the widths of vector registers.
CORE_SIZES = (2, 3, 4, 5, 8, 1, 7, 9, 10, 15, 16, 17, 31, 33, 64)
#: The same where an argument has two core dimensions.
MATRIX_SIZES = (3, 2, 1, 4, 5, 7, 8, 9)
#: Sizes of the batch: many rows where each is a result, few where they are reduced to one.
LOOP_SIZES = (64, 1, 2, 129, 7, 33, 8, 100, 3, 17, 65, 256, 32, 0)
REDUCED_SIZES = (4, 1, 2, 3, 5, 7, 8, 9, 16, 17, 32, 33, 65, 0)
#: Rows that a recipe expands to, and elements that it may have.
ROWS, ELEMENTS = 256, 4096

#: How the elements of an array are spread, by weight; the last two overflow easily where they are multiplied.
REGIMES = (
    ("ordinary",) * 7 + ("mixed",) * 8 + ("grid",) * 7 + ("wide",) * 3 + ("logits",) * 4 + ("tiny",) * 2
    + ("huge", "edges")
)  # fmt: skip
RELATIONS = ("free", "near", "tied")


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a case; the elements are filled in by NumPy from ``seed``.

    ``kinds``: which kind of array each argument is, None for one that is left out.  ``thin``: the arguments
    whose broadcastable dimensions have size one.  ``relation``: how later arguments follow the first.
    """

    calls: int
    sizes: Mapping[str, tuple[int, ...]]
    kinds: Mapping[str, int | None]
    parameters: Mapping[str, object]
    regimes: Mapping[str, str]
    relation: str
    seed: int
    thin: frozenset[str] = field(default_factory=frozenset)


@st.composite
def recipes(draw, contract: Contract, reduction: str, sizes=None, regimes_of: tuple[str, ...] = ()) -> Recipe:
    """Recipes for one contract: many independent rows each; reduced ones in many small calls.

    ``sizes``, a strategy for those of its dimensions, and ``regimes_of``, the regimes to draw from, stand in
    for the usual ones.
    """
    sizes = draw(dimensions(contract, reduction) if sizes is None else sizes)
    kinds = {k: draw(kind(a)) for k, a in contract.arguments.items()}
    parameters = {k: draw(parameter(d, contract.defaults.get(k), sizes)) for k, d in contract.parameters.items()}
    for name, array in contract.arguments.items():
        if isinstance(array.domain, Index) and array.domain.ignore and kinds[name]:
            parameters[array.domain.ignore] = contract.defaults[array.domain.ignore]
    floating = [k for k, a in contract.arguments.items() if any(x.floating for x in a.kinds)]
    regimes_of = regimes_of or usual_regimes(contract, reduction)
    regimes = {k: draw(st.sampled_from(regimes_of)) for k in floating}
    thin = {k for k, a in contract.arguments.items() if a.broadcasts and draw(st.booleans())}
    return Recipe(
        calls=calls(contract, sizes, reduction),
        sizes=sizes,
        kinds=kinds,
        parameters=parameters,
        regimes=regimes,
        relation=draw(st.sampled_from(RELATIONS)),
        seed=draw(st.integers(0, 2**32 - 1)),
        thin=frozenset(thin),
    )


def has_products(contract: Contract) -> bool:
    """Whether matrices take part, whose products leave the format long before the result does."""
    return any(len(kind.core) > 1 and kind.floating for a in contract.arguments.values() for kind in a.kinds)


def is_slow(contract: Contract) -> bool:
    """Whether what is expected costs more than its formula for each number: matrices, or vectors without pullback."""
    vectors = any(a.core for a in contract.arguments.values())
    return has_products(contract) or (vectors and contract.pullback is None)


def usual_regimes(contract: Contract, reduction: str) -> tuple[str, ...]:
    """The regimes to draw from: numbers at the edge of overflow where their sums and products stay in the format."""
    if has_products(contract):
        return REGIMES[:-2]
    if any(a.core for a in contract.arguments.values()):  # sums over classes or features
        return REGIMES[:-2] * 2 + ("huge",)
    return REGIMES if reduction == "none" else REGIMES[:-2] * 3 + REGIMES


def calls(contract: Contract, sizes: Mapping[str, tuple[int, ...]], reduction: str) -> int:
    """How many calls make up a case of about ROWS rows: more, smaller ones where the result is reduced."""
    rows = int(np.prod([1, *(n for d in loop_dimensions(contract) for n in sizes[d.name])]))
    width = max(
        int(np.prod([1, *(n for name in kind.core for n in sizes[name])]))
        for argument in contract.arguments.values()
        for kind in argument.kinds
    )
    most = 32 if reduction != "none" else 16
    return max(1, min(most, ROWS // max(rows, 1), ELEMENTS // max(rows * width, 1)))


@st.composite
def dimensions(draw, contract: Contract, reduction: str) -> dict[str, tuple[int, ...]]:
    """Sizes for every dimension name: 0-d, unbatched, empty and many-dimensional calls included."""
    names = dimension_names(contract)
    menu = MATRIX_SIZES if is_slow(contract) else CORE_SIZES
    sizes: dict[str, tuple[int, ...]] = {}
    for name, dim in names.items():
        if name not in contract.sizes:
            sizes[name] = draw(size(dim, menu, single=len(names) == 1, reduced=reduction != "none"))
    return consistent(contract, sizes)


def dimension_names(contract: Contract) -> dict[str, Dim]:
    """The dimensions of all arguments by name; one that is core in some argument only is not."""
    names: dict[str, Dim] = {}
    for argument in contract.arguments.values():
        for each in argument.kinds:
            names |= {d.name: d for d in each.layout if d.name not in names or names[d.name].core}
    return names


def consistent(contract: Contract, sizes: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """Sizes as the contract wants them: not below its least, with those that follow from others.

    A call without a batch has no further dimensions.
    """
    names = dimension_names(contract)
    sizes = {n: tuple(max(k, contract.least.get(n, 0)) for k in s) for n, s in sizes.items()}
    plain = {n: s[0] for n, s in sizes.items() if s}
    for name, function in contract.sizes.items():
        sizes[name] = (function(plain),)
    if any(sizes[n] == () for n, d in names.items() if d.optional):
        sizes |= {n: () for n, d in names.items() if d.starred and not d.core and len(names) > 2}
    return sizes


@st.composite
def size(draw, dim: Dim, menu: tuple[int, ...], single: bool, reduced: bool) -> tuple[int, ...]:
    if dim.core:
        return (draw(st.sampled_from(menu)),)
    if dim.starred:
        if single and draw(st.integers(0, 3)) > 0:
            return (draw(st.sampled_from((256, 7, 64, 33, 130, 500, 1, 17) if not reduced else (8, 5, 17, 2, 65))),)
        return tuple(draw(st.lists(st.sampled_from((2, 3, 1, 5)), max_size=3)))
    if dim.optional and draw(st.integers(0, 5)) == 5:
        return ()
    return (draw(st.sampled_from(REDUCED_SIZES if reduced else LOOP_SIZES)),)


def kind(array: Array):
    """Which kind of array an argument is; None where it is left out."""
    chosen = st.sampled_from(range(len(array.kinds))) if array.otherwise else st.just(0)
    return st.one_of(st.none(), chosen) if array.optional else chosen


@singledispatch
def parameter(domain: Domain, default, sizes):
    """Values for a parameter; the default often."""
    raise TypeError(f"no strategy for a parameter in {domain}")


@parameter.register
def _(domain: OneOf, default, sizes):
    return st.sampled_from(domain.values)


@parameter.register
def _(domain: Index, default, sizes):
    return st.sampled_from(range(sizes[domain.of][0]))


@parameter.register
def _(domain: Interval, default, sizes):
    landmarks = (1.0, 0.5, 2.0, 0.25, 0.1, 0.3, 0.0, 1e-3, 8.0, 100.0, -0.5, -1.0)
    inside = [v for v in landmarks if domain.low <= v <= domain.high and not (domain.open and v == domain.low)]
    drawn = st.sampled_from(inside)
    return drawn if default is None else st.one_of(st.just(float(default)), drawn)
