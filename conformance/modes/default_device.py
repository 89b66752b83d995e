"""default_device mode: another device is the default around the call.

The default is ``meta``, whose tensors have no numbers, on every machine the device that forgives least: what a loss
creates without saying where lands there, and what is computed with it has no numbers either.  Inputs say where they
are, and so the result must be there too.  In backward passes torch itself goes by no default device.
"""

import torch

from conformance.modes.mode import call_of, mode


@mode(
    "default_device",
    checks=("value", "gradient", "reduction", "result_type", "special_values", "shape"),
    strict=True,
)
def prepare(session):
    """The subject's own call while the default device is another one."""
    call = call_of(session)

    def run(inputs):
        with torch.device("meta"):
            return call(inputs)

    return run
