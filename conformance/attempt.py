"""What a subject does with a call that may be invalid: refuse it, accept it, or take the process with it."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, replace
from functools import partial

from conformance.case import Case
from conformance.child import Crashed, in_child, in_new_process
from conformance.cuda import settle
from conformance.modes import MODES
from conformance.options import Selected
from conformance.refusal import Poisoned
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
    """Make the one call of a case; in a child process where it is ``perilous``.

    A copy of this process has no use of its GPU: there the child is a new one, which imports the subject by name.
    """
    if not perilous:
        return _attempt(subject, case, device, mode)
    try:
        if device == "cpu":
            return in_child(lambda: _alone(subject, case, device, mode))
        return in_new_process(partial(anew, by_name(subject), replace(case, declared=()), device, mode))
    except Crashed as crash:
        return Attempt("crashed", str(crash))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        return Attempt("unasked", f"cannot be asked in a process of its own: {error}")


def by_name(subject: Subject) -> Subject | str:
    """How another process finds a subject: by MODULE:ATTR, torch.nn's own class, or as it is, pickled."""
    plain = subject.make is None and subject.call is None
    named = subject.is_torch or (plain and ":" in subject.name)
    return subject.source or (subject.name if named else subject)


def anew(subject: Subject | str, case: Case, device: str, mode: str) -> Attempt:
    """The same in a new process; a GPU whose context is lost there has refused, as loudly as it can."""
    from conformance.items import load_subject  # which imports the checks, that of rejections included

    if isinstance(subject, str):
        source = None if subject.startswith("torch.nn.") else subject
        subject = load_subject(Selected(case.contract.loss, source), case.contract)
    try:
        told = _alone(subject, case, device, mode)
        settle(device)
    except Poisoned as lost:
        return Attempt("refused", str(lost), kinds_of(lost.__cause__))
    return told


def kinds_of(error: BaseException) -> tuple[str, ...]:
    """The class of an exception, and those that it derives from, by name."""
    return tuple(f"{k.__module__}.{k.__qualname__}" for k in type(error).__mro__)


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
        return Attempt(
            "refused", str(refused), kinds_of(refused.error), lacking="not implemented" in str(refused.error)
        )
    return Attempt("accepted", warnings=heard)
