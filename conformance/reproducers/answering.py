"""How is one answer of a loss asked for in one expression, and when are two answers the same?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from conformance.reproducers.literals import plain, tensor
from conformance.reproducers.spelled_derivatives import held
from conformance.reproducers.spelling import Call, invoked, literal, options, setting
from reference.domains import Complex


def upstream(call: Call) -> list[str]:
    """The cotangent of every field."""
    dtype = {"complex64": "float32", "complex128": "float64"}.get(call.case.dtype, call.case.dtype)
    chosen = options(call, None if dtype == "float32" else dtype)
    return [tensor(np.asarray(call.case.cotangents[f][0]), chosen) for f in call.case.contract.fields]


def upstreams(call: Call) -> str:
    """The same as autograd takes them."""
    found = upstream(call)
    return found[0] if len(found) == 1 else f"[{', '.join(found)}]"


def fields(call: Call, result: str) -> str:
    """A result as autograd takes it: its fields, if there are several."""
    return result if len(call.case.contract.fields) == 1 else f"[*{result}]"


def differentiated(call: Call, argument: str, result: str, rest: str = "") -> str:
    """The gradient of an argument, as an expression; None where there is none."""
    given = f"{fields(call, result)}, {held(call, argument)}, {upstreams(call)}{rest}, allow_unused=True"
    return f"torch.autograd.grad({given})[0]"


def real(call: Call, quantity: str, expression: str) -> str:
    """The real and the imaginary part in a last dimension, where a gradient is complex."""
    name = quantity.removeprefix("grad_")
    is_complex = name != quantity and isinstance(call.case.layout(name).domain, Complex)
    return f"torch.view_as_real({expression})" if is_complex else expression


def answer(call: Call, quantity: str, result: str | None = None, rest: str = "") -> str:
    """A field of the result, or a gradient, as an expression of the tensors by name and of ``loss``.

    ``result``: what stands for the call.  ``rest``: what is told to autograd besides.
    """
    result, name = result or invoked(call), quantity.removeprefix("grad_")
    if name != quantity:
        return real(call, quantity, differentiated(call, name, result, rest))
    return f"{result}.{quantity}" if len(call.case.contract.fields) > 1 else result


def twice(call: Call, quantity: str, between: list[str]) -> list[str]:
    """A script that asks for the same twice, and does something in between."""
    asked = answer(call, quantity)
    return [*setting(call), f"first = {asked}", *between, f"second = {asked}", *agreeing(call, quantity)]


def agreeing(call: Call, quantity: str, times: float = 1.0) -> list[str]:
    """The end of a script: whether ``second`` is ``first``, up to what another order of a sum may cost."""
    expected = call.whole.expected(quantity)
    right = f"(first - second).abs() <= {_allowed(call, times * np.asarray(expected.error[call.number]))}"
    value = np.abs(np.asarray(expected.value[call.number]))
    if not (value < call.case.format.max / 2).all():
        right = f"({right}) | (first == second) | (first != first) & (second != second)"
    there = "second is not None and " if quantity.startswith("grad_") else "second.shape == first.shape and "
    return ['print("expected", first, "got", second)', f"raise SystemExit(0 if {there}({right}).all() else 1)"]


def _allowed(call: Call, bound: np.ndarray) -> str:
    """How far two answers may be apart: one number, or one for each element."""
    if bound.size and (bound == bound.flat[0]).all():
        return plain(float(bound.flat[0]))
    numbers = repr(bound.tolist()).replace("inf", "torch.inf")
    return f"torch.tensor({', '.join([numbers, *options(call, 'float64')])})"


def deciding(right: str, got: str | None = None) -> list[str]:
    """The end of a script: whether an expression is true; ``got``: what is printed."""
    return [f'print("expected {_quoted(right)}, got", {got or right})', f"raise SystemExit(0 if {right} else 1)"]


def _quoted(expression: str) -> str:
    return expression.replace('"', "'")


def next_to(call: Call, other: Call) -> tuple[list[str], str]:
    """Statements for the tensors of another call, named ``input_2``, and the call itself."""
    given = [k for k in other.case.contract.positional if other.case.arguments[k] is not None]
    quiet = replace(other, leaves=())
    return [f"{k}_2 = {literal(quiet, k)}" for k in given], f"loss({', '.join(f'{k}_2' for k in given)})"


def named(statements: list[str], name: str) -> list[str]:
    """What makes ``loss``, for a module of another name."""
    return [f"{name}{s.removeprefix('loss')}" if s.startswith(("loss = ", "loss.")) else s for s in statements]
