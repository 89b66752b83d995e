"""Script mode: the module through torch.jit.script, its third run, which is the first that torch has optimised."""

from __future__ import annotations

import re
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
        for _ in range(1 if seen else RUNS):
            result = told(lambda: call(session.case, module, inputs))
        seen.append(True)
        return result

    return run


def told(run):
    """``run()``; what the interpreter raises has its cause in the last line, and says only that in front."""
    try:
        return run()
    except RuntimeError as error:
        lines = str(error).strip().splitlines()
        if "TorchScript interpreter" in lines[0]:
            raise type(error)(lines[-1].removeprefix("RuntimeError: ")) from error
        raise


def scripted(module):
    """The module as TorchScript.  Raises NotScripted."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return torch.jit.script(module)
    except Exception as error:
        said = re.sub(r" at:? 0x[0-9a-f]+|\.___torch_mangle_\d+", "", str(error).strip())  # of this process alone
        raise NotScripted(f"{type(error).__name__}: {said}") from error
