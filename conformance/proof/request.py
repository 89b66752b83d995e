"""What does the command line of a proof ask for?"""

from __future__ import annotations

import argparse
import ast
import re
from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path

import pytest

from conformance import options
from conformance.campaign.request import count
from conformance.options import Selected, Selection
from conformance.proof.space import PAIRED, SINGLE

RESULTS = "reports/out/proof"
#: What is proved where no --dtype says so.
DTYPES = ("float16", "bfloat16")
#: Options of a conformance run that a proof has too, each of which may come several times.
FILTERS = ("subject", "loss", "dtype", "device", "mode")
#: The cotangent of every element: a power of two, so that it rounds nothing, and not one, which hides where it is lost.
COTANGENT = "-0.5"


@dataclass(frozen=True)
class Request:
    """The validated command line; ``fraction``: n of 1/n, ``given``: settings by name, ``results``: a folder.

    ``command``: the part of it on which proofs depend.
    """

    selection: Selection
    dtypes: tuple[str, ...]
    fraction: int
    given: dict
    upstream: float
    workers: int | None
    scheduler: str | None
    results: Path
    named: tuple[str, ...]
    command: tuple[str, ...]

    def is_named(self, selected: Selected) -> bool:
        """Whether the command line names this loss."""
        return selected.source is not None or selected.loss in self.named


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:
        raise pytest.UsageError(message)


def read(given: list[str]) -> Request:
    """Read a command line.  Raises pytest.UsageError, which is exit status 4, with one line."""
    option = _parser().parse_args(given)
    options.known("dtype", option.dtype, PAIRED[:2] + SINGLE)
    plain = {"check": [], "reduction": [], "budget": "gate", "deviations": None, "seed": 0, "dtype": []}
    chosen = options.selection(Namespace(**vars(option) | plain))
    return Request(
        chosen, tuple(option.dtype) or DTYPES, fraction_of(option.fraction), settings_of(option.set),
        cotangent_of(option.cotangent), None if option.workers is None else count("workers", option.workers),
        option.scheduler, Path(option.results).resolve(), tuple(option.loss), command(option),
    )  # fmt: skip


def command(option: Namespace) -> tuple[str, ...]:
    """The command line that gives the same proofs, wherever it is run."""
    words = [word for name in (*FILTERS, "set") for value in getattr(option, name) for word in (f"--{name}", value)]
    for name, usual in (("fraction", "1"), ("cotangent", COTANGENT)):
        words += [] if getattr(option, name) == usual else [f"--{name}={getattr(option, name)}"]
    return ("python", "-m", "conformance.proof", *words)


def _parser() -> _Parser:
    parser = _Parser(prog="python -m conformance.proof", allow_abbrev=False, description="Judge every input.")
    for name in FILTERS:
        parser.add_argument(
            f"--{name}", action="append", default=[], metavar=name.upper(), help="as in pytest; several"
        )
    parser.add_argument("--fraction", default="1", metavar="1/N", help="every N-th input, and all boundaries")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a parameter or third input")
    parser.add_argument("--cotangent", default=COTANGENT, help=f"of every element (default {COTANGENT})")
    parser.add_argument("--results", default=RESULTS, metavar="FOLDER", help=f"where proofs go (default {RESULTS})")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--workers", metavar="N", help="processes of this machine; 0: one at a time (default: cores)")
    where.add_argument("--scheduler", metavar="tcp://HOST:PORT", help="a running Dask scheduler in their place")
    return parser


def fraction_of(text: str) -> int:
    """The n of 1/n.  Raises pytest.UsageError for anything else."""
    found = re.fullmatch(r"1(?:/([1-9]\d{0,4}))?", text)
    if not found:
        raise pytest.UsageError(f"--fraction {text}: write 1 or 1/N, N a whole number below 100,000")
    return int(found[1] or 1)


def settings_of(texts: list[str]) -> dict:
    """``NAME=VALUE`` as names and Python literals.  Raises pytest.UsageError for anything else."""
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        try:
            found[name] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            equals = ""
        if not equals or not name.isidentifier():
            raise pytest.UsageError(f"--set {text}: write NAME=VALUE, VALUE as in Python")
    return found


def cotangent_of(text: str) -> float:
    """A finite number.  Raises pytest.UsageError for anything else."""
    try:
        found = float(text)
    except ValueError:
        found = float("nan")
    if not abs(found) < float("inf"):
        raise pytest.UsageError(f"--cotangent {text}: write a finite number")
    return found
