"""Which cases are drawn: a pure function of suite version, seed, loss, check, dtype, reduction and index.

Hypothesis harvests constants from imported modules and takes seeds from its environment.  Here every block
of cases gets a seed of its own and no local constants, so that no subject, filter, worker or order matters.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from unittest import mock

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis.internal.conjecture import providers

from conformance.case import Case
from conformance.checks.check import CHECKS
from conformance.sampling import fill
from conformance.strategies import recipes
from conformance.version import VERSION
from reference import CONTRACTS

#: Cases that are drawn with one seed.  A budget is a number of blocks, so a larger one repeats a smaller.
BLOCK = 6


@contextmanager
def no_local_constants():
    """Keep Hypothesis from drawing constants that it finds in imported modules."""
    with (
        mock.patch.object(providers, "_get_local_constants", providers.Constants),
        mock.patch.object(providers, "CONSTANTS_CACHE", type(providers.CONSTANTS_CACHE)(128)),
    ):
        yield


def seed_of(*parts: object) -> int:
    """A seed of 64 bits that depends on every part and on the version of the suite."""
    text = "\0".join(str(part) for part in (VERSION, *parts))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def draw(strategy, seed: int, count: int) -> list:
    """``count`` examples of a strategy at most; always the same for the same seed.

    Hypothesis begins with the simplest example there is, whatever the seed: that one is left out.
    """
    drawn: list = []

    @hypothesis.seed(seed)
    @settings(
        max_examples=count + 1,
        database=None,
        deadline=None,
        derandomize=False,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
    )
    @given(strategy)
    def collect(example):
        drawn.append(example)

    with no_local_constants():
        collect()
    return drawn[1:]


@lru_cache(maxsize=512)
def block(
    seed: int, contract: str, check: str, dtype: str, reduction: str, number: int, question: str | None = None
) -> tuple:
    """The recipes of one block; a check that is not registered draws as most do."""
    stream = seed_of(seed, contract, check, dtype, reduction, number, *(() if question is None else (question,)))
    of, known = CONTRACTS[contract], CHECKS.get(check)
    strategy = known.drawn(of, reduction, question) if known else recipes(of, reduction)
    return tuple(draw(strategy, stream, BLOCK))


@lru_cache(maxsize=64)
def _filled(
    seed: int, contract: str, check: str, dtype: str, reduction: str, number: int, question: str | None
) -> tuple[Case, ...]:
    """The cases of one block; kept, so that several subjects share each case's expected values."""
    drawn = block(seed, contract, check, dtype, reduction, number, question)
    filled = (fill(CONTRACTS[contract], recipe, dtype, reduction) for recipe in drawn)
    alter = CHECKS[check].alter if check in CHECKS else None
    if alter is None:
        return tuple(filled)
    return tuple(altered for case in filled if (altered := alter(case, question)) is not None)


def cases(
    seed: int,
    contract: str,
    check: str,
    dtype: str,
    reduction: str,
    enough: Callable[[int], bool],
    question: str | None = None,
) -> Iterator[Case]:
    """The stream of cases, block by block, until ``enough(blocks done)``."""
    number = 0
    while not enough(number):
        yield from _filled(seed, contract, check, dtype, reduction, number, question)
        number += 1
