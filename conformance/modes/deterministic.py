"""deterministic mode: only deterministic algorithms are allowed around the call and its backward pass.

The numbers are those of the contract, and two calls, and two backward passes, give the same bit by bit.  Operations
without a deterministic algorithm must refuse, as ``torch.use_deterministic_algorithms`` documents; that is a skip.
Memory that is not filled holds NaN in this mode, so that a loss that reads it shows.
"""

from contextlib import contextmanager

import torch

from conformance.modes.mode import call_of, mode
from conformance.refusal import Malformed


@contextmanager
def determinism():
    """Only deterministic algorithms inside; what was allowed before is allowed afterwards."""
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])


def lacks(error: BaseException) -> bool:
    """Whether torch says that an operation is not deterministic."""
    return "does not have a deterministic implementation" in str(error) or "torch.use_deterministic" in str(error)


def bits(array) -> bytes | None:
    """Every bit of an array, if there is one."""
    return None if array is None else array.tobytes()


def twice(ask):
    """``ask()``, an array or None by name, having made sure that it is the same a second time."""
    first, second = ask(), ask()
    for name, array in first.items():
        if bits(array) != bits(second[name]):
            raise Malformed(f"{name} of the second call differs in a bit")
    return first


def values(session):
    """Those of every call, twice."""
    return twice(session.values_by_call)


def gradients(session, names):
    """Those of every call, twice."""
    found = {}

    def ask():
        found.update(session.gradients_by_call(names))
        return {name: gradient.array for name, gradient in found.items()}

    twice(ask)
    return found


@mode(
    "deterministic",
    checks=("value", "gradient", "reduction", "result_type", "special_values", "shape"),
    values=values,
    gradients=gradients,
    backward=determinism,
    lacks=lacks,
    strict=True,
)
def prepare(session):
    """The subject's own call while only deterministic algorithms are allowed."""
    call = call_of(session)

    def run(inputs):
        with determinism():
            return call(inputs)

    return run
