"""A subject's own module on its tensors: eager, or compiled by torch."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from conformance.session import Session
from conformance.subject import Subject
from perf.call import Call
from perf.cell import Workload
from perf.facts import none_told, of_compiled, of_eager


def torch_call(
    subject: Subject, work: Workload, wanted: tuple[str, ...], device: str, mode: str = "eager",
    inputs: dict[str, torch.Tensor] | None = None,
) -> Call:  # fmt: skip
    """One call of the module, and its gradients of the arguments in ``wanted``, without accumulating them.

    ``inputs``: the tensors of another subject's call, to be shared with it; an empty one is filled, for the next.
    Raises Refused where the subject does; the first run shows whether it answers at all.
    """
    session = Session(subject, work.case, device, mode=mode)
    inputs = {} if inputs is None else inputs
    inputs.update(inputs or session.inputs(0, wanted))
    shared = {k: t.requires_grad_() for k, t in session.leaves(wanted).items()}
    live = [inputs[k] if k in inputs else shared[k] for k in wanted]
    fields = tuple(work.case.contract.fields)
    upstream = [session.upstream(f, 0, torch.empty((), dtype=session.dtype)) for f in fields]
    run, several = session.run, len(fields) > 1

    def forward():
        result = run(inputs)
        return [getattr(result, f) for f in fields] if several else [result]

    def forward_and_backward():
        found = forward()
        return found, torch.autograd.grad(found, live, upstream)

    def numbers(result) -> Mapping[str, np.ndarray]:
        found, gradients = result if wanted else (result, ())
        session.fields(found[0] if not several else result_like(fields, found))
        named = dict(zip(fields, found, strict=True)) | {f"grad_{k}": g for k, g in zip(wanted, gradients, strict=True)}
        return {k: session.array(t)[None] for k, t in named.items()}

    facts = none_told if device != "cpu" else of_compiled if mode == "compile" else of_eager
    return Call(forward_and_backward if wanted else forward, numbers, facts)


def result_like(fields: tuple[str, ...], parts: list[torch.Tensor]):
    """A result of several fields."""
    from types import SimpleNamespace

    return SimpleNamespace(**dict(zip(fields, parts, strict=True)))
