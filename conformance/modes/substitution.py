"""How does a subject's call come to be a function of what its module holds: weights, buffers, parameters?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import torch

from conformance.construction import call_like_torch


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


def call_with(session, tensors: Mapping[str, torch.Tensor]) -> Callable:
    """``f(inputs)``: the subject's call on a module that holds other tensors, by argument, than the session's does.

    Its parameters are handed over; what its constructor is given makes a new one.
    """
    held = {path: tensors[k] for k, path in session.case.contract.parameters_of_module.items() if k in tensors}
    given = {k: t for k, t in tensors.items() if k not in session.case.contract.parameters_of_module}
    module = session.build(given) if given else session.module
    module = Handed(module, held) if held else module
    call = session.subject.call or call_like_torch
    return lambda inputs: call(session.case, module, inputs)
