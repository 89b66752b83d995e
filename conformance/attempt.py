"""What a subject does with a call that may be invalid: refuse it, accept it, or take the process with it."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.case import Case
from conformance.child import Crashed, in_child
from conformance.modes import MODES
from conformance.session import Refused, Session
from conformance.subject import Subject, single_threaded


@dataclass(frozen=True)
class Attempt:
    """How one call ended.

    ``ending``: "accepted", "refused", "crashed", or "unasked" where the mode cannot make it.  ``said``: the
    exception, or the crash, in one line.  ``kinds``: the exception's class and those that it derives from, by name.
    ``warnings``: of a call that was accepted.
    ``lacking``: it was refused for want of a kernel for the dtype, which says nothing about the call.
    """

    ending: str
    said: str = ""
    kinds: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    lacking: bool = False

    def resembles(self, other: Attempt) -> bool:
        """Whether it was refused by the same exception as another one, or by a kind of it."""
        return other.kinds[0] in self.kinds


def attempt(subject: Subject, case: Case, device: str, perilous: bool, mode: str = "eager") -> Attempt:
    """Make the one call of a case; in a child process where it is ``perilous``."""
    if not perilous:
        return _attempt(subject, case, device, mode)
    try:
        return in_child(lambda: _alone(subject, case, device, mode))
    except Crashed as crash:
        return Attempt("crashed", str(crash))


def _alone(subject: Subject, case: Case, device: str, mode: str) -> Attempt:
    """The same without threads: those of the parent did not come along, and would be waited for."""
    single_threaded()
    return _attempt(subject, case, device, mode)


def _attempt(subject: Subject, case: Case, device: str, mode: str) -> Attempt:
    try:
        heard = Session(subject, case, device, mode=mode).attempt()
    except Refused as refused:
        if MODES[mode].lacks(refused.error):
            return Attempt("unasked", str(refused))
        kinds = tuple(f"{k.__module__}.{k.__qualname__}" for k in type(refused.error).__mro__)
        return Attempt("refused", str(refused), kinds, lacking="not implemented" in str(refused.error))
    return Attempt("accepted", warnings=heard)
