"""What a mode is: a way to execute a subject on the same cases, against the same oracle."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from conformance.construction import call_like_torch
from conformance.refusal import Malformed


def of_inputs(session, field: str, tensor) -> None:
    """The dtype of a field of the result is that of the inputs, real where they are complex."""
    expect_dtype(field, tensor, session.dtype.to_real() if session.dtype.is_complex else session.dtype)


def expect_dtype(field: str, tensor, expected, by: str = "the contract") -> None:
    """Raise Malformed where a tensor has another dtype."""
    if tensor.dtype != expected:
        found, wanted = (str(dtype).removeprefix("torch.") for dtype in (tensor.dtype, expected))
        raise Malformed(f"{field} has dtype {found}, {by} says {wanted}")


@dataclass(frozen=True)
class Mode:
    """One way of execution.

    ``prepare(session)`` returns ``f(inputs)``, which evaluates one call on its tensors, by name, and returns what
    the subject returns.  ``values(session)`` and ``gradients(session, names)`` stand in for those of
    :class:`conformance.session.Session`, where all calls are evaluated at once or derivatives are taken in
    another way, ``tangents(session, direction)`` for those of :mod:`conformance.differentiation`.
    ``checks``: those that are asked in this mode.  ``sample``: how many of the (dtype, reduction) of a loss each
    question takes, None for as many as in eager mode.  ``blocks``: the most blocks of cases per row.
    ``dtypes``: those that it is about, None for all.  ``alter(item, case)``: what it makes of a case of a row, None
    where it is not about it.  ``backward()``: the settings of the process in force during backward passes.
    ``lacks(error)``: whether an exception says that torch cannot execute something in this mode: a skip.
    ``strict``: whether everything that eager mode answers must be answered, be it said to be not supported.
    ``typed(session, field, tensor)`` raises Malformed where a field of the result has not the dtype that it should.
    ``choose(item, cases)``: which of the cases of a row are taken, in order, where they cost much.  ``tries``: how
    many smaller cases may be tried for a failure.  ``perilous(invalid)``: whether an invalid call may end the process.
    """

    name: str
    prepare: Callable
    values: Callable | None = None
    gradients: Callable | None = None
    tangents: Callable | None = None
    checks: tuple[str, ...] | None = None
    sample: int | None = None
    blocks: int | None = None
    dtypes: tuple[str, ...] | None = None
    alter: Callable = lambda item, case: case
    backward: Callable[[], AbstractContextManager] = nullcontext
    lacks: Callable[[BaseException], bool] = lambda error: False
    strict: bool = False
    typed: Callable = of_inputs
    choose: Callable[..., Iterable] = lambda item, cases: cases
    tries: int | None = None
    perilous: Callable[..., bool] = lambda invalid: False

    def asks(self, check: str) -> bool:
        """Whether a check is asked in this mode."""
        return self.checks is None or check in self.checks


#: Every mode by name.
MODES: dict[str, Mode] = {}


def mode(name: str, **options) -> Callable[[Callable], Callable]:
    """Register the decorated ``prepare(session)`` as a mode; ``options`` are the fields of :class:`Mode`."""

    def register(prepare: Callable) -> Callable:
        if name in MODES:
            raise ValueError(f"{name} is registered twice")
        MODES[name] = Mode(name, prepare, **options)
        return prepare

    return register


def call_of(session) -> Callable:
    """``f(inputs)``: the subject's own call on the session's module, as eager mode makes it."""
    call = session.subject.call or call_like_torch
    return lambda inputs: call(session.case, session.module, inputs)
