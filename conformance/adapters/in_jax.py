"""How is a JAX function evaluated and differentiated on NumPy arrays, without compiling it anew for every call?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial

#: Functions that are kept compiled.
KEPT = 512


@dataclass(frozen=True)
class Traced:
    """A JAX function with its options: of the arguments of the call, then of tensors by keyword, ``names``.

    ``floats``: the options that are real numbers, which are traced; ``fixed``: the others.  ``counts``: how often it
    is differentiated, and the number of arrays that each derivative is taken of.
    """

    function: Callable
    names: tuple[str, ...]
    calls: int
    floats: tuple[tuple[str, float], ...]
    fixed: tuple[tuple[str, object], ...]
    jit: bool
    counts: tuple[int, ...] = ()

    def __call__(self, *arrays):
        import jax  # only here: it takes seconds

        with jax.enable_x64(True):
            keywords = self.names[self.calls :]
            evaluate = compiled(self.function, keywords, self.calls, self.fixed, self.counts, self.jit)
            return evaluate(tuple(jax.numpy.asarray(a) for a in arrays), dict(self.floats))


def in_jax(jit: bool) -> Callable:
    """``bundle(function, names, calls, options)``, as :class:`conformance.adapters.arrays.Bundle` is made."""

    def bundle(function: Callable, names: tuple[str, ...], calls: int, options: Mapping[str, object]) -> Traced:
        floats = tuple((k, v) for k, v in options.items() if isinstance(v, float))
        fixed = tuple((k, v) for k, v in options.items() if not isinstance(v, float))
        return Traced(function, names, calls, floats, fixed, jit)

    return bundle


def pull(traced: Traced, count: int) -> Traced:
    """The reverse-mode derivative by those of ``count`` arrays that hold floating-point numbers."""
    return replace(traced, counts=(*traced.counts, count))


@lru_cache(maxsize=KEPT)
def compiled(function, keywords: tuple[str, ...], calls: int, fixed, counts: tuple[int, ...], jit: bool) -> Callable:
    """``evaluate(arrays, floats)``, which returns several arrays."""
    import jax

    def evaluate(arrays, floats):
        named = dict(zip(keywords, arrays[calls:], strict=True)) | dict(fixed) | floats
        return (function(*arrays[:calls], **named),)

    for count in counts:
        evaluate = partial(_pulled, evaluate, count)
    return jax.jit(evaluate) if jit else evaluate


def _pulled(evaluate: Callable, count: int, arrays, floats):
    import jax

    given, upstream = arrays[:count], arrays[count:]
    real = [i for i, a in enumerate(given) if jax.numpy.issubdtype(a.dtype, jax.numpy.floating)]

    def of_real(*some):
        whole = dict(enumerate(given)) | dict(zip(real, some, strict=True))
        return evaluate(tuple(whole.values()), floats)

    return jax.vjp(of_real, *(given[i] for i in real))[1](tuple(upstream))
