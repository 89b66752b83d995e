"""What are a block of inputs, what does the oracle say of them in float64, and what does the subject answer?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch

from conformance.case import Case
from conformance.proof.patterns import canonical, is_legal, numbers, width
from conformance.proof.space import CLASSES, Plane, Slot
from conformance.session import Session
from conformance.subject import Subject
from reference.arithmetic.formats import Format, format_of

#: The integers that hold the patterns of a width.
STORED = {8: np.uint8, 16: np.int16, 32: np.int32}


@dataclass(frozen=True, eq=False)
class Block:
    """All pairs of some rows and some columns of a plane, by their patterns: ``len(rows) * len(columns)`` elements.

    ``upstream``: the cotangent of every element.
    """

    plane: Plane
    rows: np.ndarray
    columns: np.ndarray
    upstream: float

    @property
    def size(self) -> int:
        return len(self.rows) * len(self.columns)

    @property
    def format(self) -> Format:
        return format_of(self.plane.dtype)

    @cached_property
    def patterns(self) -> dict[Slot, np.ndarray]:
        """The patterns of every slot; together they broadcast to shape (rows, columns)."""
        rows, columns = self.rows[:, None], self.columns[None, :]
        if self.plane.is_halved:
            return {self.plane.rows: rows << 16 | columns}
        found = {self.plane.rows: rows}
        return found if self.plane.columns is None else found | {self.plane.columns: columns}

    @cached_property
    def numbers(self) -> dict[Slot, np.ndarray]:
        """The same as numbers."""
        return {slot: numbers(bits, self.plane.dtype) for slot, bits in self.patterns.items()}

    @cached_property
    def legal(self) -> np.ndarray:
        """Which elements are in the domain, shape (size,): of halves of a number not all need be."""
        if not self.plane.is_halved:
            return np.ones(self.size, bool)
        return is_legal(self.numbers[self.plane.rows], self.plane.domain(self.plane.rows)).reshape(-1)

    @cached_property
    def finite(self) -> np.ndarray:
        """Which elements hold finite numbers only, shape (size,)."""
        return self._flat(np.logical_and.reduce([*np.broadcast_arrays(*map(np.isfinite, self.numbers.values()))]))

    @cached_property
    def payload(self) -> np.ndarray:
        """Which elements hold a NaN other than the one that stands for all, shape (size,)."""
        other = [np.isnan(self.numbers[s]) & (b != canonical(self.plane.dtype)) for s, b in self.patterns.items()]
        return self._flat(np.logical_or.reduce([*np.broadcast_arrays(*other)]))

    def with_one_nan(self) -> Block:
        """The same block with the one NaN in place of all others."""
        twin = replace(self)
        one = canonical(self.plane.dtype)
        twin.__dict__["patterns"] = {
            slot: np.where(np.isnan(self.numbers[slot]), one, bits) for slot, bits in self.patterns.items()
        }
        return twin

    def _flat(self, array: np.ndarray) -> np.ndarray:
        return np.broadcast_to(array, (len(self.rows), len(self.columns))).reshape(-1)

    def argument(self, name: str, found: dict[Slot, np.ndarray], where: np.ndarray | None = None) -> np.ndarray:
        """An argument's numbers or patterns (``found``), at some elements: shape (1, n) or (1, n, classes)."""
        parts = [self._flat(found[slot]) for slot in sorted(found, key=str) if slot.argument == name]
        parts = parts if where is None else [part[where] for part in parts]
        return np.array(parts[0])[None] if len(parts) == 1 else np.stack(parts, axis=-1)[None]

    def argument_of(self, slot: Slot, at: int) -> float:
        """The number of a slot in one element."""
        return float(self._flat(self.numbers[slot])[at])

    def case(self, where: np.ndarray | None = None) -> Case:
        """Some of the elements (a mask, or indices), or all, as a case of one call."""
        contract, free = self.plane.contract, {slot.argument for slot in self.patterns}
        count = self.size if where is None else np.arange(self.size)[where].size
        arguments = {}
        for name in contract.arguments:
            if name in free:
                arguments[name] = self.argument(name, self.numbers, where)
            else:
                value = self.plane.fixed[name]
                arguments[name] = None if value is None else np.full((1, count), value)
        upstream = {field: np.full((1, count), self.upstream) for field in contract.fields}
        sizes = dict.fromkeys((d.name for a in contract.arguments.values() for d in a.layout), ())
        sizes[next(d.name for d in contract.arguments[contract.positional[0]].layout if not d.core)] = (count,)
        sizes |= {d.name: (CLASSES,) for a in contract.arguments.values() for d in a.layout if d.core}
        return Case(contract.name, self.plane.dtype, "none", 1, sizes, arguments, dict(self.plane.parameters), upstream)

    def oracle(self, case: Case) -> dict[str, np.ndarray]:
        """The formula and its pullback in float64, of every element: shape (size,) or (size, classes).

        ``case``: that of all elements, whose contract may be moved by what a subject declares.
        """
        contract, given = case.contract, self._given(case)
        with np.errstate(all="ignore"):
            (field,) = contract.fields.items()
            found = {field[0]: field[1].sign * contract.formula(**given)}
            if contract.has_gradient:
                cotangent = np.full((1, 1) if self._broadcasts else self.size, field[1].sign * self.upstream)
                pulled = contract.pull(cotangent, **given)
                found |= {f"grad_{k}": g for k, g in pulled.items() if case.arguments[k] is not None}
        return {k: self._whole(v) for k, v in found.items()}

    @property
    def _broadcasts(self) -> bool:
        """Whether the formula is of one number of each argument: then it takes rows and columns as they are."""
        return self.plane.rows.component is None

    def _given(self, case: Case) -> dict[str, object]:
        if not self._broadcasts:
            return {k: case.in_rows(k) for k in case.arguments} | dict(case.parameters)
        own = {slot.argument: found for slot, found in self.numbers.items()}
        fixed = {k: None if v is None else np.full((1, 1), v) for k, v in self.plane.fixed.items()}
        return fixed | own | dict(case.parameters)

    def _whole(self, array: np.ndarray) -> np.ndarray:
        return self._flat(array) if self._broadcasts else array


class Exact(Session):
    """A session whose tensors hold the very patterns of a block, those of NaN included."""

    def __init__(self, subject: Subject, block: Block, case: Case, device: str, mode: str):
        self.block, self.free = block, {slot.argument for slot in block.patterns}
        super().__init__(subject, case, device, mode=mode)

    def tensor(self, array: np.ndarray | None, name: str | None = None) -> torch.Tensor | None:
        if name not in self.free:
            return super().tensor(array, name)
        bits = self.block.argument(name, self.block.patterns)
        stored = bits.astype(f"uint{width(self.block.format)}").view(STORED[width(self.block.format)])
        return torch.from_numpy(stored).view(self.dtype).to(self.device)

    def answers(self, names: tuple[str, ...]) -> dict[str, np.ndarray]:
        """Every field, and the gradients of some arguments, of all elements; a missing gradient is nought."""
        tape = self.tape(0, names, self.inputs(0, names), {})
        found = dict(tape.fields) or self.evaluate(self.inputs(0))
        gradients = tape.gradients() if names else {}
        for name, gradient in gradients.items():
            found[f"grad_{name}"] = torch.zeros_like(tape.leaves[name]) if gradient is None else gradient
        return {k: self.array(tensor)[None] for k, tensor in found.items()}
