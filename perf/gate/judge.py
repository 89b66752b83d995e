"""What do the measurements of a cell, and of a run, amount to?  Rules only; nothing is measured here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from math import inf

from perf.gate.accepted import COUNTERS, Accepted, Reviewed, Threshold
from perf.gate.statistics import Rule, Summary

#: The tiers and the states that they end in.
TIERS = ("0", "1", "2")
RUN, NOT_RUN, VOID = "run", "not run", "void"
#: More instructions, in percent, fail or are told.
INSTRUCTIONS, NOTED = 2.0, 1.0
#: The same between two interpreters, which lay out their memory otherwise: the same torch by two of them moved small
#: calls by up to 2.04 %.
APART = 5.0
#: More estimated cycles that fail, in percent.  Identical code repeats them to .1 %, but which freed memory a call
#: takes again decides its misses: in the proof one more view, which touches no memory, moved them by -18 to +21 %.
CYCLES = 50.0
#: The first stage of tier 2: forks, seconds in each, and the rule.  It flags.
FLAG, FLAG_FORKS, FLAG_SECONDS = Rule(2.0, 0.06), 10, 0.2
#: The second, of flagged cells only.  It fails.  Its slowdown is a cell's own threshold.
FAIL, FAIL_FORKS, FAIL_SECONDS = Rule(3.0, 0.02), 12, 1.4


@dataclass(frozen=True)
class Finding:
    """One increase of head over base.  ``amount`` as a count, ``percent`` of the base."""

    cell: str
    what: str
    amount: float
    percent: float
    text: str


def rules(threshold: Threshold) -> tuple[Rule, Rule]:
    """The rules of both stages for a cell: the first flags at two thirds of what fails."""
    return Rule(threshold.percent * FLAG.percent / FAIL.percent, FLAG.p), Rule(threshold.percent, FAIL.p)


def canary_sings(found: Summary) -> bool:
    """Whether base differs from base, in either direction: the machine is too noisy."""
    mirrored = Summary((), -found.percent, 0, 0, 1 - found.p)
    return FLAG.shows(found) or FLAG.shows(mirrored)


def increases(cell: str, record: Mapping) -> list[Finding]:
    """Every increase of a cell that fails unless it was accepted."""
    return [*of_counters(cell, record), *of_instructions(cell, record), *of_time(cell, record)]


def of_counters(cell: str, record: Mapping) -> list[Finding]:
    """Tier 0: any increase of any counter."""
    found = []
    for name in COUNTERS:
        base, head = (record["counters"].get(name) or {}).get("base"), (record["counters"].get(name) or {}).get("head")
        if base is not None and head is not None and head > base:
            more = 100 * (head - base) / base if base else inf
            which = f" ({more_operators(record['operators'])})" if name == "operators" else ""
            text = f"{name.replace('_', ' ')}: {base} -> {head}{which}"
            found.append(Finding(cell, name, head - base, more, text))
    return found


def more_operators(operators: Mapping) -> str:
    """The operators that are called more often, by name."""
    more = {n: c["head"] - c["base"] for n, c in operators.items() if c["head"] > c["base"]}
    return ", ".join(f"{n} +{c}" for n, c in more.items())


def of_instructions(cell: str, record: Mapping) -> list[Finding]:
    """Tier 1: instructions, and estimated cycles, which see what caches do."""
    counted = record["instructions"]
    if counted is None or counted["base"] is None or counted["head"] is None:
        return []
    found = []
    for what, percent, limit in (
        ("instructions", counted["percent"], counted.get("limit_percent", INSTRUCTIONS)),
        ("cycles", counted["cycles_percent"], CYCLES),
    ):
        base, head = counted["base"][what], counted["head"][what]
        if percent > limit:
            text = f"{'estimated cycles' if what == 'cycles' else what}: {base} -> {head} ({percent:+.1f} %)"
            found.append(Finding(cell, what, head - base, percent, text))
    return found


def of_time(cell: str, record: Mapping) -> list[Finding]:
    """Tier 2: a slowdown that both stages show."""
    time = record["time"]
    if time is None or not time["failed"]:
        return []
    last = time["stage2"]
    text = f"time: {last['percent']:+.1f} % [{last['low']:+.1f}, {last['high']:+.1f}], p = {last['p']:.2g}"
    return [Finding(cell, "time", last["percent"], last["percent"], text)]


def notes(record: Mapping) -> list[str]:
    """What is told and does not fail."""
    counted = record["instructions"]
    percent = counted["percent"] if counted else None
    told = percent is not None and NOTED < percent <= counted.get("limit_percent", INSTRUCTIONS)
    return [f"note: instructions {percent:+.1f} %"] if told else []


def doubts(record: Mapping, tiers: Mapping, asked: tuple[str, ...], threshold: Threshold) -> list[str]:
    """Why nobody should read the silence of a cell as proof."""
    found = [f"tier {t} {tiers[t]['state']}: {tiers[t]['reason']}" for t in asked if tiers[t]["state"] != RUN]
    if "1" in asked and tiers["1"]["state"] == RUN:
        counted = record["instructions"] or {"reason": "not counted", "percent": None}
        found += [f"instructions: {counted['reason']}"] if counted["percent"] is None else []
    if "2" in asked and tiers["2"]["state"] == RUN:
        found += doubts_of_time(record["time"], threshold)
    return found


def doubts_of_time(time: Mapping | None, threshold: Threshold) -> list[str]:
    """What tier 2 leaves open.  A flag is cleared by a second stage that would not have flagged."""
    if time is None or time["stage1"] is None:
        return ["time was not measured"]
    if time["failed"]:
        return []
    last, (flag, _) = time["stage2"], rules(threshold)
    if time["flagged"] and last is None:
        return ["flagged in stage 1, and stage 2 was not measured"]
    if time["flagged"] and last["percent"] > flag.percent and last["p"] <= flag.p:
        return [f"flagged in stage 1, neither confirmed nor cleared in stage 2 ({last['percent']:+.1f} %)"]
    if time["detectable_percent"] > threshold.detectable:
        return [
            f"only a slowdown of {time['detectable_percent']:.1f} % would be found (limit {threshold.detectable:g} %)"
        ]
    return []


def outcome(
    cell: str, record: Mapping, tiers: Mapping, asked: tuple[str, ...], reviewed: Reviewed, today: date
) -> tuple[str, list[str]]:
    """The outcome of a cell and its reasons.  ``record`` is what was measured."""
    if record["not_run"]:
        return "not run", [record["not_run"]]
    found = increases(cell, record)
    left = [f for f in found if not any(a.covers(f, today) for a in reviewed.accepted)]
    told = [f"accepted: {f.text}" for f in found if f not in left] + record["told"] + notes(record)
    open_questions = doubts(record, tiers, asked, reviewed.threshold(cell))
    if left:
        return "regression", [f.text for f in left] + told + open_questions
    if open_questions:
        return "inconclusive", open_questions + told
    return ("accepted" if found else "pass"), told


def met(reviewed: Reviewed, records: Mapping[str, Mapping], today: date) -> list[Accepted]:
    """The entries that excuse something."""
    found = [f for cell, record in records.items() for f in increases(cell, record)]
    return [a for a in reviewed.accepted if any(a.covers(f, today) for f in found)]


def stale(
    reviewed: Reviewed, records: Mapping[str, Mapping], possible: list[str], tiers: Mapping, today: date
) -> list[tuple[Accepted, str]]:
    """Entries that have no use, and why.  ``possible``: the names of all cells that the subjects could have."""
    kept, found = met(reviewed, records, today), []
    for entry in reviewed.accepted:
        own = {n: r for n, r in records.items() if fnmatchcase(n, entry.cell)}
        if entry.expires < today:
            found.append((entry, f"it has expired on {entry.expires}"))
        elif not any(fnmatchcase(n, entry.cell) for n in possible):
            found.append((entry, "it matches no cell"))
        elif entry not in kept and own and all(gone(entry, n, r, tiers) for n, r in own.items()):
            found.append((entry, "it no longer shows"))
    return found


def gone(entry: Accepted, cell: str, record: Mapping, tiers: Mapping) -> bool:
    """Whether what an entry accepts was looked for in a cell and is not there."""
    tier = {"instructions": "1", "cycles": "1", "time": "2"}.get(entry.what, "0")
    if tiers[tier]["state"] != RUN or record["not_run"]:
        return False
    if entry.what == "time":
        measured = record["time"] and record["time"]["stage1"]
        return bool(measured) and measured["high"] < FLAG.percent
    return not any(f.what == entry.what for f in increases(cell, record))


def verdict(
    outcomes: list[str], wrong: list[str], left_over: list[str], conclusive: bool
) -> tuple[str, int, list[str]]:
    """The outcome of a run, its exit status, and the reasons.

    ``wrong``: heads that are not measured because they fail; ``left_over``: stale entries; ``conclusive``: whether
    anything but certainty fails.
    """
    failing = outcomes.count("regression")
    reasons = [f"{failing} cells regress"] if failing else []
    reasons += wrong + left_over
    if reasons:
        return "regression", 1, reasons
    unsure = [o for o in outcomes if o in ("inconclusive", "not run")]
    if unsure or not outcomes:
        told = ", ".join(f"{unsure.count(o)} cells {o}" for o in dict.fromkeys(unsure)) or "nothing was compared"
        return "inconclusive", int(conclusive), [told]
    return "pass", 0, []
