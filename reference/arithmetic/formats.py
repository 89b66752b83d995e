"""What a floating-point format can hold, and rounding to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: The exponent of a float64 number: what is left of it is the power of two below.
EXPONENT = np.int64(0x7FF0000000000000)


@dataclass(frozen=True)
class Format:
    """A binary format: ``precision`` bits in a significand, exponents of normal numbers from ``emin`` to ``emax``.

    ``working`` names the format of intermediate results in a sound implementation: float32 for 16-bit ones.
    """

    name: str
    precision: int
    emin: int
    emax: int
    working_name: str

    @property
    def unit(self) -> float:
        """Unit roundoff: half the gap between 1 and the next number."""
        return 2.0**-self.precision

    @property
    def max(self) -> float:
        """The largest finite number."""
        return float((2 - 2.0 ** (1 - self.precision)) * 2.0**self.emax)

    @property
    def tiny(self) -> float:
        """The smallest positive (subnormal) number."""
        return 2.0 ** (self.emin - self.precision + 1)

    @property
    def normal(self) -> float:
        """The smallest positive normal number."""
        return 2.0**self.emin

    @property
    def working(self) -> Format:
        return FORMATS[self.working_name]

    def round(self, x) -> np.ndarray:
        """The nearest numbers of the format (ties to even, overflow to infinity), as float64."""
        x = np.asarray(x, float)
        with np.errstate(all="ignore"):
            if self.name == "float32":
                return x.astype(self.name).astype(float)
            if self.name == "float64":
                return x
            gap = self.ulp(x)  # a cast to float16 takes five times as long, one to bfloat16 would round twice
            near = np.rint(x / gap) * gap
            return np.where(abs(near) > self.max, np.copysign(np.inf, x), near)

    def ulp(self, x) -> np.ndarray:
        """The gap between neighbours at ``x``, as float64; at infinity that of the largest finite number."""
        power = (np.ascontiguousarray(x, float).view(np.int64) & EXPONENT).view(float)  # infinite for NaN, too
        power = np.clip(np.where(np.isnan(x), 0.0, power), self.normal, 2.0**self.emax)
        return (power * 2.0 ** (1 - self.precision)).reshape(np.shape(x))


FORMATS = {
    f.name: f
    for f in (
        Format("float16", 11, -14, 15, "float32"),
        Format("bfloat16", 8, -126, 127, "float32"),
        Format("float32", 24, -126, 127, "float32"),
        Format("float64", 53, -1022, 1023, "float64"),
        Format("float8_e5m2", 3, -14, 15, "float32"),  # all pairs of which take a moment to go through
    )
}


def format_of(dtype: str) -> Format:
    """The format of a dtype's numbers; a complex one's is that of its parts.  Raises KeyError."""
    return FORMATS[{"complex64": "float32", "complex128": "float64"}.get(dtype, dtype)]
