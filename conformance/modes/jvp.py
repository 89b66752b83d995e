"""jvp mode: values and directional derivatives are the primal results and the tangents of ``torch.func.jvp``.

Every case asks how the result changes while all differentiable arguments move along random directions at once, what
the constructor was given and the module's parameters included.  That is the gradient contracted with the directions:
a derivative that is nought, or lacks the part of one argument, is a wrong number like any other.  Of numbers it is
promised what :mod:`conformance.derivatives` says of forward mode.  That torch has no forward formula is a skip.
"""

from __future__ import annotations

import numpy as np
import torch

from conformance.modes.mode import call_of, mode
from conformance.modes.substitution import call_with
from conformance.refusal import refusals


def lacks(error: BaseException) -> bool:
    """Whether torch says that something has no forward formula, or a subject cannot be transformed."""
    text = str(error)
    hints = ("forward AD", "must override the setup_context", "once_differentiable", "Batching rule not implemented")
    return any(hint in text for hint in hints)


def pushed(session, call: int, directions) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """The fields of one call, and how they change along the directions, by argument."""
    inputs = session.inputs(call)
    primals = inputs | session.leaves(tuple(k for k in directions if k not in inputs))
    shared = [k for k in directions if k not in inputs]

    def fields(moving):
        run = call_with(session, {k: moving[k] for k in shared})
        return session.fields(run({k: (inputs | moving)[k] for k in inputs}))

    with refusals():
        return torch.func.jvp(fields, ({k: primals[k].detach() for k in directions},), (directions,))


def values(session) -> dict[str, np.ndarray]:
    """The primal results, while every call's own arguments move."""
    found = []
    for call in range(session.case.calls):
        inputs = session.inputs(call)
        moving = {k: torch.ones_like(inputs[k]) for k in session.case.differentiable if k in inputs}
        found.append(pushed(session, call, moving)[0])
    return {k: np.stack([session.array(f[k]) for f in found]) for k in session.case.contract.fields}


def tangents(session, direction):
    """How every field of every call changes along ``direction(name, call)``."""
    found = []
    for call in range(session.case.calls):
        moving = {k: direction(k, call) for k in session.case.along}
        found.append(pushed(session, call, moving)[1])
    return {k: session.stack([f[k] for f in found]) for k in session.case.contract.fields}


@mode("jvp", checks=("value", "forward_mode"), values=values, tangents=tangents, lacks=lacks)
def prepare(session):
    """The subject's own call: derivatives are taken around it."""
    return call_of(session)
