"""How sharp is the bound of a quantity?  In units of what rounding the inputs and the result once may cost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from conformance.audit.moves import real_of
from conformance.case import Case, gradients, values
from reference.domains import Probabilities

#: By how much of itself each number is moved, to see how the quantity moves.
STEP = 2.0**-24
#: Numbers of one row that are moved apart, at most: the bounds of longer rows are not looked at.
MOST = 48


def sharpness(case: Case, quantity: str) -> float | None:
    """The median, over elements, of the bound divided by ``u_storage |q| + u_working sum |x_i dq/dx_i|``, where the
    first, which is what storing the result costs, is half of the smallest number at least.

    The derivatives, by every number of every positional argument, are differences in float64 (Higham, Accuracy and
    Stability, section 1.6, for the condition number).  None where rows are not apart, or nothing is known.
    """
    name = quantity.removeprefix("grad_")
    numbers = _numbers(case)
    if case.reduction != "none" or len(numbers) > MOST or (quantity.startswith("grad_") and case.is_shared(name)):
        return None
    expected, moved = case.expected(quantity), 0.0
    with np.errstate(all="ignore"):
        plain = _evaluated(case, quantity)
        for argument, at in numbers:
            moved = moved + abs(_evaluated(_moved(case, argument, at), quantity) - plain) / STEP
        moved = moved + (abs(plain) if quantity.startswith("grad_") else 0.0)  # by the upstream gradient
        stored = np.maximum(case.format.unit * abs(plain), case.format.tiny / 2)
        ratio = expected.error / (stored + case.format.working.unit * moved)
    known = ratio[np.isfinite(ratio) & (ratio > 0)]
    return float(np.median(known)) if known.size else None


def _numbers(case: Case) -> list[tuple[str, int]]:
    """Every real number of a row: its argument, and its place among the core dimensions."""
    found = []
    for name in case.contract.positional:
        array, layout = case.arguments[name], case.layout(name)
        if array is not None and array.dtype == float and _is_real(case, layout):
            found += [(name, at) for at in range(int(np.prod(case.in_rows(name).shape[1:])))]
    return found


def _is_real(case: Case, layout) -> bool:
    return real_of(case, layout) is not None or isinstance(layout.domain, Probabilities)


def _moved(case: Case, name: str, at: int) -> Case:
    rows = case.in_rows(name).reshape(case.rows, -1).copy()
    rows[:, at] *= 1.0 + STEP
    array = case.from_rows(name, rows.reshape(case.in_rows(name).shape))
    return replace(case, arguments={**case.arguments, name: array})


def _evaluated(case: Case, quantity: str) -> np.ndarray:
    evaluate = gradients if quantity.startswith("grad_") else values
    return np.asarray(evaluate(case, lambda x: x)[quantity])
