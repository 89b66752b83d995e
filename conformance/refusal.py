"""What becomes of an exception that a subject raises, and of an answer that has no sense?"""

from __future__ import annotations


class Refused(Exception):
    """The subject raised; ``unsupported`` when it says that it lacks this dtype, device or derivative."""

    def __init__(self, error: BaseException):
        self.error = error
        lines = str(error).strip().splitlines() or [""]
        super().__init__(f"{type(error).__name__}: {lines[0]}")

    @property
    def unsupported(self) -> bool:
        text = str(self.error).lower()
        hints = (
            "not implemented",
            "not supported",
            "not differentiable with respect to",
            "does not support",
            "unsupported",
            "no kernel",
        )
        return isinstance(self.error, RuntimeError | NotImplementedError | TypeError) and any(h in text for h in hints)


class Unsupported(Refused):
    """It was not asked: it says that this is outside of what it supports."""

    unsupported = True

    def __init__(self, why: str):
        super().__init__(NotImplementedError(why))
        self.args = (why,)


class Malformed(Exception):
    """The subject returned something that is not the contract's result: the message says what."""


class Poisoned(Exception):
    """The device failed after a call had returned, and took its context along: nothing can be asked any more."""

    def __init__(self, error: BaseException):
        lines = str(error).strip().splitlines() or [type(error).__name__]
        super().__init__(lines[0])


class Unpromised(Malformed):
    """The result has a form of which nothing is promised: a note, and the numbers are not looked at."""


class refusals:  # noqa: N801 - a context manager, used as one
    """Turns what a subject raises into Refused; interruptions and time limits pass."""

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if isinstance(error, Exception) and not isinstance(error, Malformed | Refused | Poisoned):
            raise Refused(error) from error
        return False
