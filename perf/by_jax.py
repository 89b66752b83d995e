"""The contract's mirror, reduced and differentiated by JAX, as one compiled program on the CPU."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np

from conformance.case import Case
from perf.call import Call
from perf.cell import Workload, leaves
from perf.facts import NAMES
from reference.reductions import Reduction, Unreduced


def jax_call(work: Workload, direction: str) -> Call:
    """The mirror in the dtype of the cell; arguments are in row form, divisors of means are known beforehand."""
    with jax.enable_x64(work.case.dtype == "float64"):
        program, arguments = program_of(work.case, direction)

    def run():
        return jax.block_until_ready(program(*arguments))

    def numbers(result) -> Mapping[str, np.ndarray]:
        found, gradients = result
        case = work.case
        shaped = {f: np.reshape(np.asarray(v, float), (1, *case.result_shape(f))) for f, v in found.items()}
        return shaped | {f"grad_{k}": case.from_rows(k, np.asarray(g, float)) for k, g in gradients.items()}

    def facts(call: Call) -> tuple[object, dict]:
        told = program.cost_analysis() or {}
        memory = program.memory_analysis()
        own = {
            "flops": told.get("flops"),
            "bytes": told.get("bytes accessed"),
            "peak_bytes": memory.temp_size_in_bytes + memory.output_size_in_bytes,
        }
        return call.run(), dict.fromkeys(NAMES) | own

    return Call(run, numbers, facts)


def program_of(case: Case, direction: str) -> tuple[Callable, tuple]:
    """The compiled ``f(live, fixed, upstream)``, which returns fields and gradients by name, and what it is given."""
    rows = {k: narrowed(case.in_rows(k), case.dtype) for k in case.arguments}
    wanted = leaves(case) if direction == "forward+backward" else ()
    live = {k: rows.pop(k) for k in wanted}
    arrays = {k: rows.pop(k) for k in list(rows) if rows[k] is not None}
    upstream = {f: narrowed(c.reshape(-1), case.dtype) for f, c in case.cotangents.items()}
    fields = fields_of(case)

    def both(live, arrays, upstream):
        if not wanted:
            return fields(arrays), {}
        found, pull = jax.vjp(lambda x: fields(arrays | x), live)
        return found, pull(upstream)[0]

    given = (live, arrays, upstream)
    return jax.jit(both).lower(*given).compile(), given


def fields_of(case: Case) -> Callable[[Mapping], dict]:
    """``f(arrays)``: every field of the result, flat."""
    contract = case.contract
    mirror = getattr(importlib.import_module(f"reference.in_jax.{contract.family}"), contract.name)
    absent = {k: None for k, a in case.arguments.items() if a is None}
    given = {k: case.in_rows(k) for k in case.arguments} | dict(case.parameters)
    ways = {f: reduced(contract.reduction_of(case.reduction, f), given, case) for f in contract.fields}
    signs = {f: declared.sign for f, declared in contract.fields.items()}

    def fields(arrays):
        terms = mirror(**arrays, **absent, **case.parameters)
        return {f: ways[f](signs[f] * terms) for f in ways}

    return fields


def reduced(reduction: Reduction, given: Mapping, case: Case) -> Callable:
    """How the terms of one call become a field, flat, by JAX."""
    if isinstance(reduction, Unreduced):
        return lambda terms: terms
    scale = None if reduction.scale is None else np.asarray(reduction.scale(given), case.dtype)
    divisor = reduction.divisor(given, 1, case.shape)
    divisor = 1.0 if divisor is None else float(np.squeeze(divisor))

    def way(terms):
        return jnp.reshape(jnp.sum(terms if scale is None else terms / scale) / divisor, (1,))

    return way


def narrowed(array: np.ndarray | None, dtype: str):
    """On the device, in the cell's dtype; integers as JAX has them."""
    if array is None:
        return None
    return jnp.asarray(array, dtype) if array.dtype == float else jnp.asarray(array)
