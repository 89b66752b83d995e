"""What does perf-gate.json say?  The gate's outcome, what it ran, and what it found in each cell."""

from dataclasses import dataclass
from pathlib import Path

from reports.document import UnreadableError, parsed, text, typed
from reports.perf.benchmarks import REAL, SCHEMA, TEXT

OUTCOMES = ("regression", "inconclusive", "accepted", "not run", "pass")
"""Of a cell; the worst come first."""

_HEADER = {
    "suite_version": TEXT,
    "command": list | None,
    "started": TEXT,
    "fingerprint": TEXT,
    "environment": dict | None,
    "head": list | None,
    "base": object,
    "accepted_file": TEXT,
}
_TIER = {"state": str, "reason": TEXT}
_STAGE = {"log_ratios": list | None, "percent": REAL, "low": REAL, "high": REAL, "p": REAL}
_CANARY = {"cell": TEXT, "flagged": bool | None} | _STAGE
_CELL = {
    "cell": str,
    "loss": TEXT,
    "direction": TEXT,
    "size": TEXT,
    "dtype": TEXT,
    "device": TEXT,
    "head": object,
    "base": object,
    "outcome": str,
    "reasons": list | None,
    "counters": dict | None,
    "operators": dict | None,
    "instructions": dict | None,
    "time": dict | None,
}
_INSTRUCTIONS = {
    "base": dict | None,
    "head": dict | None,
    "percent": REAL,
    "cycles_percent": REAL,
    "reason": TEXT,
}
_TIME = {
    "stage1": dict | None,
    "stage2": dict | None,
    "threshold_percent": REAL,
    "detectable_percent": REAL,
    "flagged": bool | None,
    "failed": bool | None,
    "microseconds": dict | None,
}
_FOOTER = {
    "complete": bool | None,
    "outcome": TEXT,
    "exit_status": int | None,
    "reasons": list | None,
    "counts": dict | None,
    "finished": TEXT,
}


@dataclass(frozen=True)
class Gate:
    """One run of the gate, as the file has it, every key present; `tiers` is (number, state, reason) in order.

    The last and best stage of a cell's paired times is its `time["stage"]`.
    """

    path: Path
    header: dict
    tiers: list
    canary: dict | None
    cells: list
    accepted: list
    stale: list
    footer: dict


def load(path: Path) -> Gate:
    """The run in the file at `path`; raises `UnreadableError`."""
    document = parsed(text(path), str(path))
    if not isinstance(document, dict) or "tiers" not in document or "schema" not in document:
        raise UnreadableError(f"{path}: not a file of the performance gate (schema, header, tiers, cells, footer)")
    if document["schema"] != SCHEMA:
        raise UnreadableError(f"{path}: schema {document['schema']!r}, but this reader knows schema {SCHEMA}")
    expected = {"header": dict, "tiers": dict, "cells": list, "footer": dict}
    whole = typed(document, expected | dict.fromkeys(("canary",), dict | None), str(path))
    canary = whole["canary"] and typed(whole["canary"], _CANARY, f"{path}: canary")
    tiers = [(name, typed(each, _TIER, f"{path}: tiers.{name}")) for name, each in sorted(whole["tiers"].items())]
    return Gate(
        path,
        typed(whole["header"], _HEADER, f"{path}: header"),
        [(name, each["state"], each["reason"]) for name, each in tiers],
        canary,
        [_cell(each, f"{path}: cells[{index}]") for index, each in enumerate(whole["cells"])],
        _list(document.get("accepted")),
        _list(document.get("stale")),
        typed(whole["footer"], _FOOTER, f"{path}: footer"),
    )


def _list(value: object) -> list:
    return value if isinstance(value, list) else []


def _cell(value: object, where: str) -> dict:
    cell = typed(value, _CELL, where)
    if cell["outcome"] not in OUTCOMES:
        raise UnreadableError(f"{where}.outcome: {cell['outcome']!r} is none of {', '.join(OUTCOMES)}")
    for key in ("counters", "operators"):
        pairs = (cell[key] or {}).items()
        cell[key] = {k: typed(v, {"base": REAL, "head": REAL}, f"{where}.{key}.{k}") for k, v in pairs}
    if cell["instructions"]:
        cell["instructions"] = typed(cell["instructions"], _INSTRUCTIONS, f"{where}.instructions")
    if cell["time"]:
        cell["time"] = _time(cell["time"], f"{where}.time")
    cell["reasons"] = [str(each) for each in cell["reasons"] or []]
    return cell


def _time(value: object, where: str) -> dict:
    time = typed(value, _TIME, where)
    for key in ("stage1", "stage2"):
        time[key] = time[key] and typed(time[key], _STAGE, f"{where}.{key}")
    time["stage"] = time["stage2"] or time["stage1"]
    return time
