"""Does the loss treat its rows apart and alike, and reduce them as it says?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from conformance.case import Case, given, loop_dimensions
from conformance.identities.identity import (
    Claim,
    alike,
    constant,
    divisor,
    equal,
    identity,
    lift,
    reduced_to,
    whole,
)
from conformance.identities.moves import (
    axis_in,
    chosen,
    covers_rows,
    dropped,
    flattened,
    rows_dimension,
    shuffled,
    taken,
    without_reduced_fields,
)
from reference import Contract
from reference.arithmetic.rounded import Rounded
from reference.reductions import Reduction, Unreduced


def every(contract: Contract) -> bool:
    """Identities of any loss that is a function of rows."""
    return True


def has_dropped_batch(contract: Contract) -> bool:
    """Whether a single row may come without a batch dimension."""
    first = loop_dimensions(contract)[0]
    return first.optional or first.starred


def reduces(contract: Contract) -> bool:
    """Whether there are terms and what is made of them."""
    return len(contract.reductions) > 1 or len(contract.fields) > 1


def sums(contract: Contract) -> bool:
    return "sum" in contract.reductions


def divides_sum(contract: Contract) -> bool:
    """Whether the mean is the sum, divided."""
    return sums(contract) and contract.reductions["mean"].scale is None


@identity("rows-permuted", every)
def rows_permuted(case: Case, ask):
    """Rows in another order have their values and gradients in that order; reduced ones do not change."""
    dim = rows_dimension(case.contract)
    order = shuffled(case, case.sizes[dim][0])
    told = ask(case)
    return alike(told, ask.like(told, taken(case, dim, order)), lambda q, x: chosen(case, q, x, dim, order))


@identity("row-alone", every)
def row_alone(case: Case, ask):
    """A row has the same value and gradients in a batch of its own as among others."""
    case, dim = without_reduced_fields(reduced_to(case, "none")), rows_dimension(case.contract)
    row = shuffled(case, case.sizes[dim][0])[:1]
    told = ask(case)
    alone = ask.like(told, taken(case, dim, row))
    return alike(told, alone, lambda q, x: None if axis_in(case, q, dim) is None else chosen(case, q, x, dim, row))


@identity("batch-of-one", has_dropped_batch)
def batch_of_one(case: Case, ask):
    """A batch of one row, and that row without a batch dimension, have the same loss."""
    batch, loops = rows_dimension(case.contract), loop_dimensions(case.contract)
    for dim in loops:
        for axis in range(len(case.sizes[dim.name])):
            case = taken(case, dim.name, np.array([0]), axis)
        if dim.name != batch:
            case = dropped(case, dim.name)
    told = ask(case)
    other = ask.like(told, dropped(case, batch))
    return alike(told, other, lambda q, x: np.reshape(x, other[q].shape))


@identity("dimensions-merged", lambda contract: any(d.starred for d in loop_dimensions(contract)))
def dimensions_merged(case: Case, ask):
    """Rows in many dimensions, and the same rows in one, have the same loss."""
    case = reduced_to(case, "sum") if case.reduction == "batchmean" else case
    told = ask(case)
    other = ask.like(told, flattened(case))

    def merged(quantity: str, x: Rounded) -> Rounded | None:
        name = quantity.removeprefix("grad_")
        if name == quantity:
            return np.reshape(x, other[quantity].shape)
        return np.reshape(case.in_rows(name, x), other[quantity].shape) if covers_rows(case, name) else None

    return alike(told, other, merged)


def reduction_for(case: Case, quantity: str) -> Reduction:
    """How a field is reduced; for a gradient, how the first one is."""
    fields = case.contract.fields
    return case.contract.reduction_of(case.reduction, quantity if quantity in fields else next(iter(fields)))


@identity("batch-split", every)
def batch_split(case: Case, ask):
    """The sum of a batch is that of its parts, and the mean their mean, by what each part is divided by."""
    case, dim = without_reduced_fields(case), rows_dimension(case.contract)
    size = case.sizes[dim][0]
    parts = [taken(case, dim, np.arange(*ends)) for ends in ((0, size // 2), (size // 2, size)) if ends[0] < ends[1]]
    told, pieces = ask(case), [ask(part) for part in parts]

    def summed(of: Case, quantity: str, x: Rounded) -> Rounded:
        return whole(x, divisor(of, reduction_for(of, quantity)))

    def joined(quantity: str) -> Rounded:
        found = [summed(part, quantity, piece[quantity]) for part, piece in zip(parts, pieces, strict=True)]
        axis = axis_in(case, quantity, dim)
        return np.sum(np.stack(found), axis=0) if axis is None else np.concatenate(found, axis=axis)

    return equal(told, {q: joined(q) for q in told if all(q in p for p in pieces)}, lambda q, x: summed(case, q, x))


@identity("batch-twice", every)
def batch_twice(case: Case, ask):
    """A batch twice over has the same mean and twice the sum."""
    case, dim = without_reduced_fields(case), rows_dimension(case.contract)
    again = np.tile(np.arange(case.sizes[dim][0]), 2)
    told, twice = ask(case), ask(taken(case, dim, again))

    def doubled(quantity: str, x: Rounded) -> Rounded:
        reduction = reduction_for(case, quantity)
        divided = bool(reduction.weight or reduction.count)
        if axis_in(case, quantity, dim) is None:
            return x if divided else x * 2.0
        return chosen(case, quantity, x, dim, again) * (0.5 if divided else 1.0)

    return equal(told, twice, doubled)


@identity("reduced-by-hand", reduces)
def reduced_by_hand(case: Case, ask):
    """The unreduced terms, reduced by hand, are what the loss returns reduced."""
    terms_of = next(iter(case.contract.fields))
    sign = case.contract.fields[terms_of].sign
    terms = sign * ask(reduced_to(case, "none"), gradients=False)[terms_of]
    known = given(case, lift)
    for name in [case.reduction] if case.reduction != "none" else list(case.contract.reductions):
        reduced = reduced_to(case, name)
        for field, x in ask(reduced, gradients=False).items():
            reduction = case.contract.reduction_of(name, field)
            if not isinstance(reduction, Unreduced):
                by_hand = reduction(np.reshape(terms, (-1,)), known, case.calls, case.shape)
                yield Claim(field, x, np.reshape(by_hand, x.shape))


@identity("equal-cotangents", sums)
def equal_cotangents(case: Case, ask):
    """The gradient of the sum is that of the terms whose cotangents are all the sum's."""
    summed = reduced_to(case, "sum")
    told = ask(summed)
    terms = ask.like(told, reduced_to(summed, "none"))
    return alike(told, terms, lambda q, x: x if q.startswith("grad_") else None)


@identity("mean-gradient", divides_sum)
def mean_gradient(case: Case, ask):
    """The gradient of the mean, times what the mean divides by, is the gradient of the sum."""
    mean = reduced_to(reduced_to(case, "sum"), "mean")
    by = divisor(mean, mean.contract.reductions["mean"])
    summed = {q: whole(x, constant(by.value > 0)) for q, x in ask(reduced_to(mean, "sum")).items()}
    return equal(ask(mean), summed, lambda q, x: whole(x, by) if q.startswith("grad_") else None)


@identity("cotangent-scaled", lambda contract: contract.has_gradient)
def cotangent_scaled(case: Case, ask):
    """The gradient is linear in the upstream one: minus two times that gives minus two times the gradient."""
    told = ask(case)
    scaled = ask.like(told, replace(case, cotangents={k: -2.0 * c for k, c in case.cotangents.items()}))
    return alike(told, scaled, lambda q, x: x * -2.0 if q.startswith("grad_") else None)
