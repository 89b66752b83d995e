"""jvp mode: values are the primal results, and gradients the tangents, of ``torch.func.jvp``.

One direction for each element of each argument gives a column of the Jacobian; contracted with the upstream gradient
it is an element of the gradient.  So only cases of few elements are asked for gradients.  A derivative that is nought
where the gradient is not fails like any wrong number; that torch has no forward formula is a skip.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from conformance.modes.mode import call_of, mode
from conformance.modes.substitution import call_with
from conformance.refusal import refusals

#: The most directions that one case is asked about.
DIRECTIONS = 512


def lacks(error: BaseException) -> bool:
    """Whether torch says that something has no forward formula, or a subject cannot be transformed."""
    text = str(error)
    hints = ("forward AD", "must override the setup_context", "once_differentiable", "Batching rule not implemented")
    return any(hint in text for hint in hints)


def few(item, case):
    """The calls of a case that have few enough elements together; None where a single one has too many."""
    if item.check != "gradient":
        return case
    elements = sum(math.prod(case.arguments[k].shape[0 if case.is_shared(k) else 1 :]) for k in case.differentiable)
    calls = min(case.calls, DIRECTIONS // max(elements, 1))
    return case.select(np.arange(calls)) if calls else None


def primals(session, call: int, names) -> dict[str, torch.Tensor]:
    """The arguments that move in one call, by name."""
    inputs = session.inputs(call)
    shared = session.leaves(tuple(k for k in names if k not in inputs))
    return {k: (inputs | shared)[k].detach() for k in names}


def at_rest(tensors):
    """No direction at all."""
    return {k: torch.zeros(t.shape, dtype=t.dtype, device=t.device) for k, t in tensors.items()}


def pushed(session, call: int, moving, directions):
    """The fields of one call, and how they change along the directions."""
    inputs, shared = session.inputs(call), [k for k in moving if k not in session.positional]

    def fields(leaves):
        run = call_with(session, {k: leaves[k] for k in shared})
        return session.fields(run({k: (inputs | leaves)[k] for k in inputs}))

    with refusals():
        return torch.func.jvp(fields, (moving,), (directions,))


def values(session):
    """The primal results, while every differentiable argument moves."""
    found = []
    for call in range(session.case.calls):
        moving = primals(session, call, [k for k in session.case.differentiable if k in session.positional])
        found.append(pushed(session, call, moving, {k: torch.ones_like(t) for k, t in moving.items()})[0])
    return {k: np.stack([session.array(f[k]) for f in found]) for k in session.case.contract.fields}


def gradients(session, names):
    """Column by column."""
    calls = [gradients_of_call(session, call, names) for call in range(session.case.calls)]
    return {f"grad_{k}": session.stack([found[k] for found in calls]) for k in names}


def gradients_of_call(session, call: int, names) -> dict[str, torch.Tensor]:
    moving = primals(session, call, names)
    return {k: gradient(session, call, moving, k) for k in names}


def gradient(session, call: int, moving, name: str) -> torch.Tensor:
    """One gradient: an element for each direction, two where the numbers are complex."""
    tensor = moving[name]
    found = torch.zeros(tensor.shape, dtype=torch.complex128 if tensor.is_complex() else torch.float64)
    for unit in (1, 1j) if tensor.is_complex() else (1,):
        for place in range(tensor.numel()):
            directions = at_rest(moving)
            directions[name].view(-1)[place] = unit
            tangents = pushed(session, call, moving, directions)[1]
            found.view(-1)[place] += unit * contracted(session, call, tangents)
    return found


def contracted(session, call: int, tangents) -> float:
    """The inner product of the tangents with the upstream gradients."""
    upstream = session.case.cotangents
    return sum(float((session.array(t) * upstream[k][call]).sum()) for k, t in tangents.items())


@mode(
    "jvp",
    checks=("value", "gradient"),
    dtypes=("float32", "float64", "complex64", "complex128"),
    alter=few,
    values=values,
    gradients=gradients,
    lacks=lacks,
)
def prepare(session):
    """The subject's own call: derivatives are taken around it."""
    return call_of(session)
