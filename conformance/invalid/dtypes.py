"""Which dtypes an array must not have next to the others of a call."""

from __future__ import annotations

from functools import singledispatch

import numpy as np

from conformance.case import Case
from conformance.invalid.invalid import Invalid, Make, with_array
from reference.domains import (
    Complex,
    Depends,
    Domain,
    Index,
    Interval,
    Labels,
    LabelSet,
    Length,
    LogProbabilities,
    OneOf,
    Probabilities,
)

#: In an array of real numbers, and in one of positions: other dtypes.
NUMBERS = {
    "integers": np.int64,
    "booleans": bool,
    "complex-numbers": np.complex64,
    "half-precision": np.float16,
}
POSITIONS = {"floats": float, "booleans": bool, "32-bit-integers": np.int32}
#: Those that hold the same numbers.
SAME_NUMBERS = ("integers", "booleans", "half-precision")
SAME_POSITIONS = ("32-bit-integers",)


@singledispatch
def of_dtype(domain: Domain, name: str) -> list[Invalid]:
    """Dtypes that arrays of a domain do not have.  Registered for every domain of arrays."""
    raise TypeError(f"no invalid dtypes for {domain}")


@of_dtype.register
def _(domain: Complex, name) -> list[Invalid]:
    return []


@of_dtype.register(Interval)
@of_dtype.register(Depends)
@of_dtype.register(OneOf)
@of_dtype.register(LogProbabilities)
@of_dtype.register(Probabilities)
def _(domain, name) -> list[Invalid]:
    what = "probabilities" if isinstance(domain, Probabilities) else name
    mark = f"{name}-probabilities" if isinstance(domain, Probabilities) else name
    return [
        Invalid(f"{mark}-as-{d}", f"{_said(d)} as {what}", in_dtype(name, dtype), generous=d in SAME_NUMBERS)
        for d, dtype in NUMBERS.items()
    ]


@of_dtype.register(Index)
@of_dtype.register(LabelSet)
@of_dtype.register(Labels)
@of_dtype.register(Length)
def _(domain, name) -> list[Invalid]:
    return [
        Invalid(f"{name}-as-{d}", f"{_said(d)} as {name}", in_dtype(name, dtype), generous=d in SAME_POSITIONS)
        for d, dtype in POSITIONS.items()
    ]


def _said(dtype: str) -> str:
    return {"half-precision": "half precision alone"}.get(dtype, dtype.replace("-", " ").replace("32 bit", "32-bit"))


def in_dtype(name: str, dtype) -> Make:
    """An argument in another dtype than its own; its numbers stay within those of float16."""

    def make(case: Case) -> list[Case]:
        array = case.arguments[name]
        if array is None or np.dtype(dtype).name == case.dtype:
            return []
        bounded = np.clip(array, -1e4, 1e4) if array.dtype == float else array
        return [with_array(case, name, bounded.astype(dtype))]

    return make
