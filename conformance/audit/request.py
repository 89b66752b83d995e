"""What does the command line of an audit ask for, and into which shards does it fall?"""

from __future__ import annotations

import argparse
from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path

import pytest

from conformance import options
from conformance.campaign.request import count
from conformance.options import Selected, Selection

RESULTS = "reports/out/audit.json"
OF_CONTROLS = "reports/out/audit-controls.json"
#: How subjects are executed where no --mode says so.
MODES = ("eager", "compile")
#: What a shard may cost at --effort 1, in the units of :func:`conformance.minimise.cost`: seconds, about ten of them.
COST = 4_000_000.0
#: Options of a conformance run that an audit has too, each of which may come several times.
FILTERS = ("subject", "loss", "dtype", "device", "mode")
CONTROLS = "conformance.mutants.controls"


@dataclass(frozen=True)
class Request:
    """The validated command line."""

    selection: Selection
    effort: float
    controls: bool
    workers: int | None
    scheduler: str | None
    results: Path
    proofs: Path
    command: tuple[str, ...]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:
        raise pytest.UsageError(message)


def read(given: list[str]) -> Request:
    """Read a command line.  Raises pytest.UsageError, which is exit status 4, with one line."""
    option = _parser().parse_args(given)
    if option.controls and option.subject:
        raise pytest.UsageError("--controls: these are the subjects, give no --subject")
    plain = {"check": [], "reduction": [], "budget": "gate", "deviations": None, "mode": option.mode or list(MODES)}
    chosen = options.selection(Namespace(**vars(option) | plain))
    workers = None if option.workers is None else count("workers", option.workers)
    results = option.results or (OF_CONTROLS if option.controls else RESULTS)
    return Request(
        chosen, effort_of(option.effort), option.controls, workers, option.scheduler, Path(results).resolve(),
        option.proofs, ("python", "-m", "conformance.audit", *given),
    )  # fmt: skip


def _parser() -> _Parser:
    parser = _Parser(prog="python -m conformance.audit", allow_abbrev=False, description="Search for worst cases.")
    for name in FILTERS:
        parser.add_argument(
            f"--{name}", action="append", default=[], metavar=name.upper(), help="as in pytest; several"
        )
    parser.add_argument("--seed", type=int, default=0, help="another search of the same effort (default 0)")
    parser.add_argument("--effort", default="1", help="how much is evaluated; twice as much takes twice as long")
    parser.add_argument("--controls", action="store_true", help="search the sound controls: a failure is our bug")
    parser.add_argument("--results", metavar="FILE", help=f"where the results go (default {RESULTS})")
    parser.add_argument("--proofs", metavar="FOLDER", type=Path, default=PROOFS, help="what exhaustion has proved")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--workers", metavar="N", help="processes of this machine; 0: one at a time (default: cores)")
    where.add_argument("--scheduler", metavar="tcp://HOST:PORT", help="a running Dask scheduler in their place")
    return parser


PROOFS = Path(__file__).parent.parent / "proof" / "data"


def effort_of(text: str) -> float:
    """A positive number.  Raises pytest.UsageError for anything else."""
    try:
        effort = float(text)
    except ValueError:
        effort = 0.0
    if not 0 < effort < float("inf"):
        raise pytest.UsageError(f"--effort {text}: write a number above 0")
    return effort


def tasks(asked: Request) -> list[dict]:
    """One shard for each (subject, contract, dtype, mode, device) and whole unit of effort."""
    parts = max(1, round(asked.effort))
    return [
        {
            "source": selected.source, "loss": contract.loss, "contract": contract.name, "dtype": dtype, "mode": mode,
            "device": device, "seed": asked.selection.seed, "index": index, "cost": COST * asked.effort / parts,
            "sound": asked.controls,
        }
        for mode in asked.selection.modes
        for device in asked.selection.devices
        for selected in subjects(asked)
        for contract in asked.selection.contracts(selected)
        for dtype in contract.dtypes if dtype in asked.selection.dtypes
        for index in range(parts)
    ]  # fmt: skip


def subjects(asked: Request) -> tuple[Selected, ...]:
    """Those of the command line, or the sound controls of the losses that it selects."""
    if not asked.controls:
        return asked.selection.subjects
    from conformance.mutants.controls import CONTROLS as NAMES  # which import torch

    losses = [s.loss for s in asked.selection.subjects]
    return tuple(Selected(loss, f"{CONTROLS}:{name}") for name, loss in NAMES.items() if loss in losses)
