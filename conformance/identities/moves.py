"""How are rows, classes and features of a case moved, and their places found in every quantity?"""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np

from conformance.case import Case, loop_dimensions
from conformance.identities.identity import altered
from conformance.minimise import take
from reference import Contract
from reference.arithmetic.rounded import Rounded
from reference.domains import Index
from reference.reductions import Unreduced


def rows_dimension(contract: Contract) -> str:
    """The dimension whose first axis is the batch."""
    return loop_dimensions(contract)[0].name


def feature_dimension(contract: Contract) -> str | None:
    """A core dimension of the first argument whose order has no meaning and to which no index refers."""
    referred = {getattr(kind.domain, "of", None) for a in contract.arguments.values() for kind in a.kinds}
    core = contract.arguments[contract.positional[0]].core
    return core[0] if core and not referred & set(core) else None


def class_dimension(contract: Contract) -> str | None:
    """The core dimension along which targets are positions."""
    cores = {d for a in contract.arguments.values() for d in a.core}
    return next((d.of for _, d in indices(contract) if d.of in cores), None)


def indices(contract: Contract) -> list[tuple[str, object]]:
    """The arguments that hold class indices, and their domain."""
    found = [(k, kind.domain) for k, a in contract.arguments.items() for kind in a.kinds]
    return [(k, d) for k, d in found if type(d).__name__ in ("Index", "LabelSet", "Labels")]


def ignoring(contract: Contract) -> str | None:
    """The parameter that holds the position to leave out."""
    return next((d.ignore for _, d in indices(contract) if isinstance(d, Index) and d.ignore), None)


def axis_in_argument(case: Case, name: str, dim: str) -> int | None:
    """The first axis of a dimension in an argument, in one call; None where it has none or repeats along it."""
    position = 0
    for d in case.layout(name).layout:
        if d.name == dim:
            own = case.arguments[name].shape[position + (not case.is_shared(name))]
            return position if own == case.sizes[dim][0] else None
        position += len(case.sizes[d.name])
    return None


def axis_in(case: Case, quantity: str, dim: str) -> int | None:
    """The first axis of a dimension in a quantity, shape (calls, ...); None where it has none."""
    if quantity.startswith("grad_"):
        axis = axis_in_argument(case, quantity.removeprefix("grad_"), dim)
        return None if axis is None else axis + 1
    if not isinstance(case.contract.reduction_of(case.reduction, quantity), Unreduced):
        return None
    position = 1
    for d in loop_dimensions(case.contract):
        if d.name == dim:
            return position
        position += len(case.sizes[d.name])
    return None


def chosen(case: Case, quantity: str, x: Rounded, dim: str, keep: np.ndarray) -> Rounded:
    """A quantity's positions ``keep`` along a dimension; all of it where it has no such axis."""
    axis = axis_in(case, quantity, dim)
    return x if axis is None else x[(*(slice(None) for _ in range(axis)), keep)]


def taken(case: Case, dim: str, keep: np.ndarray, axis: int = 0) -> Case | None:
    """The case with the positions ``keep`` along a dimension, in that order, perhaps several times.

    None where an index needs another position.
    """
    other = take(case, dim, axis, keep)
    if other is None:
        return None
    places = {k: axis_in(case, k, dim) for k in case.cotangents}
    ups = {k: c if places[k] is None else np.take(c, keep, axis=places[k] + axis) for k, c in case.cotangents.items()}
    return replace(other, cotangents=ups)


def shuffled(case: Case, size: int) -> np.ndarray:
    """An order of ``size`` things other than the given one, which depends on the case alone."""
    seed = int.from_bytes(hashlib.sha256(case.digest().encode()).digest()[:8], "big")
    order = np.random.default_rng(seed).permutation(size)
    return np.roll(order, 1) if (order == np.arange(size)).all() else order


def on_grid(case: Case, *arguments: str) -> Case:
    """The case with numbers rounded to multiples of 2 ** -5 from -4 to 4: adding 4 to them is exact."""
    present = [k for k in arguments if case.arguments[k] is not None]
    rounded = {k: np.clip(np.rint(case.arguments[k] * 32) / 32, -4.0, 4.0) for k in present}
    return altered(case, rounded)


def without_reduced_fields(case: Case) -> Case:
    """No cotangent for fields that the contract reduces by itself, whatever reduction is asked for."""
    fixed = {k for k, f in case.contract.fields.items() if f.reduction and not isinstance(f.reduction, Unreduced)}
    cotangents = {k: np.zeros_like(c) if k in fixed else c for k, c in case.cotangents.items()}
    return replace(case, cotangents=cotangents)


def dropped(case: Case, name: str) -> Case:
    """The case without a dimension, all of whose axes have size one."""
    arguments = {k: _squeezed(case, k, a, name) for k, a in case.arguments.items()}
    smaller = altered(case, arguments, sizes={**case.sizes, name: ()})
    shapes = {k: (case.calls, *smaller.result_shape(k)) for k in case.cotangents}
    return replace(smaller, cotangents={k: c.reshape(shapes[k]) for k, c in case.cotangents.items()})


def _squeezed(case: Case, argument: str, array: np.ndarray | None, name: str) -> np.ndarray | None:
    if array is None:
        return None
    position = 0 if case.is_shared(argument) else 1
    for dim in case.layout(argument).layout:
        count = len(case.sizes[dim.name])
        if dim.name == name:
            return np.squeeze(array, axis=tuple(range(position, position + count)))
        position += count
    return array


def as_indices(case: Case) -> Case:
    """The case with class indices where it has class probabilities: the likeliest."""
    for name, array in case.contract.arguments.items():
        if len(array.kinds) > 1 and case.kinds.get(name, 0) == 1:
            axis = 1 + axis_in_argument(case, name, class_dimension(case.contract))
            likeliest = np.argmax(case.arguments[name], axis=axis)
            return altered(case, {name: likeliest}, kinds={**case.kinds, name: 0})
    return case


def covers_rows(case: Case, argument: str) -> bool:
    """Whether a positional argument has elements of its own for every row."""
    rows = case.arguments[argument].size // max(case.calls, 1)
    return not case.is_shared(argument) and rows == case.in_rows(argument).size // max(case.calls, 1)


def flattened(case: Case) -> Case:
    """The case with all its dimensions of rows in one; arguments are repeated where they were broadcast."""
    contract, rows = case.contract, case.rows // case.calls
    batch = rows_dimension(contract)
    sizes = {k: () if any(d.name == k for d in loop_dimensions(contract)) else s for k, s in case.sizes.items()}
    arguments = {k: _flat(case, k, rows) for k in case.arguments}
    flat = altered(case, arguments, sizes={**sizes, batch: (rows,)})
    ups = {k: c.reshape(case.calls, *flat.result_shape(k)) for k, c in case.cotangents.items()}
    return replace(flat, cotangents=ups)


def _flat(case: Case, name: str, rows: int) -> np.ndarray | None:
    """An argument in row form, its core dimensions where its layout has them."""
    layout = case.layout(name)
    if case.arguments[name] is None or not layout.loops:
        return case.arguments[name]
    array = case.in_rows(name)
    array = array.reshape(case.calls, rows, *array.shape[1:])
    before = [d.name for d in layout.layout]
    first_loop = min(before.index(d.name) for d in layout.loops)
    array = np.moveaxis(array, 1, 1 + first_loop) if first_loop else array
    return np.array(array[0] if case.is_shared(name) else array)


def in_range(case: Case) -> Case:
    """The case with another class in place of every index that is none."""
    found = {k: d for k, d in indices(case.contract) if isinstance(d, Index) and not case.kinds.get(k, 0)}
    most = {k: case.sizes[d.of][0] - 1 for k, d in found.items()}
    return altered(case, {k: np.clip(case.arguments[k], 0, most[k]) for k in found})
