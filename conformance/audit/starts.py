"""Which cases does a search begin with?  Those of recipes, drawn as all checks draw them, and those of the corpus."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import zip_longest

import numpy as np
from hypothesis import strategies as st

from conformance import streams
from conformance.audit.population import Population
from conformance.case import Case, loop_dimensions
from conformance.corpus import KNOWN
from conformance.row import Item
from conformance.sampling import fill
from conformance.strategies import (
    CORE_SIZES,
    ELEMENTS,
    MATRIX_SIZES,
    REDUCED_SIZES,
    Recipe,
    consistent,
    dimension_names,
    is_slow,
    recipes,
)
from reference import Contract

#: Rows of one call: many where each is a result; about, and not, a multiple of what vector registers hold.
LONG = (256, 129, 250, 65, 63)
#: Rows of one call where they are reduced to one result, or share one.
SHORT = tuple(n for n in REDUCED_SIZES if n)
#: Calls where they are the units, though nothing is reduced.
CALLS = 16
#: The checks whose corpus is asked first.
CHECKS = ("value", "gradient")
#: Calls that a case of the corpus is repeated for, each to be changed in another way.
COPIES = 32
#: Recipes that are drawn with one seed.
BLOCK = 6


@st.composite
def sizes(draw, contract: Contract, long: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """One dimension of rows, as long as one of ``long``, and no other; as many elements as other checks take."""
    menu = MATRIX_SIZES if is_slow(contract) else CORE_SIZES
    names = {n: d for n, d in dimension_names(contract).items() if n not in contract.sizes}
    first = loop_dimensions(contract)[0].name
    found = {n: (draw(st.sampled_from(menu)),) if d.core else () for n, d in names.items()}
    whole = consistent(contract, {**found, first: (1,)})
    width = max(int(np.prod([1, *(whole[n][0] for n in a.core)])) for a in contract.arguments.values())
    most = ELEMENTS // width // (1 if long is LONG else CALLS)
    found[first] = (min(draw(st.sampled_from(long)), max(1, most)),)
    return consistent(contract, found)


def drawn(contract: Contract, dtype: str, reduction: str, stream: tuple) -> Iterator[Population]:
    """Populations without end, a function of the stream: of many rows, or, where not every row is a unit, calls."""
    number = 0
    while True:
        seed = streams.seed_of("audit", contract.name, dtype, reduction, *stream, number)
        lengths = (LONG, SHORT) if reduction == "none" else (SHORT,)
        of_length = [recipes(contract, reduction, sizes(contract, long)) for long in lengths]
        for recipes_of in zip_longest(*(streams.draw(strategy, seed, BLOCK) for strategy in of_length)):
            made = (population(contract, recipe, dtype, reduction) for recipe in recipes_of if recipe is not None)
            chosen = next((p for p in made if p is not None and (p.by_row or p.template.calls > 1)), None)
            if chosen is not None:
                yield chosen
        number += 1


def population(contract: Contract, recipe: Recipe, dtype: str, reduction: str) -> Population | None:
    """The units of a recipe, no argument of which is repeated over rows: several calls where rows are no units."""
    full = replace(recipe, thin=frozenset())
    found = Population.of(fill(contract, full, dtype, reduction), full)
    if found is None or found.by_row or reduction != "none" or found.rows // found.units > max(SHORT):
        return found
    several = replace(full, calls=CALLS)
    return Population.of(fill(contract, several, dtype, reduction), several)


def remembered(item: Item) -> list[Case]:
    """The cases of the corpus for a contract, dtype and reduction, of numbers alone."""
    found = [case for check in CHECKS for case in KNOWN.cases(replace(item, check=check)) if type(case) is Case]
    return list({case.digest(): case for case in found}.values())


def repeated(case: Case) -> Population | None:
    """A remembered case as a population: the same calls over and over."""
    return Population.of(case.select(np.resize(np.arange(case.calls), max(case.calls, COPIES))))
