"""How are derivatives beyond the first gradient asked for in Python: twice backward, and forward?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from conformance.reproducers.literals import tensor
from conformance.reproducers.spelling import Call, invoked, options
from reference.domains import Complex


def held(call: Call, name: str) -> str:
    """The leaf tensor that stands for an argument."""
    parameter = call.case.contract.parameters_of_module.get(name)
    return f'loss.get_parameter("{parameter}")' if parameter else name


def direction(call: Call, name: str) -> str:
    """Which way an argument moves, as an expression."""
    case = call.case
    moves = case.directions[name] if case.is_shared(name) else case.directions[name][0]
    pairs = isinstance(case.layout(name).domain, Complex)
    return tensor(moves, options(call, None if case.dtype == "float32" else case.dtype), pairs)


def cotangents(call: Call) -> list[str]:
    """The upstream gradient of every field, as leaves."""
    case = call.case
    dtype = {"complex64": "float32", "complex128": "float64"}.get(case.dtype, case.dtype)
    chosen = options(call, None if dtype == "float32" else dtype)
    return [tensor(np.asarray(case.cotangents[f][0]), chosen, leaf=True) for f in case.contract.fields]


def second(call: Call, quantity: str, careful: bool) -> Iterator[str]:
    """The gradient of <gradients, directions>: by an argument, or, for a field, by its cotangent.

    The last statement is the expression of it.  ``careful``: gradients that depend on nothing are left out.
    """
    fields = list(call.case.contract.fields)
    names = ", ".join(held(call, n) for n in call.case.along)
    result = invoked(call) if len(fields) == 1 else f"[*{invoked(call)}]"
    ups = f"[{', '.join(cotangents(call))}]"
    if quantity in fields:
        yield f"up = {ups}"
    up = "up" if quantity in fields else ups
    unused = ", allow_unused=True" if careful else ""
    yield f"first = torch.autograd.grad({result}, [{names}], {up}, create_graph=True{unused})"
    moves = f"[{', '.join(direction(call, n) for n in call.case.along)}]"
    if careful:
        yield f"pairs = [(g, v) for g, v in zip(first, {moves}) if g is not None and g.requires_grad]"
        yield "torch.autograd.backward(*zip(*pairs))"
    else:
        yield f"torch.autograd.backward(first, {moves})"
    if quantity in fields:
        yield f"up[{fields.index(quantity)}].grad"
    else:
        name = quantity.removeprefix("grad_")
        whole = f"{held(call, name)}.grad"
        yield f"torch.view_as_real({whole})" if isinstance(call.case.layout(name).domain, Complex) else whole


def forward(call: Call, made: list[str], field: str) -> Iterator[str]:
    """The tangent of a field where the arguments move; ``made``: the statements that make the module.

    The last, an expression, belongs inside the ``with`` too.
    """
    yield "ad = torch.autograd.forward_ad"
    yield "with ad.dual_level():"
    for name in call.case.along:
        yield f"    {name} = ad.make_dual({name}, {direction(call, name)})"
    yield from (f"    {statement}" for statement in made)
    part = f".{field}" if len(call.case.contract.fields) > 1 else ""
    yield f"ad.unpack_dual({invoked(call)}{part}).tangent"
