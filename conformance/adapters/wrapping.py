"""How is one adapter put around another?  Each takes a class, a function or a subject, and returns a subject."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from conformance.construction import call_like_torch, make_like_torch
from conformance.declared import Declared
from conformance.subject import Subject
from conformance.supports import Supports

Loss = Callable | Subject

#: Checks that a subject which is made in its own way is not asked.
OF_CONSTRUCTORS = Supports(without_checks=("legacy",))


def adapted(
    loss: Loss,
    like: str | None,
    *,
    call: Callable | None = None,
    make: Callable | None = None,
    supports: Supports | None = None,
    deviations: tuple[Declared, ...] = (),
    outside: tuple[str, ...] = (),
) -> Subject:
    """A loss, adapted further.

    ``call(before, case, module, inputs)`` and ``make(before, factory, case, tensors)`` stand in for what the subject
    did ``before``.  What it ``supports`` is what both say.
    """
    base = loss if isinstance(loss, Subject) else Subject(loss, like=like)
    base = base if like is None else replace(base, like=like)
    limits = narrowed(supports, narrowed(OF_CONSTRUCTORS if make else None, base.supports))
    return replace(
        base,
        call=partial(call, base.call or call_like_torch) if call else base.call,
        make=partial(make, base.make or make_like_torch) if make else base.make,
        supports=limits, deviations=(*deviations, *base.deviations), outside=(*outside, *base.outside),
    )  # fmt: skip


def narrowed(one: Supports | None, other: Supports | None) -> Supports | None:
    """What two limits let through together."""
    if one is None or other is None:
        return one or other
    return replace(one, also=narrowed(one.also, other))


def class_axis(input) -> int:
    """Where the classes of an input are: first without a batch, else second."""
    return 1 if input.ndim > 1 else 0
