"""How sharp a bound is: in units of what the conditioning of the loss makes unavoidable."""

from __future__ import annotations

import numpy as np

from conformance.case import Case


def sharpness(case: Case) -> float | None:
    """The median, over rows, of the bound divided by the condition-number bound; None where neither says anything.

    The latter is ``u_storage |f| + u_working sum |x_i df/dx_i|``: what rounding the inputs once and the result
    once may cost (Higham, Accuracy and Stability, section 1.6).
    """
    value = next(iter(case.expected_values.values()))
    if case.reduction != "none" or len(case.expected_values) > 1:
        return None
    upstream = abs(next(iter(case.cotangents.values())).reshape(-1))
    moved = np.zeros(case.rows)
    for quantity, gradient in case.expected_gradients.items():
        name = quantity.removeprefix("grad_")
        if name in case.contract.positional:
            product = abs(case.in_rows(name, gradient.value) * case.in_rows(name))
            moved += product.sum(axis=tuple(range(1, product.ndim)))
    with np.errstate(all="ignore"):
        unavoidable = case.format.working.unit * moved / upstream
        unavoidable += case.format.unit * abs(value.value.reshape(-1))
        ratio = value.error.reshape(-1) / unavoidable
    known = ratio[np.isfinite(ratio) & (unavoidable > 0)]
    return float(np.median(known)) if known.size else None
