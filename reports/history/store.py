"""What does the history hold, and how does a run come into it?  JSON lines that are only ever added to."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np

from reports.document import UnreadableError, parsed, typed, write

SCHEMA = 1
NUMBERS = ("ratio", "bytes", "operators", "peak_bytes", "saved_bytes", "instructions")
"""What is kept of a cell: its time over eager torch's on the same tensors, and counts."""
TOLD = 5
"""Warnings that are spelled out; more are counted."""

_RUN = {
    "fingerprint": str,
    "machine": dict | None,
    "suite_version": str | None,
    "commit": str | None,
    "date": str,
    "cells": dict,
}


@dataclass(frozen=True)
class Run:
    """One line of the history without its cells."""

    fingerprint: str
    machine: dict
    suite_version: str | None
    commit: str | None
    date: datetime


@dataclass(frozen=True)
class History:
    """All runs by date; `numbers[name][run, cell]` is NaN where nothing was measured."""

    runs: list
    cells: list
    numbers: dict
    warnings: tuple = ()

    def machines(self) -> dict:
        """The indices of the runs of each fingerprint, in order of appearance."""
        own = {}
        for index, run in enumerate(self.runs):
            own.setdefault(run.fingerprint, []).append(index)
        return {fingerprint: np.array(indices) for fingerprint, indices in own.items()}

    def breaks(self) -> list:
        """The indices of the runs that were on another machine than the run before them."""
        return [n for n, (old, new) in enumerate(pairwise(self.runs), 1) if old.fingerprint != new.fingerprint]


def append(run: dict, path: Path) -> None:
    """Adds one run as one line; whatever stands there already stays, even a last line that was cut short."""
    line = json.dumps({"schema": SCHEMA} | run, separators=(",", ":")) + "\n"
    write(line if _is_whole(path) else "\n" + line, path, "a")


def _is_whole(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            if not file.tell():
                return True
            file.seek(-1, 2)
            return file.read(1) == b"\n"
    except FileNotFoundError:
        return True
    except OSError as error:
        raise UnreadableError(f"{path}: {error.strerror}") from None


def read(path: Path) -> History:
    """All runs in a file; a line that is none is left out with a warning.  Raises `UnreadableError` without a file."""
    index, taken, warnings = {}, [], []
    for number, line in enumerate(lines(path), 1):
        try:
            taken += [_taken(line, index, f"{path.name} line {number}")] if line.strip() else []
        except UnreadableError as error:
            warnings.append(f"{error}: left out.")
    taken.sort(key=lambda each: each[0].date)
    return History([run for run, _, _ in taken], list(index), _tables(taken, len(index)), few(warnings, path))


def few(warnings: list, path: Path) -> tuple:
    """The first `TOLD` warnings, and how many more lines were left out."""
    more = len(warnings) - TOLD
    return (*warnings[:TOLD], *([f"{path.name}: {more} more lines left out."] if more > 0 else []))


def lines(path: Path) -> list[bytes]:
    """The lines of a file, whole or not; raises `UnreadableError`."""
    try:
        return path.read_bytes().split(b"\n")
    except FileNotFoundError:
        raise UnreadableError(f"{path}: no such file") from None
    except OSError as error:
        raise UnreadableError(f"{path}: {error.strerror}") from None


def _taken(line: bytes, index: dict, where: str) -> tuple:
    """A run, the places of its cells, and their numbers, one row for each name."""
    value = parsed(line, where)
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        raise UnreadableError(f"{where}: not a run of schema {SCHEMA}")
    run = typed(value, _RUN, where)
    cells = run["cells"]
    try:
        found = np.array([[cell.get(name) for cell in cells.values()] for name in NUMBERS], float)
        found[~np.isfinite(found)] = np.nan
    except (AttributeError, TypeError, ValueError, OverflowError):
        raise UnreadableError(f"{where}: a cell's number is none") from None
    date = date_of(run["date"], where)
    places = [index.setdefault(name, len(index)) for name in cells]
    return Run(run["fingerprint"], run["machine"] or {}, run["suite_version"], run["commit"], date), places, found


def date_of(text: str, where: str) -> datetime:
    """A date as ISO 8601 has it, in UTC; without a zone it is UTC already.  Raises `UnreadableError`."""
    try:
        date = datetime.fromisoformat(text)
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, OverflowError):
        raise UnreadableError(f"{where}: {text[:40]!r} is no date") from None


def _tables(taken: list, width: int) -> dict:
    whole = np.full((len(NUMBERS), len(taken), width), np.nan)
    for row, (_, places, found) in enumerate(taken):
        whole[:, row, places] = found
    return dict(zip(NUMBERS, whole, strict=True))
