"""Eager mode: operation by operation, as the subject is written."""

from conformance.modes.mode import call_of, mode


@mode("eager")
def prepare(session):
    """The subject's own call."""
    return call_of(session)
