"""How a subject is differentiated beyond the first gradient: twice backward, and forward, by torch's autograd."""

from __future__ import annotations

import numpy as np
import torch
from torch.autograd import forward_ad

from conformance.derivatives import Forward, Second
from conformance.session import Gradient, Refused, Session, refusals


def second_derivatives(session: Session) -> dict[str, Gradient]:
    """The gradient of <gradients, directions> by every argument that moves, and by the cotangent of every field.

    The session's case is a Second.  A gradient that does not depend on anything adds nothing.
    """
    case = session.case
    shared = {k: t.requires_grad_() for k, t in session.leaves(case.along).items()}
    found = [_second_of_call(session, i, shared) for i in range(case.calls)]
    quantities = (*(f"grad_{n}" for n in case.along), *case.contract.fields)
    return {q: session.stack([f.get(q) for f in found]) for q in quantities}


def _second_of_call(session: Session, call: int, shared) -> dict[str, torch.Tensor | None]:
    inputs = session.inputs(call, session.case.along)
    fields = {n: f for n, f in session.evaluate(inputs).items() if f.requires_grad}
    leaves = {n: inputs[n] if n in inputs else shared[n] for n in session.case.along}
    upstream = {n: session.upstream(n, call, f).requires_grad_() for n, f in fields.items()}
    if not fields:
        return {}
    with refusals():
        options = {"create_graph": True, "allow_unused": True}
        first = torch.autograd.grad(list(fields.values()), list(leaves.values()), list(upstream.values()), **options)
        live = {n: g for n, g in zip(leaves, first, strict=True) if g is not None and g.requires_grad}
        if not live:
            return {}
        moves = [direction(session, n, call) for n in live]
        asked = {f"grad_{n}": t for n, t in leaves.items()} | upstream
        found = torch.autograd.grad(
            list(live.values()), list(asked.values()), moves, allow_unused=True, retain_graph=True
        )
        if all(f is None for f in found):  # a function that can be differentiated once only is passed over in silence
            torch.autograd.backward(list(live.values()), moves)
    return dict(zip(asked, map(_arrived, found), strict=True))


def _arrived(derivative: torch.Tensor | None) -> torch.Tensor | None:
    """A derivative; torch's mark for one that is zero everywhere is none."""
    return None if derivative is None or derivative._is_zerotensor() else derivative


def direction(session: Session, name: str, call: int) -> torch.Tensor:
    """Which way an argument moves in one call."""
    moves = session.case.directions[name]
    return session.tensor(moves if session.case.is_shared(name) else moves[call], name)


def tangents(session: Session) -> dict[str, Gradient]:
    """How every field changes along the directions, by forward-mode differentiation; the case is a Forward."""
    case = session.case
    if session.mode.tangents is not None:
        return session.mode.tangents(session, lambda name, call: direction(session, name, call))
    with forward_ad.dual_level(), torch.no_grad():
        with refusals():
            move_module(session)
        found = [_tangent_of_call(session, i) for i in range(case.calls)]
        return {n: session.stack([f[n] for f in found]) for n in case.contract.fields}


def _tangent_of_call(session: Session, call: int) -> dict[str, torch.Tensor | None]:
    inputs = session.inputs(call)
    for name in session.case.along:
        if name in inputs:
            inputs[name] = forward_ad.make_dual(inputs[name].clone(), direction(session, name, call))
    found = {n: forward_ad.unpack_dual(f).tangent for n, f in session.evaluate(inputs).items()}
    return {n: _arrived(t) for n, t in found.items()}


def move_module(session: Session) -> None:
    """Give what the module holds, tensors of the constructor and parameters, their directions."""
    case: Forward = session.case
    leaves = session.leaves(case.along)
    moved = {n: forward_ad.make_dual(t.detach().clone(), direction(session, n, 0)) for n, t in leaves.items()}
    held = case.contract.parameters_of_module
    session.shared |= {n: t for n, t in moved.items() if n not in held}
    if any(n not in held for n in moved):
        session.module = session.build()
    for name in moved.keys() & held.keys():
        path, _, own = held[name].rpartition(".")
        module = session.module.get_submodule(path)
        delattr(module, own)
        setattr(module, own, moved[name])


def is_missing(refused: Refused) -> bool:
    """Whether a subject says that it cannot be differentiated so, which none has to."""
    text = str(refused.error)
    return refused.unsupported or isinstance(refused.error, NotImplementedError) or "once_differentiable" in text


def derivative(session: Session, quantity: str) -> np.ndarray | None:
    """One quantity of what the session's case asks."""
    return (second_derivatives if isinstance(session.case, Second) else tangents)(session)[quantity].array
