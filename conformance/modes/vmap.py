"""vmap mode: all calls of a case at once by ``torch.func.vmap``, and their gradients by vmap of ``torch.func.vjp``.

Inside, a tensor has the shape that it has in one call.  The numbers are those of the calls one by one.  What torch
says that it cannot batch, for want of a rule or since numbers decide what is done, is a skip.
"""

import torch

from conformance.modes.mode import call_of, mode
from conformance.modes.substitution import call_with
from conformance.refusal import refusals


def lacks(error: BaseException) -> bool:
    """Whether torch says that it cannot batch, or transform, an operation."""
    text = str(error)
    hints = (
        "vmap:", "Batching rule not implemented", "must override the setup_context",
        "stack expects each tensor to be equal size",  # results of a call by call fallback whose shapes differ
    )  # fmt: skip
    return any(hint in text for hint in hints)


def batched(call):
    """``f(inputs)`` for one call, made as a batch of one."""

    def run(inputs):
        results = torch.func.vmap(call)({k: t.unsqueeze(0) for k, t in inputs.items()})
        if isinstance(results, torch.Tensor):
            return results.squeeze(0)
        return type(results)(*(part.squeeze(0) for part in results))

    return run


def values(session):
    """Every field of all calls at once."""
    call = call_of(session)
    with refusals(), torch.no_grad():
        found = torch.func.vmap(lambda inputs: session.fields(call(inputs)))(session.positional)
    return {name: session.array(part) for name, part in found.items()}


def gradients(session, names):
    """Those of all calls at once; what the constructor was given has one for each call too."""
    inputs = dict(session.positional)
    moving = {k: inputs.pop(k) for k in names if k in inputs}
    shared = session.leaves(tuple(k for k in names if k not in moving))

    def of_call(moving, inputs, upstream):
        def fields(leaves):
            run = call_with(session, {k: leaves[k] for k in shared})
            return session.fields(run({k: (inputs | leaves)[k] for k in session.positional}))

        found, pull = torch.func.vjp(fields, moving | {k: t.detach() for k, t in shared.items()})
        return pull({k: upstream[k].to(part.dtype) for k, part in found.items()})[0]

    upstream = {k: torch.as_tensor(a).to(session.device) for k, a in session.case.cotangents.items()}

    with refusals():
        found = torch.func.vmap(of_call)(moving, inputs, upstream)
    return {f"grad_{k}": session.stack(list(found[k])) for k in names}


@mode(
    "vmap",
    checks=("value", "gradient", "result_type", "special_values"),
    values=values,
    gradients=gradients,
    lacks=lacks,
)
def prepare(session):
    """The subject's call on a batch of one."""
    return batched(call_of(session))
