"""How does a script show that a call changes something, or that the next one is answered otherwise?

Each way gives the statements that show what a message says, from the imports on; None where it cannot.  What a
script needs besides torch belongs to Python, or is what the message is about.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from conformance.answers import with_parameters
from conformance.case import Case
from conformance.purity import fewer_rows, with_dtype, with_reduction
from conformance.reproducers.answering import (
    agreeing,
    answer,
    deciding,
    fields,
    named,
    next_to,
    twice,
    upstream,
)
from conformance.reproducers.spelled_derivatives import held
from conformance.reproducers.spelling import Call, invoked, made, setting, tensors

Way = Callable[..., list[str] | None]


def state_of(name: str) -> str:
    """The statement after which ``state()`` is what nobody may change of a tensor."""
    return f"state = lambda: repr(({name}.tolist(), {name}._version, {name}.requires_grad, {name}.grad))"


def unchanged(state: str, before: list[str], act: str) -> list[str]:
    """A script that does something, and looks at ``state()`` before and after."""
    watched = [state, "before = state()", act]
    return [*before, *watched, *deciding("state() == before", "before, state()")]


def backward_of(call: Call, up: str | None = None) -> str:
    """A backward pass of ``result`` to all leaves; only the result, where there are none."""
    if not call.leaves:
        return "result"
    leaves = ", ".join(held(call, k) for k in call.leaves if call.case.arguments[k] is not None)
    given = up or f"[{', '.join(upstream(call))}]"
    return f"torch.autograd.grad({fields(call, 'result')}, [{leaves}], {given}, allow_unused=True)"


def forward_and_backward(call: Call) -> str:
    """A whole pass, in one expression."""
    return backward_of(call).replace(fields(call, "result"), fields(call, invoked(call)), 1)


def changes_forward(call: Call, name: str) -> list[str]:
    return unchanged(state_of(held(call, name)), setting(call), invoked(call))


def changes_backward(call: Call, name: str) -> list[str]:
    before = [*setting(call), f"result = {invoked(call)}"]
    return unchanged(state_of(held(call, name)), before, backward_of(call))


def changes_upstream(call: Call, field: str) -> list[str] | None:
    place = list(call.case.contract.fields).index(field)
    before = [*setting(call), f"result = {invoked(call)}", f"up = [{', '.join(upstream(call))}]"]
    return unchanged(state_of(f"up[{place}]"), before, backward_of(call, "up")) if call.leaves else None


def changes_module(call: Call, path: str) -> list[str]:
    """An attribute of the module, or of one inside it; of tensors all digits are compared."""
    part, _, name = path.rpartition(".")
    holder = f'loss.get_submodule("{part}")' if part else "loss"
    if name in ("_buffers", "_parameters"):
        state = f"state = lambda: [t.tolist() for t in {holder}.{name[1:]}()]"
        return unchanged(state, setting(call), forward_and_backward(call))
    value = f'value = lambda: vars({holder}).get("{name}")'
    state = "state = lambda: repr(value().tolist() if torch.is_tensor(value()) else value())"
    return unchanged(state, [*setting(call), value], forward_and_backward(call))


#: By name: the import, a draw that makes the state a new one, and the state.
GENERATORS = {
    "torch": ([], "torch.rand(())", "torch.get_rng_state().tolist()"),
    "torch on CUDA": ([], 'torch.rand((), device="cuda")', "torch.cuda.get_rng_state().tolist()"),
    "NumPy": (["import numpy"], "numpy.random.rand()", "repr(numpy.random.get_state())"),
    "Python": (["import random"], "random.random()", "random.getstate()"),
}


def touches_random_numbers(call: Call, name: str) -> list[str]:
    imported, draw, state = GENERATORS[name]
    before = [*imported, *setting(call), draw, f"before = {state}", forward_and_backward(call)]
    return [*before, f"same = {state} == before", *deciding("same")]


#: By name: the import, and how a setting is read.
SETTINGS = {
    "the grad mode": ([], "torch.is_grad_enabled()"),
    "the default dtype": ([], "torch.get_default_dtype()"),
    "the default device": ([], "torch.get_default_device()"),
    "deterministic algorithms": (
        [],
        "(torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled())",
    ),
    "the number of threads": ([], "torch.get_num_threads()"),
    "anomaly detection": ([], "torch.is_anomaly_enabled()"),
    "the precision of matrix products": ([], "torch.get_float32_matmul_precision()"),
    "flushing of subnormal numbers": ([], "(torch.tensor(2.0**-140) * 1.0).item()"),
    "filters of warnings": (["import warnings"], "repr(warnings.filters)"),
    "NumPy's handling of errors": (["import numpy"], "numpy.geterr()"),
}


def changes_setting(call: Call, name: str) -> list[str]:
    """A setting of the process, before the module is made and after a call."""
    imported, read = SETTINGS[name]
    state = [f"state = lambda: {read}", "before = state()"]
    acts = [*made(call), forward_and_backward(call)]
    return [*imported, *tensors(call), *state, *acts, *deciding("state() == before", "before, state()")]


def second_call(call: Call, quantity: str) -> list[str]:
    return twice(call, quantity, [])


def second_backward(call: Call, quantity: str) -> list[str] | None:
    if quantity.removeprefix("grad_") not in call.leaves:
        return None
    asked = answer(call, quantity, "result", ", retain_graph=True")
    passes = [f"result = {invoked(call)}", f"first = {asked}", f"second = {asked}"]
    return [*setting(call), *passes, *agreeing(call, quantity)]


def later(call: Call) -> Call:
    """The next call of the case; after the last one, the first."""
    return replace(call, number=(call.number + 1) % call.whole.calls)


def after_later_call(call: Call, quantity: str) -> list[str] | None:
    """A backward pass after another call; the first answer comes without one in between."""
    if call.whole.calls < 2:
        return None
    given, act = next_to(call, later(call))
    asked = [f"first = {answer(call, quantity)}", f"result = {invoked(call)}", *given, act]
    return [*setting(call), *asked, f"second = {answer(call, quantity, 'result')}", *agreeing(call, quantity)]


def next_to_another(call: Call, quantity: str, of: Callable) -> list[str] | None:
    """Another instance, made and called in between."""
    other = of(call.case)
    if other is None:
        return None
    also = replace(call, whole=other, number=0, leaves=(), mode="eager")
    acts = [*named(made(also), "other"), invoked(also).replace("loss(", "other(", 1)]
    return twice(call, quantity, [*made(call), *acts])


def next_to_other_options(call: Call, quantity: str) -> list[str] | None:
    return next_to_another(call, quantity, with_parameters)


def next_to_other_reduction(call: Call, quantity: str) -> list[str] | None:
    return next_to_another(call, quantity, with_reduction)


def after_larger(call: Call, quantity: str) -> list[str] | None:
    """Fewer rows, asked of a new module, and of one that has been called with all of them."""
    small = fewer_rows(call.case)
    if small is None:
        return None
    few = replace(call, whole=small, number=0)
    given, act = next_to(few, call)
    return twice(few, quantity, [*made(few), *given, act])


def after_smaller(call: Call, quantity: str) -> list[str] | None:
    """The same call twice, fewer rows in between."""
    return around(call, quantity, fewer_rows(call.case))


def after_wider(call: Call, quantity: str) -> list[str] | None:
    """The same call twice, another dtype in between."""
    return around(call, quantity, with_dtype(call.case))


def around(call: Call, quantity: str, other: Case | None) -> list[str] | None:
    if other is None:
        return None
    given, act = next_to(call, replace(call, whole=other, number=0))
    return twice(call, quantity, [*given, act])


def after_others(call: Call, quantity: str) -> list[str] | None:
    """A call that is the first of its module, and one that is not."""
    if call.whole.calls < 2:
        return None
    given, act = next_to(call, later(call))
    return twice(call, quantity, [*made(call), *given, act])


def in_mode(call: Call, quantity: str, name: str) -> list[str]:
    before = ["loss.eval()", invoked(call)] if name == "train" else []
    return twice(call, quantity, [*before, f"loss.{name}()"])


def without_graph(call: Call, quantity: str, context: str = "torch.no_grad()", inside: bool = False) -> list[str]:
    """The value inside a context; ``inside``: the module is made there too."""
    acts = [*(made(call) if inside else []), f"second = {answer(call, quantity)}"]
    asked = [f"first = {answer(call, quantity)}", f"with {context}:", *(f"    {s}" for s in acts)]
    return [*setting(call), *asked, *agreeing(call, quantity)]


def in_inference(call: Call, quantity: str) -> list[str] | None:
    return None if call.leaves else without_graph(call, quantity, "torch.inference_mode()")


def made_in_inference(call: Call, quantity: str) -> list[str] | None:
    return None if call.leaves else without_graph(call, quantity, "torch.inference_mode()", inside=True)


#: What makes a copy, by the words for it.
COPIES = {
    "a deep copy": ("import copy", "copy.deepcopy(loss)"),
    "a pickled module": ("import pickle", "pickle.loads(pickle.dumps(loss))"),
}


def copied(call: Call, quantity: str, words: str) -> list[str]:
    """What a copy answers."""
    imported, copy = COPIES[words]
    return [imported, *twice(call, quantity, [f"loss = {copy}"])]


def next_to_copy(call: Call, quantity: str, words: str) -> list[str]:
    """What a module answers before and after its copy does."""
    imported, copy = COPIES[words]
    return [imported, *twice(call, quantity, [f"twin = {copy}", invoked(call).replace("loss(", "twin(", 1)])]


#: What a message says, and the ways to show it, which take the words in brackets.
WAYS: dict[str, tuple[Way, ...]] = {
    r"changes (\w+) in the forward pass": (changes_forward,),
    r"changes (\w+) in the backward pass": (changes_backward,),
    r"changes the upstream gradient of (\w+)": (changes_upstream,),
    r"changes the module's (\S+)": (changes_module,),
    rf"touches the random numbers of ({'|'.join(GENERATORS)})": (touches_random_numbers,),
    rf"changes ({'|'.join(SETTINGS)})": (changes_setting,),
    r"(\w+) of the second call is another one": (second_call,),
    r"(\w+) of the second backward pass is another one": (second_backward,),
    r"(\w+) is another one after a later call": (after_later_call,),
    r"(\w+) is another one next to another instance": (next_to_other_options, next_to_other_reduction),
    r"(\w+) is another one after another shape": (after_larger, after_smaller),
    r"(\w+) is another one after another shape or dtype": (after_wider,),
    r"(\w+) depends on the order of calls": (after_others,),
    r"(\w+) is another one after (eval|train)\(\)": (in_mode,),
    r"(\w+) is another one under no_grad": (without_graph,),
    r"(\w+) is another one in inference mode": (in_inference, made_in_inference),
    r"(\w+) of (a deep copy|a pickled module) is another one": (copied,),
    r"(\w+) is another one next to (a deep copy|a pickled module)": (next_to_copy,),
}
