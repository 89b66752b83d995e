"""What is one trial: an injection, or none, that one tier of the gate is asked about?"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from conformance.version import VERSION
from perf.gate import judge, running
from perf.gate.accepted import Threshold
from perf.gate.measuring import Measuring, Pair
from perf.gate.results import now
from perf.machine import load
from perf.proof.injections import Injection

SCHEMA = 1


def trials(kind: str, tier: str, injections: list[Injection], folder: Path, seed: int) -> Iterator[dict]:
    """The lines of one run of the gate's tier over some injections.  Raises Broken."""
    measuring = Measuring(folder, seed)
    fingerprint, began = measuring.machine()["fingerprint"], time.monotonic()
    pairs = {f"{i.name}@{i.proven.name}": (i, pair(i)) for i in injections}
    found = MEASURES[tier](measuring, [p for _, p in pairs.values()])
    seconds = (time.monotonic() - began) / len(pairs)
    for key, (injection, _) in pairs.items():
        known = {
            "schema": SCHEMA, "kind": kind, "tier": tier, "injection": injection.name if kind == "injected" else None,
            "family": injection.family, "size_percent": injection.percent, "cell": injection.proven.cell.name,
            "bound": injection.proven.bound, "seconds": round(seconds, 2), "fingerprint": fingerprint, "load": load(),
            "date": now(), "suite_version": VERSION, "seed": seed,
        }  # fmt: skip
        yield known | found[key]


def pair(injection: Injection) -> Pair:
    return Pair(f"{injection.name}@{injection.proven.name}", injection.proven.cell, injection.base, injection.head)


def by_counters(measuring: Measuring, pairs: list[Pair]) -> dict[str, dict]:
    """Tier 0.  Raises RuntimeError where an answer is wrong: no regression is measured then."""
    sides: dict[str, dict] = {p.key: {} for p in pairs}
    for said in measuring.counters(pairs, ("0",)):
        if "key" not in said:
            continue
        if running.why(said):
            raise RuntimeError(f"{said['key']}, {said['side']}{running.why(said)}")
        sides[said["key"]][said["side"]] = said["counters"]
    return {key: counted(key, own) for key, own in sides.items()}


def counted(key: str, own: dict) -> dict:
    counters, operators = running.compared(own)
    found = judge.of_counters(key, {"counters": counters, "operators": operators})
    return {"counters": counters, "flagged": bool(found), "by": [f.what for f in found]}


def by_instructions(measuring: Measuring, pairs: list[Pair]) -> dict[str, dict]:
    """Tier 1.  Raises RuntimeError where nothing is counted."""
    records: dict[str, dict | None] = {p.key: None for p in pairs}
    for said in measuring.instructions(pairs):
        if "error" in said:
            raise RuntimeError(f"{said['key']}, {said['side']}: {said['error']}")
        records[said["key"]] = running.instructions(records[said["key"]], said)
    return {key: executed(key, record) for key, record in records.items()}


def executed(key: str, record: dict) -> dict:
    found = judge.of_instructions(key, {"instructions": record})
    return {"instructions": record, "flagged": bool(found), "by": [f.what for f in found]}


def by_time(measuring: Measuring, pairs: list[Pair]) -> dict[str, dict]:
    """Tier 2, the whole rule: flagged where stage 1 flags and stage 2 confirms."""
    usual = Threshold("*", "the gate's own")
    times = staged(measuring, pairs, "stage1", judge.FLAG_FORKS, judge.FLAG_SECONDS, {}, usual)
    again = [p for p in pairs if times[p.key]["flagged"]]
    if again:
        times |= staged(measuring, again, "stage2", judge.FAIL_FORKS, judge.FAIL_SECONDS, times, usual)
    return {key: line(time) for key, time in times.items()}


def staged(measuring, pairs: list[Pair], stage: str, forks: int, seconds: float, before: dict, usual) -> dict:
    """The times after one more stage, by cell."""
    own: dict[str, list[dict]] = {p.key: [] for p in pairs}
    for said in measuring.pairs(pairs, forks, seconds):
        if "error" in said:
            raise RuntimeError(f"{said['key']}: {said['error']}")
        own[said["key"]].append(said)
    return {key: running.timed(before.get(key), stage, lines, usual) for key, lines in own.items()}


def line(time: dict) -> dict:
    second = time["stage2"]
    return {
        "log_ratios": rounded(time["stage1"]["log_ratios"]),
        "log_ratios_stage2": rounded(second["log_ratios"]) if second else None,
        "percent": round((second or time["stage1"])["percent"], 3),
        "flagged_stage1": time["flagged"],
        "flagged": time["failed"],
        "detectable_percent": time["detectable_percent"],
        "microseconds": time["microseconds"],
    }


def rounded(log_ratios: list[float]) -> list[float]:
    return [round(x, 6) for x in log_ratios]


MEASURES = {"0": by_counters, "1": by_instructions, "2": by_time}
