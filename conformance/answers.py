"""What does a subject answer to a case, in all quantities, and are two of its answers the same?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from conformance.case import Case
from conformance.session import Refused, Session, Tape

Answers = dict[str, np.ndarray]


def another(session: Session, case: Case | None = None, module=None) -> Session:
    """A session of the same subject: on another case, or with a module that is there already."""
    new = Session(session.subject, case or session.case, session.device, mode=session.mode.name)
    if module is not None:
        new.module = module
    return new


def differentiable(session: Session) -> tuple[str, ...]:
    """The arguments that the subject has gradients for."""
    names = session.case.differentiable
    if is_able(session, names):
        return names
    return tuple(n for n in names if is_able(session, (n,)))


def is_able(session: Session, names: tuple[str, ...]) -> bool:
    try:
        another(session).gradients(names)
    except Refused:
        return False
    return True


def answers(session: Session, names: tuple[str, ...]) -> Answers:
    """Every field, and the gradients of some arguments, shape (calls, ...)."""
    found = session.values()
    gradients = session.gradients(names) if names else {}
    return found | {k: g.array for k, g in gradients.items() if g.array is not None}


def tape(session: Session, call: int, names: tuple[str, ...]) -> Tape:
    """One call, ready for its backward pass."""
    shared = {k: t.requires_grad_() for k, t in session.leaves(names).items()}
    return session.tape(call, names, session.inputs(call, names), shared)


def stacked(session: Session, tapes_gradients) -> Answers:
    """The gradients of all calls, as :func:`answers` has them."""
    found: Answers = {}
    for name in tapes_gradients[0]:
        each = session.stack([g[name] for g in tapes_gradients])
        if each.array is not None:
            found[f"grad_{name}"] = each.array
    return found


def differing(case: Case, first: Answers, second: Answers, times: float = 1.0) -> list[str]:
    """The quantities that differ: in any bit, and by more than the order of a sum may cost ``times`` over."""
    return [k for k in first if k not in second or not same(case, k, first[k], second[k], times)]


def same(case: Case, quantity: str, a: np.ndarray, b: np.ndarray, times: float = 1.0) -> bool:
    """Whether two answers are the same bit by bit, or within the oracle's bound of each other."""
    if a.shape != b.shape:
        return False
    if a.tobytes() == b.tobytes():
        return True
    bound = times * case.expected(quantity).error
    with np.errstate(all="ignore"):
        close = (a == b) | np.isnan(a) & np.isnan(b) | (abs(a - b) <= bound)
    return bool((close | np.isinf(bound)).all())


def with_parameters(case: Case) -> Case | None:
    """The case with other options: the next of a list, or half of a number; None where it has none."""
    changed = {k: _other(case, k, v) for k, v in case.parameters.items() if k not in _needed(case)}
    changed = {k: v for k, v in changed.items() if repr(v) != repr(case.parameters[k])}
    return replace(case, parameters=dict(case.parameters) | changed) if changed else None


def _needed(case: Case) -> set[str]:
    """Parameters that arguments are drawn by."""
    domains = [case.layout(name).domain for name in case.arguments]
    return {getattr(d, key, None) for d in domains for key in ("ignore", "blank", "on")} - {None}


def _other(case: Case, name: str, value):
    domain = case.contract.parameters[name]
    values = getattr(domain, "values", None)
    if values is not None:
        return values[(values.index(value) + 1) % len(values)]
    half = value / 2 if isinstance(value, float) else value
    return half if getattr(domain, "low", 0.0) <= half else value
