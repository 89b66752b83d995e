"""How does a subject's call come to be a function of what its module holds: weights, buffers, parameters?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import torch

from conformance.construction import call_like_torch
from conformance.modes.mode import call_of


class Handed:
    """A module as a function of some of its parameters and buffers, by ``torch.func.functional_call``.

    In all else it is the module: an adapter may look at its attributes.  ``tensors``: what is handed over, by path.
    """

    def __init__(self, module: torch.nn.Module, tensors: Mapping[str, torch.Tensor]):
        self._module, self._tensors = module, dict(tensors)

    def __call__(self, *args, **kwargs):
        return torch.func.functional_call(self._module, self._tensors, args, kwargs)

    def named_parameters(self) -> Iterator[tuple[str, torch.Tensor]]:
        """What stands for the module's parameters, by path."""
        yield from (dict(self._module.named_parameters()) | self._tensors).items()

    def __getattr__(self, name: str):
        return getattr(self._module, name)


def places(session) -> dict[str, str]:
    """Where the module keeps the tensors of the constructor: paths by argument, of parameters and buffers."""
    module = session.module
    if not isinstance(module, torch.nn.Module):
        return {}
    paths = dict.fromkeys([n for n, _ in module.named_parameters()] + [n for n, _ in module.named_buffers()])
    own = {k: session.case.contract.parameters_of_module.get(k, k) for k, t in session.shared.items() if t is not None}
    return {k: path for k, path in own.items() if path in paths}


def call_with(session, tensors: Mapping[str, torch.Tensor]) -> Callable:
    """``f(inputs)``: the subject's call on a module that holds other tensors, by argument, than the session's does.

    Its parameters and buffers are handed over; what it keeps otherwise makes a new module.
    """
    if not tensors:
        return call_of(session)
    kept = places(session)
    given = {k: t for k, t in tensors.items() if k not in kept}
    module = session.build(given) if given else session.module
    if len(given) < len(tensors):
        module = Handed(module, {kept[k]: t for k, t in tensors.items() if k in kept})
    call = session.subject.call or call_like_torch
    return lambda inputs: call(session.case, module, inputs)
