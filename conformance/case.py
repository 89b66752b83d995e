"""One recipe's worth of evaluations of one loss, in plain NumPy, and what the oracle expects of each."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property

import numpy as np

from conformance.declared import Declared, moved
from reference import CONTRACTS, Contract
from reference.arithmetic.certified import Certified, certified_precision
from reference.arithmetic.formats import Format, format_of
from reference.arithmetic.rounded import Model, Rounded
from reference.derived import by_differences, confirmed, precision_for
from reference.domains import Array, Complex, Interval
from reference.reductions import Unreduced

Shape = tuple[int, ...]


class Contradiction(Exception):
    """The references of a contract do not agree: the message says in what."""


@dataclass(frozen=True, eq=False)
class Case:
    """``calls`` independent calls of one loss with the same shapes, constructor arguments and parameters.

    ``sizes`` gives the sizes that each dimension name of the contract stands for.  ``kinds`` says which kind
    of array stands for an argument that has more than one.  Positional arguments have a leading dimension of
    ``calls``; those of the constructor are shared.  Floats are float64 arrays that hold only values which
    ``dtype`` represents exactly; complex numbers have a last dimension of size two.  ``cotangents`` holds the
    upstream gradient of each field of the result.  ``declared``: the deviations that the subject declares, which
    move what is expected.
    """

    contract_name: str
    dtype: str
    reduction: str
    calls: int
    sizes: Mapping[str, Shape]
    arguments: Mapping[str, np.ndarray | None]
    parameters: Mapping[str, object]
    cotangents: Mapping[str, np.ndarray]
    kinds: Mapping[str, int] = field(default_factory=dict)
    declared: tuple[Declared, ...] = ()

    #: Whether a row counts as verified although nothing is promised of some of its elements.
    judged_in_part = False
    #: Whether any subgradient is right at a tie.
    any_subgradient = True
    #: Whether bounds hold for any order of the factors of a product.
    reordered = False

    @cached_property
    def contract(self) -> Contract:
        """The contract, as the declared deviations that apply have moved it."""
        return moved(CONTRACTS[self.contract_name], self.moving) if self.declared else CONTRACTS[self.contract_name]

    @cached_property
    def moving(self) -> tuple[Declared, ...]:
        """The declared deviations that apply to this case."""
        as_it_stands = replace(self, declared=()) if self.declared else self
        return tuple(d for d in self.declared if d.applies(as_it_stands))

    @property
    def format(self) -> Format:
        return format_of(self.dtype)

    @cached_property
    def shape(self) -> Shape:
        """The shape of one call's terms."""
        return sum((self.sizes[d.name] for d in loop_dimensions(self.contract)), ())

    @property
    def rows(self) -> int:
        """Independent terms, over all calls."""
        return self.calls * int(np.prod(self.shape))

    def layout(self, name: str) -> Array:
        return self.contract.arguments[name].kinds[self.kinds.get(name, 0)]

    def is_shared(self, name: str) -> bool:
        return name not in self.contract.positional

    def result_shape(self, field: str) -> Shape:
        """The shape of one call's result."""
        return reduced_shape(self.contract, self.reduction, field, self.shape)

    def row_hashes(self) -> np.ndarray:
        """A number for each row that tells distinct inputs apart, shape (rows,)."""
        start = hashlib.sha256(repr(sorted((k, repr(v)) for k, v in self.parameters.items())).encode())
        mixed = np.full(self.rows, int.from_bytes(start.digest()[:8], "big"), np.uint64)
        for name in self.arguments:
            array = self.in_rows(name)
            if array is None:
                continue
            columns = np.ascontiguousarray(array).view(np.uint64).reshape(self.rows, int(np.prod(array.shape[1:])))
            places = np.arange(1, 2 * columns.shape[1], 2, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
            each = (columns ^ columns >> np.uint64(32)) * places
            each ^= each >> np.uint64(29)
            mixed = (mixed ^ np.bitwise_xor.reduce(each * places, axis=1)) * np.uint64(0x9E3779B97F4A7C15)
            mixed ^= mixed >> np.uint64(29)
        return mixed

    def digest(self) -> str:
        """A fingerprint of everything that a subject is given."""
        sha = hashlib.sha256(repr((self.contract_name, self.dtype, self.reduction, self.calls)).encode())
        sha.update(repr(sorted((k, repr(v)) for k, v in self.parameters.items())).encode())
        for name, array in sorted((self.arguments | self.cotangents).items()):
            sha.update(f"{name}{None if array is None else (array.shape, array.dtype.str)}".encode())
            sha.update(b"" if array is None else np.ascontiguousarray(array).tobytes())
        return sha.hexdigest()

    @cached_property
    def differentiable(self) -> tuple[str, ...]:
        """The arguments that the oracle has a gradient for."""
        return tuple(k.removeprefix("grad_") for k in self.expected_gradients)

    @cached_property
    def expected_values(self) -> dict[str, Rounded]:
        """What the oracle says of every field, shape (calls, ...), with the bound of what rounding may cost."""
        return self._stored(values(self, lift_rounded(Model(self.format.working, reordered=self.reordered))))

    @cached_property
    def expected_gradients(self) -> dict[str, Rounded]:
        """The same for the gradients ``grad_<argument>``, shape (calls, ...).  At a tie any subgradient is."""
        model = Model(self.format.working, kinks=True, reordered=self.reordered)
        found = self._stored(gradients(self, lift_rounded(model)))
        return found if self.contract.pullback is not None else self._confirmed(found)

    def _confirmed(self, found: Mapping[str, Rounded]) -> dict[str, Rounded]:
        """The bounds of differentiating step by step, around what the mirror says, or certified differences.

        Raises Contradiction where the mirror's gradient is not that of the formula.
        """
        mirrored = self.has_mirror and bool(found)
        ends = gradients(self, lambda x: x, self.contract.pull_mirror) if mirrored else self.true_gradients
        settled = {}
        for name, own in found.items():
            low, high = (ends[name],) * 2 if mirrored else ends[name].bounds()
            settled[name], off = confirmed(own, low, high)
            if mirrored and off.any():
                at = np.unravel_index(np.argmax(off), off.shape)
                raise Contradiction(
                    f"{name} of {self.contract.name}: the mirror says {low[at]:.9g}, the formula differentiated step "
                    f"by step {own.value[at]:.9g} with an error below {own.error[at]:.2g}: one of both is wrong"
                )
        return settled

    @property
    def has_mirror(self) -> bool:
        """Whether the mirror, which is no more accurate than float64, says what is expected of gradients."""
        return self.contract.mirrored is not None and self.format.name != "float64"

    def origin(self, quantity: str) -> str | None:
        """Where what is expected of a derivative comes from, where that is no pullback written by hand."""
        if self.contract.pullback is not None or not quantity.startswith("grad_"):
            return None
        return "the gradient of the mirror" if self.has_mirror else "certified differences of the formula"

    @cached_property
    def in_any_order(self) -> Case:
        """The same case, whose bounds hold for any order of the factors of a product: they may underflow."""
        twin = type(self)(**{f.name: getattr(self, f.name) for f in fields(self)})
        object.__setattr__(twin, "reordered", True)
        return twin

    @cached_property
    def coarse(self) -> dict[str, Rounded]:
        """All quantities, with the bound of a declared coarser scale, that of grade C.

        16-bit dtypes: every intermediate result is rounded to the storage format, sums in any order.
        Others: four roundings where B charges one, that is 4u times the size of the formula's terms.
        """
        if self.format.working == self.format:
            fine = self.expected_values | self.expected_gradients
            return {k: Rounded(r.value, 4 * r.error, r.model, r.spread) for k, r in fine.items()}
        model = Model(self.format, sequential=True, wide=True)
        found = values(self, lift_rounded(model))
        return self._stored(found | gradients(self, lift_rounded(replace(model, kinks=True))))

    def truth(self, kinks: bool) -> dict[str, Certified]:
        """Certified enclosures: of the values, or, with ``kinks``, of the gradients."""
        if kinks and self.contract.pullback is None:
            floats = [a for a in self.arguments.values() if a is not None and a.dtype == float]
            with certified_precision(precision_for(floats)):
                return gradients(self, Certified.exact, by_differences(self.contract.formula, self.contract.slopes))
        with certified_precision():
            return (gradients if kinks else values)(self, lambda x: Certified.exact(x, kinks=kinks))

    @cached_property
    def true_values(self) -> dict[str, Certified]:
        return self.truth(kinks=False)

    @cached_property
    def true_gradients(self) -> dict[str, Certified]:
        return self.truth(kinks=True)

    def certain_overflow(self, quantity: str) -> np.ndarray | None:
        """The sign of the truth where the bound is infinite, yet the truth surely exceeds the format."""
        boundless = np.isinf(self.expected(quantity).error)
        if not boundless.any():
            return None
        with certified_precision():
            lower, upper = (self.true(quantity) * 0.5).bounds()  # halved: ends are float64 numbers too
        threshold = self.format.max / 2 * (1 + self.format.unit / 2)
        certain = boundless & ~self._overflows_both_ways(quantity)
        return np.where(certain, 1.0 * (lower > threshold) - 1.0 * (upper < -threshold), 0.0)

    def _overflows_both_ways(self, quantity: str) -> np.ndarray:
        """Where partial sums may overflow to either infinity: the order of the terms decides, also for NaN."""
        most = self.format.working.max
        with np.errstate(all="ignore"):
            if quantity in self.contract.fields:
                if self.reduction == "none":
                    return np.False_
                terms = replace(self, reduction="none").expected_values[quantity].value
                terms = terms.reshape(self.calls, -1)
                up, down = (np.sum(terms * (s * terms > 0), axis=1) for s in (1, -1))
            else:
                name = quantity.removeprefix("grad_")
                terms = row_gradients(self, lift_rounded(Model(self.format.working)))[name].value
                up, down = (self.from_rows(name, np.where(s * terms > 0, terms, 0.0)) for s in (1, -1))
        return (up > most) & (down < -most)

    def promise(self, quantity: str) -> str:
        """The grade that is promised of a quantity."""
        return self.contract.promise(quantity, self.dtype)[0]

    def expected(self, quantity: str) -> Rounded:
        return (self.expected_gradients if quantity.startswith("grad_") else self.expected_values)[quantity]

    def true(self, quantity: str) -> Certified:
        return (self.true_gradients if quantity.startswith("grad_") else self.true_values)[quantity]

    def _stored(self, found: Mapping[str, Rounded]) -> dict[str, Rounded]:
        return {k: r.stored(self.format) for k, r in found.items()}

    def select(self, calls: np.ndarray) -> Case:
        """Some of the calls, by number, as a case of their own."""
        arguments = {k: a if a is None or self.is_shared(k) else a[calls] for k, a in self.arguments.items()}
        cotangents = {k: a[calls] for k, a in self.cotangents.items()}
        return replace(self, calls=len(calls), arguments=arguments, cotangents=cotangents)

    def in_rows(self, name: str, array: np.ndarray | None = None):
        """An argument, or another array of its shape, in row form: shape (rows, core dimensions)."""
        array = self.arguments[name] if array is None else array
        if array is None:
            return None
        layout = self.layout(name)
        whole, loops, core = _axes(self, layout)
        array = array[None] if self.is_shared(name) else array
        array = np.reshape(array, (array.shape[0], *whole(array.shape[1:])))
        array = np.transpose(array, (0, *loops, *core, *range(len(loops) + len(core) + 1, array.ndim)))
        cores = array.shape[1 + len(loops) :]
        full = np.broadcast_to(array, (self.calls, *self.shape, *cores))
        return np.reshape(full, (self.rows, *cores))

    def lifted(self, name: str, rows: np.ndarray, lift: Callable):
        """A float argument in row form, lifted to an arithmetic."""
        return lift(rows)

    def through(self, quantity: str, gradient: np.ndarray) -> np.ndarray:
        """The part of a subject's gradient that the contract defines (CTC: through log_softmax)."""
        name = quantity.removeprefix("grad_")
        if name not in self.contract.through or gradient.shape != self.arguments[name].shape:
            return gradient
        rows = self.contract.through[name](self.in_rows(name, gradient), given(self, lambda x: x))
        return self.from_rows(name, rows)

    def from_rows(self, name: str, gradient):
        """The inverse, for gradients: what was repeated is summed; shape (calls, the argument's shape)."""
        layout, shared = self.layout(name), self.is_shared(name)
        own = self.arguments[name].shape[0 if shared else 1 :]
        whole, loops, core = _axes(self, layout)
        extra = (2,) if isinstance(layout.domain, Complex) else ()
        cores = tuple(whole(own)[i - 1] for i in core) + extra
        gradient = np.reshape(gradient, (self.calls, *self.shape, *cores))
        kept = whole(own)
        repeated = tuple(i + 1 for i, axis in enumerate(loops) if kept[axis - 1] != self.shape[i])
        for axis in repeated:
            gradient = np.sum(gradient, axis=axis, keepdims=True)
        order = np.argsort([*loops, *core]) + 1
        gradient = np.transpose(gradient, (0, *order, *range(len(order) + 1, gradient.ndim)))
        return np.reshape(gradient, (self.calls, *own))


def loop_dimensions(contract: Contract):
    """The dimensions over which the formula is repeated: those of the terms, in the order of the result."""
    return contract.arguments[contract.positional[0]].loops


def reduced_shape(contract: Contract, reduction: str, field: str, shape: Shape) -> Shape:
    """The shape of one call's result, given that of its terms."""
    return shape if isinstance(contract.reduction_of(reduction, field), Unreduced) else ()


def _axes(case: Case, layout: Array):
    """How to bring an array into the order (loop dimensions of the terms, core dimensions).

    Returns a function that maps the array's shape to one with an axis of size one for every loop dimension
    it lacks, and the axes (counted from 1, after the calls) of loop and of core dimensions.
    """
    terms = [(d.name, i) for d in loop_dimensions(case.contract) for i in range(len(case.sizes[d.name]))]
    own = [(d.name, i) for d in layout.layout for i in range(len(case.sizes[d.name]))]
    missing = [axis for axis in terms if axis not in own]
    cores = [axis for axis in own if axis[0] in layout.core]

    def whole(shape: Shape) -> Shape:
        return (*(1 for _ in missing), *shape)

    every = missing + own
    return whole, [every.index(a) + 1 for a in terms], [every.index(a) + 1 for a in cores]


def lift_rounded(model: Model) -> Callable:
    """How float arrays and parameters become Rounded: exactly, and by rounding to the nearest."""
    return lambda x: Rounded.exact(x, model) if isinstance(x, np.ndarray) else Rounded.nearest(x, model)


def given(case: Case, lift: Callable) -> dict[str, object]:
    """All arguments in row form, floats lifted to an arithmetic."""
    arguments = {k: case.in_rows(k) for k in case.arguments}
    lifted = {k: case.lifted(k, v, lift) if _is_float(v) else v for k, v in arguments.items()}
    real = {k for k, d in case.contract.parameters.items() if isinstance(d, Interval)}
    return lifted | {k: lift(v) if k in real else v for k, v in case.parameters.items()}


def values(case: Case, lift: Callable, formula: Callable | None = None) -> dict[str, object]:
    """Every field of the result over an arithmetic, shape (calls, shape of the result).

    ``formula`` stands in for the contract's: another way to compute the terms.
    """
    arguments = given(case, lift)
    terms = (formula or case.contract.formula)(**arguments)
    found = {}
    for name, declared in case.contract.fields.items():
        reduction = case.contract.reduction_of(case.reduction, name)
        result = reduction(terms, arguments, case.calls, case.shape)
        result = -result if declared.sign < 0 else result
        found[name] = np.reshape(result, (case.calls, *case.result_shape(name)))
    return found


def gradients(case: Case, lift: Callable, pullback: Callable | None = None) -> dict[str, object]:
    """The gradient of every differentiable argument over an arithmetic, shape (calls, the argument's).

    ``pullback`` stands in for the contract's: another way to compute them.
    """
    return {f"grad_{k}": case.from_rows(k, g) for k, g in row_gradients(case, lift, pullback).items()}


def row_gradients(case: Case, lift: Callable, pullback: Callable | None = None) -> dict[str, object]:
    """The same by argument and in row form, before those of what several rows share are summed."""
    if not case.contract.has_gradient:
        return {}
    arguments = given(case, lift)
    cotangent = None
    for name, declared in case.contract.fields.items():
        reduction = case.contract.reduction_of(case.reduction, name)
        flat = np.reshape(case.cotangents[name], (-1,))
        pulled = reduction.pull(lift(declared.sign * flat), arguments, case.calls, case.shape)
        cotangent = pulled if cotangent is None else cotangent + pulled
    found = (pullback or case.contract.pull)(cotangent, **arguments)
    return {k: g for k, g in found.items() if case.arguments[k] is not None}


def _is_float(x) -> bool:
    return isinstance(x, np.ndarray) and x.dtype == float
