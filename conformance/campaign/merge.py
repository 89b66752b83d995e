"""What do the rows of several seeds amount to?  One row for each question: the worst of them, and their sums."""

from __future__ import annotations

from math import isnan

from conformance.results import VERDICTS
from conformance.staleness import number
from conformance.verdict import GRADES

KEY = ("subject", "loss", "check", "question", "quantity", "dtype", "reduction", "device", "mode")
#: Counts, which are added.  Cases are distinct within a seed: what two seeds draw alike counts twice.
ADDED = ("cases", "vacuous", "excused")
#: Measures of which the largest is kept, in whichever seed it came.
LARGEST = ("worst_ratio", "worst_ulp", "sharpness", "cpu_difference")


def merged(tasks: list[dict], results: list[dict]) -> list[dict]:
    """The rows of all shards in the order of their first; those of replays stand by themselves, at the end."""
    by_key: dict[tuple, list[tuple[int, dict]]] = {}
    for task, result in zip(tasks, results, strict=True):
        for row in result["rows"] if task["kind"] == "rows" else ():
            by_key.setdefault(tuple(row[k] for k in KEY), []).append((task["seed"], row))
    seeds = len({task["seed"] for task in tasks})
    replays = [row for task, result in zip(tasks, results, strict=True) if task["kind"] == "replays"
               for row in result["rows"]]  # fmt: skip
    return [one(rows, seeds) for rows in by_key.values()] + replays


def one(rows: list[tuple[int, dict]], seeds: int) -> dict:
    """One row of the rows of several seeds.

    Verdict, measures and grade are the worst; witness, script and message those of the first seed that has the worst
    verdict; counts and seconds are added up.
    """
    every = [row for _, row in rows]
    verdict = min((row["verdict"] for row in every), key=VERDICTS.index)
    worst = [(seed, row) for seed, row in rows if row["verdict"] == verdict]
    seed, first = next(((s, r) for s, r in worst if r["witness"]), worst[0])
    kept = dict(first) | {name: sum(row[name] for row in every) for name in ADDED}
    kept |= {name: largest(row[name] for row in every) for name in LARGEST}
    kept["grade"] = max((row["grade"] for row in every if row["grade"]), key=GRADES.index, default=None)
    kept["deviation"] = sorted({id for row in every for id in row["deviation"]})
    kept["seconds"] = round(sum(row["seconds"] or 0.0 for row in every), 4)
    if verdict == "fail" and seeds > 1:
        kept["message"] = f"seed {seed} (one of {len(worst)} that fail): {first['message']}"
    return kept


def largest(measures) -> float | str | None:
    """The largest of numbers as JSON has them; one that is none is the worst; None where there is nothing."""
    found = [float(x) for x in measures if x is not None]
    return number(max(found, key=lambda x: (isnan(x), x))) if found else None
