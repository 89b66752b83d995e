"""functional_call mode: the module is made with other numbers, and the true ones are handed over with every call.

``torch.func.functional_call`` puts tensors in the place of a module's parameters and buffers for one call.  The module
is made of NaN, so that whatever a subject keeps of what its constructor was given, instead of reading its buffer,
shows.  Gradients are those of the tensors that are handed over.  What a subject keeps under no name of its own, as a
plain attribute, cannot be handed over and has its true numbers.
"""

import torch

from conformance.modes.mode import call_of, mode
from conformance.modes.substitution import Handed, places


@mode(
    "functional_call",
    checks=("value", "gradient", "reduction", "result_type", "special_values", "shape"),
    strict=True,
)
def prepare(session):
    """The call of a module made of NaN, with the true tensors handed over."""
    kept = places(session)
    hollow = session.build({k: torch.full_like(session.shared[k], torch.nan) for k in kept})
    if kept:
        session.module = Handed(hollow, {path: session.shared[k] for k, path in kept.items()})
    return call_of(session)
