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


#: What each mode makes of ``loss``, given the arguments of the call as text.
MODES: Mapping[str, Callable[[Case, str], Iterator[str]]] = {
    "eager": lambda case, arguments: iter(()),
    "compile": compiled,
    "export": exported,
    "script": scripted,
}
