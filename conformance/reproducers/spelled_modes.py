"""How is a module, ``loss``, executed in another mode, in Python?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from conformance.case import Case
from conformance.modes.kinds import is_dynamic


def compiled(case: Case, arguments: str) -> Iterator[str]:
    """Through torch.compile, for dynamic shapes where the case is compiled for them."""
    yield f"loss = torch.compile(loss, dynamic={is_dynamic(case)})"


def exported(case: Case, arguments: str) -> Iterator[str]:
    """As the program that torch.export makes of this very call."""
    yield f"loss = torch.export.export(loss, ({arguments},)).module()"


def scripted(case: Case, arguments: str) -> Iterator[str]:
    """Through torch.jit.script, after the two runs that torch observes."""
    yield "loss = torch.jit.script(loss)"
    yield f"seen = [loss({arguments}) for _ in range(2)]"


def within(context: str) -> Callable[[Case, str], Iterator[str]]:
    """Inside a context, an expression of the first argument's name, which decorates the forward pass."""

    def spelled(case: Case, arguments: str) -> Iterator[str]:
        yield f"loss.forward = {context.format(first=arguments.partition(',')[0])}(loss.forward)"

    return spelled


def transformed(call: str) -> Callable[[Case, str], Iterator[str]]:
    """By a transform, an expression of ``one``, the module's own forward pass, and of ``given``, its arguments."""

    def spelled(case: Case, arguments: str) -> Iterator[str]:
        yield "one = loss.forward"
        yield f"loss.forward = lambda *given: {call}"

    return spelled


def deterministic(case: Case, arguments: str) -> Iterator[str]:
    """While only deterministic algorithms are allowed."""
    yield "torch.use_deterministic_algorithms(True)"


def handed(case: Case, arguments: str) -> Iterator[str]:
    """By a module of NaN, to which the true parameters and buffers are handed over."""
    yield 'hollow = __import__("copy").deepcopy(loss)'
    yield "held = dict(loss.named_parameters()) | dict(loss.named_buffers())"
    yield "_ = [t.data.fill_(torch.nan) for t in [*hollow.parameters(), *hollow.buffers()]]"
    yield "loss.forward = lambda *given: torch.func.functional_call(hollow, held, given)"


#: What each mode makes of ``loss``, given the arguments of the call as text.
MODES: Mapping[str, Callable[[Case, str], Iterator[str]]] = {
    "eager": lambda case, arguments: iter(()),
    "compile": compiled,
    "export": exported,
    "script": scripted,
    "default_device": within('torch.device("meta")'),
    "autocast": within("torch.autocast({first}.device.type, dtype=torch.bfloat16)"),
    "deterministic": deterministic,
    "functional_call": handed,
    "vmap": transformed("torch.func.vmap(one)(*(x[None] for x in given))[0]"),
    "jvp": transformed("torch.func.jvp(lambda x: one(x, *given[1:]), given[:1], (torch.ones_like(given[0]),))[0]"),
}
