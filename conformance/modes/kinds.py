"""Which cases can share what was compiled, and which of a row's cases are taken where compiling takes seconds?"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np

from conformance.case import Case, loop_dimensions
from conformance.smaller import take

#: The checks whose cases may be asked in another size as well.
RESIZED = ("value", "gradient")


def structure(case: Case) -> tuple:
    """Its parameters, which arguments there are, of which kind, and for each dimension whether it is 0, 1 or more."""
    given = {k: a if a is None or case.is_shared(k) else a[0] for k, a in case.arguments.items()}
    shapes = {k: None if a is None else tuple(min(n, 2) for n in a.shape) for k, a in given.items()}
    return case.contract_name, repr(case.parameters), repr(case.kinds), repr(shapes)


def is_dynamic(case: Case) -> bool:
    """Whether a case is for dynamic shapes: half of all structures are."""
    return zlib.crc32(repr(structure(case)).encode()) % 2 == 0


def kind(case: Case) -> tuple:
    """What asks for a compilation of its own: a structure, with its exact sizes where shapes are static."""
    return (*structure(case), None if is_dynamic(case) else repr(case.sizes))


def of_few_kinds(most: Mapping[str, int]) -> Callable:
    """``choose(item, cases)``: those of the first kinds, so many by budget; those of dynamic shapes in two sizes."""

    def choose(item, cases: Iterable[Case]) -> Iterator[Case]:
        kinds: set[tuple] = set()
        for case in cases:
            if kind(case) in kinds or len(kinds) < most[item.budget]:
                kinds.add(kind(case))
                yield case
                other = halved(case) if item.check in RESIZED and is_dynamic(case) else None
                if other is not None and kind(other) == kind(case):
                    yield other

    return choose


def halved(case: Case) -> Case | None:
    """The case with about half of the first long dimension of its terms; None where there is no such."""
    return _resized(case, lambda size: np.arange(size // 2 + 1), least=4)


def doubled(case: Case) -> Case | None:
    """The case with all positions of a dimension of its terms twice; None where there is no such."""
    return _resized(case, lambda size: np.tile(np.arange(size), 2), least=2)


def _resized(case: Case, keep: Callable[[int], np.ndarray], least: int) -> Case | None:
    for dim in loop_dimensions(case.contract):
        for axis, size in enumerate(case.sizes[dim.name]):
            if size >= least:
                return take(case, dim.name, axis, keep(size))
    return None
