"""Compile mode: the call through torch.compile and inductor, with a bounded number of compilations.

What was compiled serves the cases of one kind, and is dropped with the next: half of the kinds are compiled for
dynamic shapes, and asked in two sizes, half for static ones.  A row takes a few kinds, which bounds the time for the
compiler.
"""

from __future__ import annotations

import logging
from collections.abc import Hashable
from dataclasses import dataclass
from functools import cache

import torch

from conformance.construction import call_like_torch
from conformance.modes.kinds import is_dynamic, kind, of_few_kinds
from conformance.modes.mode import mode

#: Kinds of case per row, by budget.
KINDS = {"smoke": 1, "gate": 4, "nightly": 12}


class NotCompiled(Exception):
    """Nothing was compiled: for want of a C++ compiler, or since torch.compile leaves all of it to eager mode."""


class CompilerFailed(Exception):
    """The compiler raised, by no fault of the call: the message is its exception."""


@dataclass
class Compiled:
    """What is compiled at present: a subject on one kind of case, and how many graphs there were before."""

    key: Hashable = None
    graphs: int = 0

    def begin(self, key: Hashable) -> None:
        """Drop what was compiled, unless it is for the same subject and kind."""
        if key != self.key:
            torch._dynamo.reset()
            self.key, self.graphs = key, compilations()


PRESENT = Compiled()


def compilations() -> int:
    """How many graphs torch.compile has handed to its backend in this process."""
    return torch._dynamo.utils.counters["stats"]["unique_graphs"]


@cache
def configure() -> None:
    """Compile in this process, quietly, and stop where one kind is compiled over and over.  Raises NotCompiled."""
    import torch._inductor.config
    from torch._inductor.cpp_builder import get_cpp_compiler
    from torch._inductor.exc import InvalidCxxCompiler

    torch._logging.set_logs(all=logging.CRITICAL)
    logging.getLogger("torch.__trace").setLevel(logging.CRITICAL)
    torch._inductor.config.compile_threads = 1
    torch._dynamo.config.fail_on_recompile_limit_hit = True
    try:
        get_cpp_compiler()
    except InvalidCxxCompiler:
        raise NotCompiled("torch.compile needs a C++ compiler: install g++ or clang++, or name one in CXX") from None


def lacks(error: BaseException) -> bool:
    """Whether nothing was compiled, or something again and again."""
    return isinstance(error, NotCompiled | torch._dynamo.exc.FailOnRecompileLimitHit)


@mode(
    "compile",
    checks=("value", "gradient", "result_type", "rejection", "special_values", "shape"),
    sample=3,
    choose=of_few_kinds(KINDS),
    tries=12,
    lacks=lacks,
)
def prepare(session):
    """The module, or the function that calls it, compiled."""
    configure()
    case, call, dynamic = session.case, session.subject.call, is_dynamic(session.case)
    PRESENT.begin((session.subject, session.device, case.dtype, case.reduction, kind(case)))
    if call is None:
        module = torch.compile(session.module, dynamic=dynamic)
        return checked(lambda inputs: call_like_torch(case, module, inputs))
    return checked(torch.compile(lambda inputs: call(case, session.module, inputs), dynamic=dynamic))


def checked(run):
    """``run(inputs)``, after which something must have been compiled."""

    def call(inputs):
        try:
            result = run(inputs)
        except torch._dynamo.exc.BackendCompilerFailed as error:
            cause = error.inner_exception
            raise CompilerFailed(f"{type(cause).__name__}: {cause}") from error
        if compilations() == PRESENT.graphs:
            raise NotCompiled("torch.compile leaves all of it to eager mode")
        return result

    return call
