"""What a matrix product costs where the processor's 16-bit instructions replace subnormal numbers by zero."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from conformance.case import Case, lift_rounded
from reference.arithmetic.formats import FORMATS, Format
from reference.arithmetic.rounded import Model, Rounded


@dataclass(frozen=True)
class Flushing(Format):
    """A format in which a result below the normal numbers may come out as zero."""

    @property
    def tiny(self) -> float:
        return 2.0**self.emin

    @property
    def working(self) -> Format:
        return Flushing(**vars(FORMATS[self.working_name]))


def lift_flushing(case: Case) -> Callable:
    """Lift numbers to a format that may flush results, and operands: subnormal ones may be zero instead."""
    model = Model(Flushing(**vars(case.format)), kinks=True, emulate=True)
    lift = lift_rounded(model)

    def flushed(x) -> Rounded:
        exact = lift(x)
        size = abs(exact.value)
        return Rounded(exact.value, exact.error + np.where(size < model.tiny, size, 0.0), model)

    return flushed
