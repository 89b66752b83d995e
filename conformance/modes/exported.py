"""Export mode: the call as a program that torch.export has made of the module, for half of the cases of dynamic sizes.

Where sizes are dynamic, the program is made of a call with one dimension twice as long, and runs on the case's own.
"""

from __future__ import annotations

import torch

from conformance.modes.kinds import doubled, is_dynamic, of_few_kinds
from conformance.modes.mode import call_of, mode

#: Kinds of case per row, by budget.
KINDS = {"smoke": 2, "gate": 6, "nightly": 24}


class NotExported(Exception):
    """torch.export makes no program of the module; the message is torch's."""


class Called(torch.nn.Module):
    """The subject's call as a module of the tensors by position, which torch.export asks for."""

    def __init__(self, session):
        super().__init__()
        self.module, self.names, self.run = session.module, tuple(session.positional), call_of(session)

    def forward(self, *tensors):
        return self.run(dict(zip(self.names, tensors, strict=True)))


@mode(
    "export",
    checks=("value", "gradient", "result_type"),
    sample=4,
    choose=of_few_kinds(KINDS),
    tries=40,
    lacks=lambda error: isinstance(error, NotExported),
)
def prepare(session):
    """The program, made at the first call, when it is known which tensors require a gradient."""
    made = []

    def call(inputs):
        if not made:
            made.append(program(session, inputs))
        return made[0](*inputs.values())

    return call


def program(session, inputs) -> torch.nn.Module:
    """The exported program as a module.  Raises NotExported."""
    example, shapes = inputs, None
    if is_dynamic(session.case):
        example = longer(session, inputs)
        shapes = [dict.fromkeys(range(t.ndim), torch.export.Dim.AUTO) for t in example.values()]
    try:
        made = torch.export.export(Called(session), tuple(example.values()), dynamic_shapes=shapes and (tuple(shapes),))
    except Exception as error:
        raise NotExported(f"{type(error).__name__}: {str(error).strip()}") from error
    return made.module()


def longer(session, inputs):
    """Tensors like the inputs, one dimension twice as long; the inputs, where arguments of the module have it too."""
    case = doubled(session.case)
    if case is None or any(_shape(case, k) != _shape(session.case, k) for k in session.shared):
        return inputs
    tensors = {k: session.tensor(case.arguments[k], k)[0] for k in inputs}
    return {k: t.requires_grad_(inputs[k].requires_grad) for k, t in tensors.items()}


def _shape(case, name: str):
    array = case.arguments[name]
    return None if array is None else array.shape
