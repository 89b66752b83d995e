"""Does every differentiable argument get its gradient, in all the ways in which one may ask for it?

Every question is a function of a session; it returns what is wrong, in stable words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import torch

from conformance.answers import another, answers, differentiable, differing, stacked, tape
from conformance.session import Refused, Session, Tape

Question = Callable[[Session], list[str]]
Gradients = dict[str, torch.Tensor | None]


def gradients(session: Session, names: tuple[str, ...]):
    """The gradients alone, as :func:`conformance.answers.answers` has them."""
    return {k: a for k, a in answers(another(session), names).items() if k.startswith("grad_")}


def of_every_call(session: Session, names: tuple[str, ...], ask: Callable[[Session, int], Gradients]):
    """The gradients that a way of asking gives for every call, stacked."""
    return stacked(session, [ask(session, call) for call in range(session.case.calls)])


def requires_grad(session: Session) -> list[str]:
    """The result requires a gradient as soon as one differentiable argument does, and not before."""
    names, found = differentiable(session), []
    for name in names:
        if not tape(another(session), 0, (name,)).fields:
            found.append(f"the result does not require grad when {name} does")
    fields = session.evaluate(session.inputs(0))
    if any(f.requires_grad for f in fields.values()) and not session.held(session.module):
        found.append("the result requires grad when no argument does")
    return found


def alone(session: Session) -> list[str]:
    """The gradient of an argument is the same whether or not others require one."""
    names = differentiable(session)
    together = gradients(session, names)
    each = [gradients(session, (name,)) for name in names]
    return [f"{k} is another one without the others" for one in each for k in differing(session.case, one, together)]


def twice(session: Session, names: tuple[str, ...], call: int) -> Iterator[Gradients]:
    """What ``.grad`` holds after one backward pass, and after a second one to the same leaves."""
    shared = {k: t.requires_grad_() for k, t in session.leaves(names).items()}
    inputs = session.inputs(call, names)
    for leaf in (leaves := {k: (shared | inputs)[k] for k in names}).values():
        leaf.grad = None
    for _ in range(2):
        session.tape(call, names, inputs, shared).backward()
        yield {k: None if t.grad is None else t.grad.clone() for k, t in leaves.items()}


def accumulates(session: Session) -> list[str]:
    """``backward()`` adds the gradient to what ``.grad`` holds."""
    case, names = session.case, differentiable(session)
    passes = [list(twice(session, names, call)) for call in range(case.calls)]
    expected = gradients(session, names)
    once, again = (stacked(session, [p[i] for p in passes]) for i in (0, 1))
    doubled = {k: case.format.round(2 * g) for k, g in expected.items()}  # may overflow
    return [f"{k} is not what backward() leaves in .grad" for k in differing(case, expected, once)] + [
        f"{k} does not add up in .grad" for k in differing(case, doubled, again, times=2)
    ]


def form(session: Session) -> list[str]:
    """Every gradient has the dtype, the shape and the device of its argument."""
    names, found = differentiable(session), []
    recorded = tape(session, 0, names)
    for name, gradient in recorded.gradients().items():
        leaf = recorded.leaves[name]
        for what in ("dtype", "shape", "device"):
            if gradient is not None and getattr(gradient, what) != getattr(leaf, what):
                found.append(f"grad_{name} has another {what} than {name}")
    return found


def unasked(session: Session) -> list[str]:
    """What does not require a gradient gets none."""
    found = []
    for name in differentiable(session):
        asked = another(session)
        shared, inputs = asked.leaves((name,)), asked.inputs(0, (name,))
        asked.tape(0, (name,), inputs, {k: t.requires_grad_() for k, t in shared.items()}).backward()
        others = {k: t for k, t in (asked.shared | inputs).items() if t is not None and k != name and k not in shared}
        found += [f"{k} gets a gradient that nobody asked for" for k, t in others.items() if t.grad is not None]
    return found


def hooks(session: Session) -> list[str]:
    """A hook on an argument is called once, with its gradient."""
    names, counts = differentiable(session), []

    def heard(session: Session, call: int) -> Gradients:
        shared, inputs = {k: t.requires_grad_() for k, t in session.leaves(names).items()}, session.inputs(call, names)
        calls: dict[str, list[torch.Tensor]] = {name: [] for name in names}
        handles = [(shared | inputs)[name].register_hook(calls[name].append) for name in names]
        found = session.tape(call, names, inputs, shared).gradients()
        for handle in handles:
            handle.remove()
        counts.extend(name for name in names if found[name] is not None and len(calls[name]) != 1)
        return {name: calls[name][-1] if calls[name] else None for name in names}

    found = of_every_call(session, names, heard)
    wrong = differing(session.case, gradients(session, names), found)
    return [f"a hook on {k} is not called once" for k in counts] + [f"a hook hears another {k}" for k in wrong]


def flows_on(session: Session) -> list[str]:
    """The gradient of an argument that is itself a result reaches what it was computed from."""
    names = tuple(n for n in differentiable(session) if n in session.positional)

    def through(session: Session, call: int) -> Gradients:
        bases = session.inputs(call, names)
        inputs = bases | {k: bases[k] * 1 for k in names}
        recorded = session.tape(call, names, inputs, {})
        return replace(recorded, leaves={k: bases[k] for k in names}).gradients()

    found = of_every_call(session, names, through)
    return [f"{k} does not flow on" for k in differing(session.case, gradients(session, names), found)]


def once_only(session: Session) -> list[str]:
    """A second pass over a graph that was not retained is refused, or gives the same gradient."""
    return lenient(session, lambda recorded: recorded.gradients(), "in a second pass over a graph that was freed")


def saved(session: Session) -> list[str]:
    """A change of an argument before the backward pass is noticed, or makes no difference."""

    def change(recorded: Tape) -> None:
        with torch.no_grad():
            for leaf in recorded.leaves.values():
                leaf.add_(1)

    return lenient(session, change, "silently, when arguments are changed before the backward pass")


def lenient(session: Session, before: Callable[[Tape], object], words: str) -> list[str]:
    """Gradients of every call after something that may make the subject refuse: then nothing is wrong."""
    names = tuple(n for n in differentiable(session) if n in session.positional)
    expected = gradients(session, names)
    tapes = [tape(another(session), call, names) for call in range(session.case.calls)]
    try:
        for recorded in tapes:
            before(recorded)
        found = stacked(session, [recorded.gradients() for recorded in tapes])
    except Refused:
        return []
    return [f"{k} is another one {words}" for k in differing(session.case, expected, found)]


QUESTIONS: dict[str, Question] = {
    "requires-grad": requires_grad,
    "alone": alone,
    "accumulates": accumulates,
    "form": form,
    "unasked": unasked,
    "hooks": hooks,
    "flows-on": flows_on,
    "once-only": once_only,
    "saved": saved,
}
