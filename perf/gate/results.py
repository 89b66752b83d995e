"""The results file: cells as they come, marked incomplete until the end."""

from __future__ import annotations

import json
import os
from collections import Counter
from datetime import UTC, date, datetime
from math import isfinite

from conformance.version import VERSION
from perf.gate import judge
from perf.gate.measuring import Pair
from perf.gate.options import Asked

SCHEMA = 1
UNFINISHED = {
    "complete": False, "outcome": "inconclusive", "exit_status": None, "reasons": ["interrupted"], "counts": {},
    "finished": None,
}  # fmt: skip


class Results:
    """What a run has measured so far.  ``records``: by the name of the cell."""

    def __init__(self, asked: Asked, command: list[str]):
        self.asked = asked
        self.header = {
            "suite_version": VERSION, "command": ["perf-gate", *command], "started": now(), "fingerprint": None,
            "environment": {}, "head": asked.heads, "base": asked.base, "accepted_file": asked.reviewed.name,
            "require_conclusive": asked.conclusive, "seed": asked.seed,
        }  # fmt: skip
        unasked = {"state": judge.NOT_RUN, "reason": "not asked for"}
        if asked.pythons:
            unasked["reason"] = "two interpreters cannot pair"
        waiting = {"state": judge.NOT_RUN, "reason": "not reached"}
        self.tiers = {t: dict(waiting if t in asked.tiers else unasked) for t in judge.TIERS}
        self.canary: dict | None = None
        self.records = {p.key: blank(p) for p in asked.pairs}
        self.wrong: list[str] = []
        self.footer = dict(UNFINISHED)

    def cells(self) -> list[dict]:
        """The cells with their outcomes."""
        today, found = date.today(), []
        for key, record in self.records.items():
            outcome, reasons = judge.outcome(key, record, self.tiers, self.asked.tiers, self.asked.reviewed, today)
            shown = {k: v for k, v in record.items() if k not in ("not_run", "told")}
            found.append(shown | {"outcome": outcome, "reasons": reasons})
        return found

    def document(self) -> dict:
        today, reviewed = date.today(), self.asked.reviewed
        late = judge.stale(reviewed, self.records, list(self.asked.possible), self.tiers, today)
        return {
            "schema": SCHEMA, "header": self.header, "tiers": self.tiers, "canary": self.canary, "cells": self.cells(),
            "accepted": [a.told() for a in judge.met(reviewed, self.records, today)],
            "stale": [a.told() | {"why": why} for a, why in late], "footer": self.footer,
        }  # fmt: skip

    def finish(self) -> dict:
        """Judge the run, write the file for good, and return the document."""
        document = self.document()
        outcomes = [c["outcome"] for c in document["cells"]]
        late = [
            f"stale: {e['what']} of {e['cell']} in {self.asked.reviewed.name}: {e['why']}" for e in document["stale"]
        ]
        outcome, status, reasons = judge.verdict(outcomes, self.wrong, late, self.asked.conclusive)
        self.footer = {
            "complete": True, "outcome": outcome, "exit_status": status, "reasons": reasons,
            "counts": dict(Counter(outcomes)), "finished": now(),
        }  # fmt: skip
        self.write()
        return document | {"footer": self.footer}

    def write(self) -> None:
        """The whole file, never half of it."""
        file = self.asked.results
        beside = file.with_name(file.name + ".partial")
        beside.write_text(json.dumps(finite(self.document()), indent=1, allow_nan=False) + "\n")
        os.replace(beside, file)


def blank(pair: Pair) -> dict:
    """A cell of which nothing is known yet."""
    cell = pair.cell
    about = ("loss", "direction", "size", "dtype", "device")
    return {"cell": pair.key} | {k: getattr(cell, k) if cell else None for k in about} | {
        "head": pair.head.name, "base": pair.base.name, "counters": {}, "operators": {}, "instructions": None,
        "time": None, "not_run": None, "told": [],
    }  # fmt: skip


def finite(value):
    """The same with numbers that JSON does not have as strings."""
    if isinstance(value, dict):
        return {k: finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [finite(v) for v in value]
    return str(value) if isinstance(value, float) and not isfinite(value) else value


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
