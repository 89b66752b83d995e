"""A subject on one case: its module, its tensors, its calls, and its answers brought back to NumPy."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch

from conformance.case import Case
from conformance.construction import make_like_torch
from conformance.modes import MODES
from conformance.refusal import Malformed, Unsupported, refusals
from conformance.refusal import Refused as Refused  # for those who ask sessions
from conformance.subject import Subject


@dataclass(frozen=True)
class Gradient:
    """A gradient, shape (calls, ...), zero in the calls in which none arrived; None where none ever did."""

    array: np.ndarray | None
    missing: list[int]


@dataclass(frozen=True)
class Tape:
    """One call that was recorded: its leaves, the fields that depend on them, and their upstream gradients.

    ``within()``: the settings in force during its backward passes.
    """

    leaves: dict[str, torch.Tensor]
    fields: dict[str, torch.Tensor]
    upstream: dict[str, torch.Tensor]
    within: Callable[[], AbstractContextManager] = nullcontext

    def gradients(self, retain: bool = False) -> dict[str, torch.Tensor | None]:
        """The gradient of every leaf; None where none arrives.  Raises Refused.  ``retain``: for another time."""
        if not self.fields:
            return dict.fromkeys(self.leaves)
        leaves, fields = list(self.leaves.values()), list(self.fields.values())
        with refusals(), self.within():
            found = torch.autograd.grad(
                fields, leaves, list(self.upstream.values()), allow_unused=True, retain_graph=retain
            )
        return dict(zip(self.leaves, found, strict=True))

    def backward(self) -> None:
        """Add the gradient of every leaf to its ``.grad``.  Raises Refused."""
        with refusals(), self.within():
            if self.fields:
                torch.autograd.backward(list(self.fields.values()), list(self.upstream.values()))


class Session:
    """One subject on one case: its module, its tensors, its calls.  Raises Refused when it raises.

    ``arrange(name, tensor)`` returns a tensor of the same numbers in another memory layout: for every tensor
    that the subject is given, by argument, and for the upstream gradients, by field.  ``mode``: how it is executed.
    """

    def __init__(self, subject: Subject, case: Case, device: str, arrange: Callable | None = None, mode: str = "eager"):
        self.subject, self.case, self.device = subject, case, device
        self.supported(subject.supports and subject.supports.outside(case))
        self.arrange = arrange or (lambda name, tensor: tensor)
        self.is_arranged, self.mode = arrange is not None, MODES[mode]
        self.dtype = getattr(torch, case.dtype)
        contract = case.contract
        self.positional = {k: self.tensor(case.arguments[k], k) for k in contract.positional}
        shared = {k: self.tensor(a, k) for k, a in case.arguments.items() if k not in contract.positional}
        self.shared = {k: None if t is None else self.arrange(k, t) for k, t in shared.items()}
        with refusals():
            self.module = self.build()
            self.run = self.mode.prepare(self)

    def supported(self, outside: str | None) -> None:
        """Raises Unsupported where the subject says that what is to be asked is outside of what it supports."""
        if outside:
            raise Unsupported(outside)

    def build(self, tensors: Mapping[str, torch.Tensor | None] | None = None):
        """A module made from the tensors of the constructor, or from ``tensors`` in place of some of them."""
        tensors = self.shared | dict(tensors or {})
        module = (self.subject.make or make_like_torch)(self.subject.factory, self.case, tensors)
        for argument, parameter in self.held(module).items():
            parameter.data = self.arrange(argument, parameter.data).detach()
        return module

    def held(self, module) -> dict[str, torch.Tensor]:
        """The arguments that the module keeps as its parameters."""
        names = self.case.contract.parameters_of_module
        own = dict(module.named_parameters()) if names else {}
        return {k: own[n] for k, n in names.items() if self.case.arguments[k] is not None}

    def tensor(self, array: np.ndarray | None, name: str | None = None) -> torch.Tensor | None:
        if array is None:
            return None
        tensor = torch.as_tensor(array)
        if array.dtype != float:
            return tensor.to(self.device)
        if self.dtype.is_complex and array.shape[-1:] == (2,) and name is not None:
            return torch.complex(tensor[..., 0], tensor[..., 1]).to(self.dtype).to(self.device)
        return tensor.to(self.dtype).to(self.device)

    def inputs(self, call: int, requiring: tuple[str, ...] = ()) -> dict[str, torch.Tensor]:
        """Fresh tensors for one call; those in ``requiring`` are leaves that require a gradient."""
        inputs = {k: self.arrange(k, t[call]) for k, t in self.positional.items()}
        own = {k: inputs[k] if self.is_arranged else inputs[k].clone() for k in requiring if k in inputs}
        return inputs | {k: t.requires_grad_() for k, t in own.items()}

    def evaluate(self, inputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """The fields of the result.  Raises Malformed when it does not have the contract's form."""
        before = {k: version(t) for k, t in inputs.items()}
        with refusals():
            result = self.run(inputs)
        changed = [k for k, t in inputs.items() if version(t) != before[k]]
        if changed:
            raise Malformed(f"changes its argument {changed[0]} in place")
        return self.fields(result)

    def attempt(self) -> tuple[str, ...]:
        """Make the first call, whatever comes back; what was warned of.  For calls that should be refused."""
        always = torch.is_warn_always_enabled()
        with warnings.catch_warnings(record=True) as heard, torch.no_grad(), refusals():
            warnings.simplefilter("always")
            torch.set_warn_always(True)
            try:
                self.run(self.inputs(0))
            finally:
                torch.set_warn_always(always)
        return tuple(str(w.message) for w in heard if w.category is UserWarning)

    def fields(self, result) -> dict[str, torch.Tensor]:
        names = tuple(self.case.contract.fields)
        parts = {names[0]: result} if len(names) == 1 else {n: getattr(result, n, None) for n in names}
        for name, part in parts.items():
            self.check_form(name, part)
        return parts

    def check_form(self, name: str, part) -> None:
        if not isinstance(part, torch.Tensor):
            raise Malformed(f"{name} is {type(part).__name__}, not a tensor")
        shape = self.case.result_shape(name)
        if tuple(part.shape) != shape:
            raise Malformed(f"{name} has shape {tuple(part.shape)}, the contract says {shape}")
        if part.device.type != self.device:
            raise Malformed(f"{name} is on {part.device.type}, its inputs are on {self.device}")

    def values(self) -> dict[str, np.ndarray]:
        """Every field, shape (calls, ...), without gradients."""
        return self.values_by_call() if self.mode.values is None else self.mode.values(self)

    def values_by_call(self) -> dict[str, np.ndarray]:
        """The same by one evaluation after the other."""
        with torch.no_grad():
            found = [self.evaluate(self.inputs(i)) for i in range(self.case.calls)]
        return {n: np.stack([self.array(f[n]) for f in found]) for n in self.case.contract.fields}

    def forms(self) -> dict[str, None]:
        """The fields, once the dtype of the first call's result is what it should be."""
        with torch.no_grad():
            found = self.evaluate(self.inputs(0))
        for name, part in found.items():
            self.mode.typed(self, name, part)
        return dict.fromkeys(found)

    def gradients(self, names: tuple[str, ...]) -> dict[str, Gradient]:
        """The gradient of each argument in ``names``."""
        self.supported(self.subject.supports and self.subject.supports.no_gradient(names))
        return self.gradients_by_call(names) if self.mode.gradients is None else self.mode.gradients(self, names)

    def gradients_by_call(self, names: tuple[str, ...]) -> dict[str, Gradient]:
        """The same by one backward pass after the other."""
        shared = {k: t.requires_grad_() for k, t in self.leaves(names).items()}
        found = [self.gradients_of_call(i, names, shared) for i in range(self.case.calls)]
        return {f"grad_{n}": self.stack([f[n] for f in found]) for n in names}

    def stack(self, found: list[torch.Tensor | None]) -> Gradient:
        missing = [i for i, g in enumerate(found) if g is None]
        like = next((g for g in found if g is not None), None)
        if like is None:
            return Gradient(None, missing)
        return Gradient(np.stack([self.array(torch.zeros_like(like) if g is None else g) for g in found]), missing)

    def leaves(self, names: tuple[str, ...]) -> dict[str, torch.Tensor]:
        """The tensors of the constructor whose gradient is wanted: given ones, or parameters of the module."""
        held = self.held(self.module)
        return {
            k: held.get(k, self.shared[k])
            for k in names
            if k not in self.positional and self.case.arguments[k] is not None
        }

    def gradients_of_call(self, call: int, names, shared) -> dict[str, torch.Tensor | None]:
        return self.tape(call, names, self.inputs(call, names), shared).gradients()

    def tape(self, call: int, names, inputs: Mapping[str, torch.Tensor], shared) -> Tape:
        """One call, ready for its backward pass to the arguments in ``names``: of its inputs or shared."""
        self.supported(self.subject.supports and self.subject.supports.no_gradient(names))
        fields = self.evaluate(inputs)
        leaves = {n: inputs[n] if n in inputs else shared[n] for n in names}
        live = {n: f for n, f in fields.items() if f.requires_grad}
        return Tape(leaves, live, {n: self.upstream(n, call, f) for n, f in live.items()}, self.mode.backward)

    def upstream(self, field: str, call: int, result: torch.Tensor) -> torch.Tensor:
        """The cotangent of one field of one call."""
        tensor = torch.as_tensor(self.case.cotangents[field][call]).to(result.dtype).to(self.device)
        return self.arrange(field, tensor)

    def array(self, tensor: torch.Tensor) -> np.ndarray:
        tensor = tensor.detach()
        if tensor.is_complex():
            tensor = torch.view_as_real(tensor.resolve_conj())
        return tensor.double().cpu().numpy()


def version(tensor: torch.Tensor) -> int | None:
    """How often a tensor was changed in place; torch does not count it for those of inference mode."""
    return None if tensor.is_inference() else tensor._version
