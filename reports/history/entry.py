"""What of a run is kept?  Ratios to eager torch and counts of its cells; never a time."""

from datetime import UTC, datetime

from reports import words
from reports.perf.benchmarks import Measured
from reports.perf.gate import Gate

_COUNTS = ("bytes", "peak_bytes", "saved_bytes")
_INEXACT = "oracle"
"""An implementation whose peak is that of Python's own objects too, which differs a little from run to run."""
_MACHINE = {
    "cpu": "cpu",
    "capability": "cpu_capability",
    "cores": "cores",
    "memory": "memory_gib",
    "torch": "torch",
    "python": "python",
}


def entry(measured: Measured, gate: Gate | None, commit: str | None = None, date: str | None = None) -> dict:
    """One run of the benchmarks, with the instructions of a gate on the same machine, as a line of the history."""
    environment = measured.about["environment"]
    started = date or measured.about["started"] or datetime.now(UTC).isoformat(timespec="seconds")
    return {
        "fingerprint": measured.about["fingerprint"],
        "machine": {key: environment.get(known) for key, known in _MACHINE.items()},
        "suite_version": environment.get("plumbline") or (gate and gate.header["suite_version"]),
        "commit": commit or measured.commit,
        "date": started,
        "cells": _cells(measured, gate),
    }


def _cells(measured: Measured, gate: Gate | None) -> dict:
    eager = {_tensors(each): each["seconds"] for each in measured.cells if each["implementation"] == "eager"}
    kept = {each["cell"]: _kept(each, eager.get(_tensors(each))) for each in measured.cells}
    if gate and gate.header["fingerprint"] == measured.about["fingerprint"]:
        for cell in filter(_is_torch, gate.cells):
            count = words.real(((cell["instructions"] or {}).get("head") or {}).get("instructions"))
            if count is not None:
                kept.setdefault(cell["cell"], {})["instructions"] = count
    return {name: numbers for name, numbers in kept.items() if numbers}


def _is_torch(cell: dict) -> bool:
    """Whether a cell's head is torch itself, which is what the benchmarks of that name measure."""
    return isinstance(cell["head"], str) and cell["head"].startswith("torch.nn")


def _tensors(cell: dict) -> tuple:
    """What two cells share that were measured on the same tensors."""
    return tuple(cell[key] for key in ("loss", "direction", "size", "dtype", "device"))


def _kept(cell: dict, eager: float | None) -> dict:
    exact = cell["implementation"] != _INEXACT
    numbers = {key: words.real(cell[key]) for key in _COUNTS if exact}
    if cell["operators"]:
        numbers["operators"] = sum(int(words.real(each) or 0) for each in cell["operators"].values())
    if cell["implementation"] != "eager" and cell["seconds"] and eager:
        numbers["ratio"] = round(cell["seconds"] / eager, 6)
    return {key: _short(number) for key, number in numbers.items() if number is not None}


def _short(number: float) -> float:
    return int(number) if number == number // 1 else number
