"""What are a block of inputs, what does the oracle say of them in float64, and what does the subject answer?"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
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
    """Elements of a plane, by their patterns: all pairs of some rows and columns, or some picked ones.

    ``patterns``: of every slot, which together broadcast to shape (rows, columns).  ``upstream``: the cotangent of
    every element.
    """

    plane: Plane
    patterns: dict[Slot, np.ndarray]
    upstream: float

    @classmethod
    def of(cls, plane: Plane, rows: np.ndarray, columns: np.ndarray, upstream: float) -> Block:
        """The pairs of rows and columns, whose patterns broadcast to one shape (rows, columns)."""
        if plane.is_halved:
            return cls(plane, {plane.rows: rows << 16 | columns}, upstream)
        found = {plane.rows: rows}
        return cls(plane, found if plane.columns is None else found | {plane.columns: columns}, upstream)

    @classmethod
    def joined(cls, parts: list[Block]) -> Block:
        """Picked elements of several blocks of a plane."""
        first = parts[0]
        return replace(
            first, patterns={s: np.concatenate([p.patterns[s] for p in parts], axis=1) for s in first.patterns}
        )

    def picked(self, where: np.ndarray) -> Block:
        """Some elements: a mask, or indices."""
        return replace(self, patterns={slot: self._flat(bits)[where][None] for slot, bits in self.patterns.items()})

    @cached_property
    def shape(self) -> tuple[int, ...]:
        return np.broadcast_shapes(*(bits.shape for bits in self.patterns.values()))

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def format(self) -> Format:
        return format_of(self.plane.dtype)

    @cached_property
    def numbers(self) -> dict[Slot, np.ndarray]:
        """The patterns as numbers."""
        return {slot: numbers(bits, self.plane.dtype) for slot, bits in self.patterns.items()}

    def confined(self) -> Block | None:
        """The elements in the domain: of the halves of a number not all need be.  None where there are none."""
        if not self.plane.is_halved:
            return self
        legal = is_legal(self.numbers[self.plane.rows], self.plane.domain(self.plane.rows)).reshape(-1)
        return self if legal.all() else self.picked(legal) if legal.any() else None

    @cached_property
    def finite(self) -> np.ndarray:
        """Which elements hold finite numbers only, shape (size,)."""
        return ~self._any(~np.isfinite(found) for found in self.numbers.values())

    @cached_property
    def undefined(self) -> np.ndarray:
        """Which elements hold a NaN, shape (size,)."""
        return self._any(np.isnan(found) for found in self.numbers.values())

    @cached_property
    def payload(self) -> np.ndarray:
        """Which elements hold a NaN other than the one that stands for all, shape (size,)."""
        one = canonical(self.plane.dtype)
        return self._any(np.isnan(self.numbers[s]) & (bits != one) for s, bits in self.patterns.items())

    def with_one_nan(self) -> Block:
        """The same elements with the one NaN in place of all others."""
        one = canonical(self.plane.dtype)
        patterns = {s: np.where(np.isnan(self.numbers[s]), one, bits) for s, bits in self.patterns.items()}
        return replace(self, patterns=patterns)

    def places(self, elements: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The patterns of the rows and columns of elements."""
        rows = self._flat(self.patterns[self.plane.rows])[elements]
        if self.plane.is_halved:
            return np.divmod(rows, 1 << 16)
        columns = self.plane.columns
        return rows, np.zeros_like(rows) if columns is None else self._flat(self.patterns[columns])[elements]

    def _any(self, marks: Iterable[np.ndarray]) -> np.ndarray:
        return self._flat(functools.reduce(np.logical_or, marks))

    def _flat(self, array: np.ndarray) -> np.ndarray:
        whole = array if array.shape == self.shape else np.broadcast_to(array, self.shape)
        return whole.reshape(-1)

    def argument(self, name: str, found: dict[Slot, np.ndarray]) -> np.ndarray:
        """An argument's numbers or patterns (``found``): shape (1, size) or (1, size, classes)."""
        parts = [self._flat(found[slot]) for slot in sorted(found, key=str) if slot.argument == name]
        return np.require(parts[0], requirements="W")[None] if len(parts) == 1 else np.stack(parts, axis=-1)[None]

    def argument_of(self, slot: Slot, at: int) -> float:
        """The number of a slot in one element."""
        return float(self._flat(self.numbers[slot])[at])

    def case(self) -> Case:
        """The elements as a case of one call."""
        contract, free = self.plane.contract, {slot.argument for slot in self.patterns}
        count, arguments = self.size, {}
        for name in contract.arguments:
            if name in free:
                arguments[name] = self.argument(name, self.numbers)
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
        size = width(self.block.format)
        bits = {slot: bits.astype(f"uint{size}") for slot, bits in self.block.patterns.items()}
        stored = self.block.argument(name, bits).view(STORED[size])
        return torch.from_numpy(stored).view(self.dtype).to(self.device)

    def answers(self, names: tuple[str, ...]) -> dict[str, np.ndarray]:
        """Every field, and the gradients of some arguments, of all elements; a missing gradient is nought."""
        tape = self.tape(0, names, self.inputs(0, names), {})
        found = dict(tape.fields) or self.evaluate(self.inputs(0))
        gradients = tape.gradients() if names else {}
        for name, gradient in gradients.items():
            found[f"grad_{name}"] = torch.zeros_like(tape.leaves[name]) if gradient is None else gradient
        return {k: self.array(tensor)[None] for k, tensor in found.items()}
