"""Script mode: the module through torch.jit.script, its third run, which is the first that torch has optimised."""

from __future__ import annotations

import warnings

import torch

from conformance.construction import call_like_torch
from conformance.modes.kinds import of_few_kinds
from conformance.modes.mode import mode

#: Kinds of case per row, by budget.
KINDS = {"smoke": 3, "gate": 12, "nightly": 48}
#: Runs of the first call: two in which torch observes what it is given, and one of what it makes of that.
RUNS = 3


class NotScripted(Exception):
    """torch.jit.script takes no such module; the message is torch's."""


@mode(
    "script",
    checks=("value", "gradient", "result_type"),
    sample=6,
    choose=of_few_kinds(KINDS),
    tries=100,
    lacks=lambda error: isinstance(error, NotScripted),
)
def prepare(session):
    """The call of the scripted module; an adapter's own call remains Python."""
    module, call = scripted(session.module), session.subject.call or call_like_torch
    seen = []

    def run(inputs):
        for _ in range(0 if seen else RUNS - 1):
            call(session.case, module, inputs)
        seen.append(True)
        return call(session.case, module, inputs)

    return run


def scripted(module):
    """The module as TorchScript.  Raises NotScripted."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return torch.jit.script(module)
    except Exception as error:
        raise NotScripted(f"{type(error).__name__}: {str(error).strip()}") from error
