"""What do all trials so far say?"""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from perf.proof.cells import CELLS
from perf.proof.injections import SPINS


def read(folder: Path) -> list[dict]:
    """Every line of every file, with the file's name; one that cannot be read is told and left."""
    found = []
    for file in sorted(folder.glob("*.jsonl")):
        for number, line in enumerate(file.read_text().splitlines(), 1):
            try:
                found.append(json.loads(line) | {"file": file.name})
            except (json.JSONDecodeError, TypeError) as error:
                print(f"proof: {file.name}, line {number}: not read: {error}", file=sys.stderr)
    return found


def lines(trials: list[dict]) -> Iterator[str]:
    """False alarms by tier, injections found, spins found by size and bound, what is detectable."""
    machines = len({t["fingerprint"] for t in trials})
    yield f"{len(trials)} trials on {machines} machine{'s' * (machines != 1)}"
    yield from false_alarms([t for t in trials if t["kind"] == "aa"])
    yield from work_found([t for t in trials if t["family"] == "work"])
    yield from spins_found([t for t in trials if t["family"] == "spin"])
    yield from detectable([t for t in trials if t["kind"] == "aa" and t["tier"] == "2"])


def false_alarms(trials: list[dict]) -> Iterator[str]:
    for tier in sorted({t["tier"] for t in trials}):
        own = [t for t in trials if t["tier"] == tier]
        runs = min(Counter(t["cell"] for t in own).values())
        flagged = sum(t["flagged"] for t in own)
        told = f"{flagged} of {len(own)} cells flagged ({share(flagged, len(own))})"
        yield f"A/A, tier {tier}: {runs} runs of 6 cells, {told}"


def work_found(trials: list[dict]) -> Iterator[str]:
    """By injection, whether any of the exact tiers saw it."""
    seen: dict[tuple[str, str], set[str]] = defaultdict(set)
    for trial in trials:
        seen[trial["injection"], trial["cell"]] |= {trial["tier"]} if trial["flagged"] else set()
    if not seen:
        return
    found = sum(bool(tiers) for tiers in seen.values())
    only = {t: sum(tiers == {t} for tiers in seen.values()) for t in ("0", "1")}
    alone = f"{only['0']} by 0 alone, {only['1']} by 1 alone"
    yield f"work: {found} of {len(seen)} injections found by tiers 0 or 1 ({alone})"
    yield from (f"  missed: {name} in {cell}" for (name, cell), tiers in sorted(seen.items()) if not tiers)


def spins_found(trials: list[dict]) -> Iterator[str]:
    for bound in ("compute", "memory"):
        for size in SPINS:
            own = [t for t in trials if t["bound"] == bound and t["size_percent"] == size]
            if own:
                found, runs = sum(t["flagged"] for t in own), min(Counter(t["cell"] for t in own).values())
                told = f"{found} of {len(own)} found ({share(found, len(own))}), {runs} runs"
                yield f"spin of {size} %, {bound}-bound: {told}"


def detectable(trials: list[dict]) -> Iterator[str]:
    for proven in CELLS.values():
        own = [t["detectable_percent"] for t in trials if t["cell"] == proven.cell.name]
        if own:
            told = f"{median(own):.1f} % (median), {max(own):.1f} % (worst of {len(own)})"
            yield f"detectable in {proven.cell.name}: {told}"


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %"
