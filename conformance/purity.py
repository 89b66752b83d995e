"""Does a call leave everything as it was, and is the next one answered as if it were the first?

Every question is a function of a session; it returns what is wrong, in stable words.
"""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from conformance.answers import another, answers, differentiable, differing, stacked, tape, with_parameters
from conformance.case import loop_dimensions
from conformance.global_state import FILTERS, GENERATORS, SETTINGS, changes, stir
from conformance.reduction import unreduced
from conformance.session import Refused, Session, refusals
from conformance.smaller import take

Question = Callable[[Session], list[str]]

#: Calls of a case that are looked at one by one.
FEW = 2


def bits(tensor: torch.Tensor) -> bytes:
    """Every bit of the numbers of a tensor."""
    own = torch.empty(tensor.numel(), dtype=tensor.dtype).copy_(tensor.detach().reshape(-1))
    return own.view(torch.uint8).numpy().tobytes()


def state(tensor: torch.Tensor) -> tuple:
    """What a subject may not change of a tensor that it is given."""
    return bits(tensor), tensor._version, tensor.requires_grad, None if tensor.grad is None else bits(tensor.grad)


def inputs_unchanged(session: Session) -> list[str]:
    """Numbers, version counters and ``.grad`` of all that is given, after forward and backward pass."""
    names, found = differentiable(session), []
    for call in range(min(FEW, session.case.calls)):
        shared = {k: t.requires_grad_() for k, t in session.leaves(names).items()}
        inputs = session.inputs(call, names)
        given = {k: t for k, t in (session.shared | shared | inputs).items() if t is not None}
        before = {k: state(t) for k, t in given.items()}
        recorded = session.tape(call, names, inputs, shared)
        found += [f"changes {k} in the forward pass" for k, t in given.items() if state(t) != before[k]]
        upstream = {k: state(t) for k, t in recorded.upstream.items()}
        before = {k: state(t) for k, t in given.items()}
        recorded.gradients()
        found += [f"changes {k} in the backward pass" for k, t in given.items() if state(t) != before[k]]
        found += [
            f"changes the upstream gradient of {k}" for k, t in recorded.upstream.items() if state(t) != upstream[k]
        ]
    return found


def attributes(module) -> dict[str, object]:
    """Everything that a module holds, by path: buffers and parameters bit by bit."""
    parts = dict(module.named_modules()) if isinstance(module, torch.nn.Module) else {"": module}
    return {
        f"{path}.{name}".lstrip("."): frozen(value)
        for path, part in parts.items()
        for name, value in getattr(part, "__dict__", {}).items()
    }


def frozen(value):
    """Something that can be compared later."""
    if isinstance(value, torch.Tensor):
        return bits(value)
    if isinstance(value, dict):
        return {k: frozen(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set):
        return [frozen(v) for v in value]
    return repr(value)


def module_unchanged(session: Session) -> list[str]:
    """Attributes, buffers, parameters and hooks of the module."""
    names = differentiable(session)
    session.leaves(names)
    before = attributes(session.module)
    answers(session, names)
    after = attributes(session.module)
    return [f"changes the module's {k}" for k in sorted({*before, *after}) if before.get(k) != after.get(k)]


def rng(session: Session) -> list[str]:
    """The random numbers that others draw after a call; a module may draw some for its parameters."""
    names: list[str] = []
    changes(GENERATORS, lambda: names.extend(differentiable(session)))
    stir()
    touched = changes(GENERATORS, lambda: answers(session, tuple(names)))
    return [f"touches the random numbers of {name}" for name in touched]


def modes(session: Session) -> list[str]:
    """Settings of the process, which :func:`leaving_settings` looks at."""
    answers(session, differentiable(session))
    return []


def leaving_settings(ask: Callable[[], list[str]]) -> tuple[list[str], list[str]]:
    """What ``ask`` answers, and which settings of the process it changes, words for either; they are put back.

    Modules that a first call imports may filter warnings: only filters that the next call sets again count.
    """
    wrong: list[str] = []
    touched = changes(SETTINGS, lambda: wrong.extend(ask()))
    if FILTERS in touched and FILTERS not in changes(SETTINGS, ask):
        touched.remove(FILTERS)
    return wrong, [f"changes {name}" for name in touched]


def second_call(session: Session) -> list[str]:
    """The same module, the same numbers."""
    names = differentiable(session)
    first, second = answers(session, names), answers(session, names)
    return [f"{k} of the second call is another one" for k in differing(session.case, first, second)]


def second_backward(session: Session) -> list[str]:
    """A second pass over the same graph, which was retained."""
    names = differentiable(session)
    tapes = [tape(session, call, names) for call in range(session.case.calls)]
    first = stacked(session, [t.gradients(retain=True) for t in tapes])
    second = stacked(session, [t.gradients() for t in tapes])
    return [f"{k} of the second backward pass is another one" for k in differing(session.case, first, second)]


def two_outputs(session: Session) -> list[str]:
    """Several calls before the first backward pass, whose passes come in the reverse order."""
    names = differentiable(session)
    alone = answers(another(session), names)
    tapes = [tape(session, call, names) for call in range(session.case.calls)]
    last_first = [t.gradients() for t in reversed(tapes)]
    found = stacked(session, last_first[::-1])
    return [f"{k} is another one after a later call" for k in differing(session.case, found, alone)]


def interleaved(session: Session) -> list[str]:
    """Another instance, of other options or another reduction, made and called in between."""
    case, names = session.case, differentiable(session)
    alone = answers(another(session), names)
    first = another(session)
    for other in filter(None, (with_parameters(case), with_reduction(case))):
        _ignoring_refusals(lambda other=other: answers(another(session, other), ()))
    return [f"{k} is another one next to another instance" for k in differing(case, answers(first, names), alone)]


def with_reduction(case):
    """The case unreduced, where it is reduced."""
    return unreduced(case) if case.reduction != "none" else None


def another_shape(session: Session) -> list[str]:
    """The same module called with fewer rows, and with another dtype, in between."""
    case, names = session.case, differentiable(session)
    own = tuple(n for n in names if n in session.positional or n in session.held(session.module))
    before = answers(session, names)
    found = []
    small = fewer_rows(case)
    if small is not None:
        alone = answers(another(session, small), own)
        after = answers(another(session, small, session.module), own)
        found += [f"{k} is another one after another shape" for k in differing(small, alone, after)]
    wider = with_dtype(case)
    if wider is not None:
        _ignoring_refusals(lambda: answers(another(session, wider, session.module), ()))
    after = answers(session, names)
    return found + [f"{k} is another one after another shape or dtype" for k in differing(case, before, after)]


def fewer_rows(case):
    """The case without its last row, where the module need not be another one for that; or None."""
    for dim in loop_dimensions(case.contract):
        for axis, size in enumerate(case.sizes[dim.name]):
            small = take(case, dim.name, axis, np.arange(size - 1)) if size > 1 else None
            if small is not None and all(_same_shape(case, small, k) for k in case.arguments if case.is_shared(k)):
                return small
    return None


def _same_shape(case, small, name: str) -> bool:
    array = case.arguments[name]
    return array is None or array.shape == small.arguments[name].shape


def with_dtype(case):
    """The case in a dtype that holds its numbers too; None where there is none."""
    wider = {"float16": "float32", "bfloat16": "float32", "float32": "float64", "complex64": "complex128"}
    return replace(case, dtype=wider[case.dtype]) if case.dtype in wider else None


def order_reversed(session: Session) -> list[str]:
    """The calls in the opposite order."""
    case, names = session.case, differentiable(session)
    backwards = case.select(np.arange(case.calls)[::-1])
    found = {k: a[::-1] for k, a in answers(another(session, backwards), names).items()}
    return [f"{k} depends on the order of calls" for k in differing(case, answers(session, names), found)]


def train_eval(session: Session) -> list[str]:
    """``eval()`` and ``train()`` make no difference to a loss."""
    if not isinstance(session.module, torch.nn.Module):
        return []
    names, found = differentiable(session), []
    before = answers(session, names)
    for name in ("eval", "train"):
        getattr(session.module, name)()
        found += [
            f"{k} is another one after {name}()" for k in differing(session.case, before, answers(session, names))
        ]
    return found


def no_grad(session: Session) -> list[str]:
    """The value is the same with and without a graph."""
    names = differentiable(session)
    without = session.values()
    with torch.enable_grad():
        tapes = [tape(session, call, names) for call in range(session.case.calls)]
    fields = {k: [t.fields.get(k) for t in tapes] for k in without}
    recorded = {k: np.stack([session.array(f) for f in each]) for k, each in fields.items() if None not in each}
    return [f"{k} is another one under no_grad" for k in differing(session.case, recorded, without)]


def inference_mode(session: Session) -> list[str]:
    """The value is the same in inference mode, whether the module was made in it or before."""
    without = session.values()
    with torch.inference_mode():
        found = [session.values(), another(session).values()]
    return [f"{k} is another one in inference mode" for each in found for k in differing(session.case, without, each)]


def copied(session: Session, copy_of: Callable, words: str) -> list[str]:
    """What a copy of the module answers, and the module itself next to its copy."""
    names = tuple(n for n in differentiable(session) if n in session.positional)
    before = answers(session, names)
    with refusals():
        twin = copy_of(session.module)
    found = differing(session.case, before, answers(another(session, module=twin), names))
    again = differing(session.case, before, answers(session, names))
    return [f"{k} of {words} is another one" for k in found] + [f"{k} is another one next to {words}" for k in again]


def deepcopied(session: Session) -> list[str]:
    """What ``copy.deepcopy`` makes of the module."""
    return copied(session, copy.deepcopy, "a deep copy")


def pickled(session: Session) -> list[str]:
    """What a round trip through pickle makes of the module."""
    return copied(session, lambda module: pickle.loads(pickle.dumps(module)), "a pickled module")


def _ignoring_refusals(act: Callable[[], object]) -> None:
    """Something that the subject may refuse: only what it leaves behind counts."""
    try:
        act()
    except Refused:
        return


QUESTIONS: dict[str, Question] = {
    "inputs-unchanged": inputs_unchanged,
    "module-unchanged": module_unchanged,
    "rng": rng,
    "modes": modes,
    "second-call": second_call,
    "second-backward": second_backward,
    "two-outputs": two_outputs,
    "interleaved": interleaved,
    "another-shape": another_shape,
    "order-reversed": order_reversed,
    "train-eval": train_eval,
    "no-grad": no_grad,
    "inference-mode": inference_mode,
    "deepcopy": deepcopied,
    "pickle": pickled,
}
