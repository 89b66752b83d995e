"""In which order is everything measured, and what becomes of what cannot be?"""

from __future__ import annotations

import sys
from dataclasses import asdict, replace

from perf.gate import judge
from perf.gate.measuring import Broken, Measuring, Pair, no_valgrind
from perf.gate.results import Results
from perf.gate.statistics import Summary, detectable, summary

ABSENT = {"instructions": None, "l1_misses": None, "ll_misses": None, "cycles": None}


def run(results: Results, measuring: Measuring) -> None:
    """Measure everything that was asked for, and write after every cell."""
    asked, pairs = results.asked, list(results.asked.pairs)
    tier0(results, measuring, pairs)
    alive = [p for p in pairs if not results.records[p.key]["not_run"]]
    if "1" in asked.tiers:
        tier1(results, measuring, alive)
    if "2" in asked.tiers:
        tier2(results, measuring, alive)


def say(text: str) -> None:
    print(f"perf-gate: {text}", file=sys.stderr, flush=True)


def tier0(results: Results, measuring: Measuring, pairs: list[Pair]) -> None:
    """The verdict on every answer, and the counters."""
    found: dict[tuple[str, str], dict] = {}
    missing = {"error": "not reached", "lost": True}
    try:
        for said in measuring.counters(pairs, results.asked.tiers):
            if "key" not in said:
                results.header |= said
                continue
            found[said["key"], said["side"]] = said
            say(f"answer and counters: {said['key']}, {said['side']}{why(said)}")
    except Broken as error:
        missing["error"] = str(error)
        fail(results, "0", str(error), pairs)
    for pair in pairs:
        record, sides = (
            results.records[pair.key],
            {s: found.get((pair.key, s), missing) for s in SIDES},
        )
        take_answers(results, record, sides)
        if not record["not_run"] and sides["head"]["counters"]:
            record["counters"], record["operators"] = compared({s: v["counters"] for s, v in sides.items()})
    if "0" in results.asked.tiers and results.tiers["0"]["reason"] == "not reached":
        results.tiers["0"] = {"state": judge.RUN, "reason": None}
    results.write()


SIDES = ("base", "head")


def why(said: dict) -> str:
    wrong = said.get("error") or said.get("wrong")
    return f": {wrong}" if wrong else ""


def take_answers(results: Results, record: dict, sides: dict) -> None:
    """A head that is wrong or does not run fails the run; a base that does not run leaves its cell."""
    head, base = sides["head"], sides["base"]
    for which, said in (("head", head), ("base", base)):
        if "error" in said:
            record["not_run"] = record["not_run"] or f"{which}: {said['error']}"
    if head.get("wrong"):
        record["not_run"] = f"head: the answer is wrong: {head['wrong']}"
    if base.get("wrong"):
        record["told"].append(f"note: the answer of base is wrong: {base['wrong']}")
    if head.get("wrong") or ("error" in head and not head.get("lost")):
        results.wrong.append(f"{record['cell']}: {record['not_run']}")


def compared(counters: dict[str, dict]) -> tuple[dict, dict]:
    """Counters and operators by name, of base and of head."""
    named = {s: dict(c) for s, c in counters.items()}
    operators = {s: c["operators"] for s, c in named.items()}
    for side, own in named.items():
        own["operators"] = sum(operators[side].values())
    each = sorted({name for own in operators.values() for name in own})
    return (
        {name: {s: own[name] for s, own in named.items()} for name in named["base"]},
        {name: {s: own.get(name, 0) for s, own in operators.items()} for name in each},
    )


def fail(results: Results, tier: str, reason: str, pairs: list[Pair]) -> None:
    """A tier that could not be done."""
    results.tiers[tier] = {"state": judge.NOT_RUN, "reason": reason}
    say(f"tier {tier} NOT RUN: {reason}")
    results.write()


def tier1(results: Results, measuring: Measuring, pairs: list[Pair]) -> None:
    """Instructions by callgrind."""
    reason = no_valgrind() if pairs else "no cell is left"
    if reason:
        return fail(results, "1", reason, pairs)
    say("tier 1: valgrind starts")
    try:
        for said in measuring.instructions(pairs):
            record = results.records[said["key"]]
            limit = judge.APART if results.asked.pythons else judge.INSTRUCTIONS
            record["instructions"] = instructions(record["instructions"], said) | {"limit_percent": limit}
            say(f"tier 1: {said['key']}, {said['side']}{why(said)}")
            results.write()
    except Broken as error:
        return fail(results, "1", str(error), pairs)
    results.tiers["1"] = {"state": judge.RUN, "reason": None}
    return results.write()


def instructions(before: dict | None, said: dict) -> dict:
    """What is known of both sides after one more line."""
    found = before or {"base": None, "head": None, "percent": None, "cycles_percent": None, "reason": "not reached"}
    found = dict(found) | {said["side"]: said.get("instructions")}
    if "error" in said:
        return found | {"reason": f"{said['side']}: {said['error']}"}
    if found["base"] and found["head"]:
        found |= {"reason": None, "percent": more(found, "instructions"), "cycles_percent": more(found, "cycles")}
    return found


def more(found: dict, what: str) -> float:
    return 100 * (found["head"][what] / found["base"][what] - 1)


def tier2(results: Results, measuring: Measuring, pairs: list[Pair]) -> None:
    """Paired processor time: a canary and every cell, then the flagged ones for longer."""
    if not pairs:
        return fail(results, "2", "no cell is left", pairs)
    canary = replace(pairs[0], key=f"canary {pairs[0].key}", head=pairs[0].base)
    try:
        first = forks(results, measuring, [canary, *pairs], "stage1", judge.FLAG_FORKS, judge.FLAG_SECONDS)
        take_canary(results, pairs[0].key, first.pop(canary.key, ([], None)))
        flagged = [p for p in pairs if is_flagged(results, p.key)]
        if flagged and results.tiers["2"]["state"] != judge.VOID:
            say(f"tier 2: stage 2 of {len(flagged)} flagged cells")
            forks(results, measuring, flagged, "stage2", judge.FAIL_FORKS, judge.FAIL_SECONDS)
    except Broken as error:
        return fail(results, "2", str(error), pairs)
    if results.tiers["2"]["state"] != judge.VOID:
        results.tiers["2"] = {"state": judge.RUN, "reason": None}
    return results.write()


def forks(results: Results, measuring: Measuring, pairs: list[Pair], stage: str, count: int, seconds: float) -> dict:
    """All forks of one stage: by cell the lines, and why some are missing."""
    found: dict[str, tuple[list[dict], str | None]] = {p.key: ([], None) for p in pairs}
    for number, said in enumerate(measuring.pairs(pairs, count, seconds), 1):
        own, problem = found[said["key"]]
        found[said["key"]] = (own, problem or said["error"]) if "error" in said else ([*own, said], problem)
        if number % len(pairs) == 0:
            say(f"tier 2: {stage}, fork {number // len(pairs)} of {count}")
    for key, (own, problem) in found.items():
        if key in results.records:
            take_time(results, key, stage, own, problem)
    results.write()
    return found


def take_time(results: Results, key: str, stage: str, own: list[dict], problem: str | None) -> None:
    """What the forks of a cell say, beside what is known of its time."""
    record = results.records[key]
    if problem or not own:
        record["told"].append(f"time: {problem or 'not reached'}")
        return
    record["time"] = timed(record["time"], stage, own, results.asked.reviewed.threshold(key))


def timed(before: dict | None, stage: str, own: list[dict], threshold) -> dict:
    """The time of a cell after one more stage."""
    flag, fail_ = judge.rules(threshold)
    time = before or {"stage1": None, "stage2": None, "flagged": False, "failed": False}
    found = summary([said["log_ratio"] for said in own])
    time = dict(time) | {stage: told(found), "threshold_percent": threshold.percent}
    time["flagged"] = time["flagged"] or (stage == "stage1" and flag.shows(found))
    time["failed"] = stage == "stage2" and fail_.shows(found)
    stages = [(judge.FLAG_FORKS, flag), (judge.FAIL_FORKS, fail_)]
    time["detectable_percent"] = detectable(found.log_ratios, stages)
    middle = sorted(own, key=lambda said: said["log_ratio"])[len(own) // 2]
    return time | {"microseconds": {s: round(middle[s], 3) for s in SIDES}}


def told(found: Summary) -> dict:
    return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(found).items()}


def is_flagged(results: Results, key: str) -> bool:
    time = results.records[key]["time"]
    return bool(time) and time["flagged"]


def take_canary(results: Results, cell: str, lines: tuple[list[dict], str | None]) -> None:
    """Base against base: where it differs, nothing of this tier counts."""
    own, problem = lines
    if problem or len(own) < judge.FLAG_FORKS:
        results.tiers["2"] = {"state": judge.VOID, "reason": f"the canary did not sing: {problem or 'not reached'}"}
        return
    found = summary([said["log_ratio"] for said in own])
    sings = judge.canary_sings(found)
    results.canary = {"cell": cell} | told(found) | {"flagged": sings}
    if sings:
        reason = f"machine too noisy: base against base differs by {found.percent:+.1f} %"
        results.tiers["2"] = {"state": judge.VOID, "reason": reason}
        say(f"tier 2 VOID: {reason}")
