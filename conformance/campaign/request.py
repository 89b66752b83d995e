"""What does the command line of a campaign ask for?  The options of a conformance run, seeds, and where to run."""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import re
from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path

import pytest

from conformance import options
from conformance.options import Selected, Selection

RESULTS = "reports/out/campaign.json"
#: The options by which rows are chosen, each of which may come several times.
FILTERS = ("subject", "loss", "check", "dtype", "reduction", "device", "mode")
USAGE = """python -m conformance.campaign --seeds A:B [--workers N | --scheduler tcp://HOST:PORT] [--results FILE]
  [the options of a conformance run: --subject, --loss, --check, --dtype, --reduction, --device, --mode, --budget,
  --deviations]"""


@dataclass(frozen=True)
class Request:
    """The validated command line; ``command``: the part of it on which verdicts depend."""

    selection: Selection
    asked: dict
    seeds: range
    workers: int | None
    scheduler: str | None
    results: Path
    command: tuple[str, ...]


class _Parser(argparse.ArgumentParser):
    """Understands the options of pytest's parser that a conformance run has, but for the one seed."""

    def getgroup(self, title: str) -> _Parser:
        return self

    def addoption(self, name: str, **how) -> None:
        if name != "--seed":
            self.add_argument(name, **how)

    def error(self, message: str) -> None:
        raise pytest.UsageError(message)


def read(given: list[str]) -> Request:
    """Read a command line.  Raises pytest.UsageError, which is exit status 4, with one line."""
    parser = _Parser(prog="conformance.campaign", usage=USAGE, allow_abbrev=False)
    options.add_options(parser)
    parser.add_argument("--seeds", required=True, metavar="A:B", help="the seeds from A up to, not including, B")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--workers", metavar="N", help="processes of this machine; 0: one at a time (default: cores)")
    where.add_argument("--scheduler", metavar="tcp://HOST:PORT", help="a running Dask scheduler in their place")
    parser.set_defaults(results=RESULTS)
    option = parser.parse_args(given)
    seeds, workers = seeds_of(option.seeds), None if option.workers is None else count("workers", option.workers)
    selection = options.selection(Namespace(**vars(option) | {"seed": seeds.start}))
    asked = {name: list(getattr(option, name)) for name in FILTERS} | {"budget": option.budget}
    asked["device"] = list(selection.devices)  # a worker has what is asked for, or says so
    return Request(
        selection, asked, seeds, workers, option.scheduler, Path(option.results).resolve(), command(option, seeds),
    )  # fmt: skip


def seeds_of(text: str) -> range:
    """``0:16`` or a single seed.  Raises pytest.UsageError for what is none, or nothing."""
    found = re.fullmatch(r"(\d+)(?::(\d+))?", text)
    first, last = (int(found[1]), int(found[2] or int(found[1]) + 1)) if found else (0, 0)
    if first >= last:
        raise pytest.UsageError(f"--seeds {text}: write A:B with whole numbers, A less than B, or one number")
    return range(first, last)


def count(name: str, text: str) -> int:
    """A whole number.  Raises pytest.UsageError for anything else."""
    if not re.fullmatch(r"\d+", text):
        raise pytest.UsageError(f"--{name} {text}: write a whole number, 0 or more")
    return int(text)


def command(option: Namespace, seeds: range) -> tuple[str, ...]:
    """The command line that gives the same verdicts, wherever it is run."""
    words = [
        "python",
        "-m",
        "conformance.campaign",
        "--seeds",
        f"{seeds.start}:{seeds.stop}",
        "--budget",
        option.budget,
    ]
    words += [word for name in FILTERS for value in getattr(option, name) for word in (f"--{name}", value)]
    return (*words, *(("--deviations", option.deviations) if option.deviations else ()))


def sources(subjects: tuple[Selected, ...]) -> dict[str, str]:
    """What the subjects' files hold, as digests: shards of another state of a file are not taken for those of this."""
    modules = {s.source.rpartition(":")[0] for s in subjects if s.source}
    files = {module: _file_of(module) for module in sorted(modules)}
    return {m: hashlib.sha256(f.read_bytes()).hexdigest() for m, f in files.items() if f is not None and f.is_file()}


def _file_of(module: str) -> Path | None:
    try:
        return Path(module) if module.endswith(".py") else Path(importlib.util.find_spec(module).origin)
    except (ImportError, ValueError, AttributeError, TypeError):
        return None  # its rows say that it does not import
