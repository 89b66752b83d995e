"""``python -m perf.proof``: more trials of the gate, or what those so far say.  Interrupt it and go on whenever."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from perf.gate.measuring import Broken, no_valgrind
from perf.proof.injections import SPINS, Injection, spins, unchanged, work
from perf.proof.summary import lines, read
from perf.proof.trials import trials

DATA = Path(__file__).parent / "data"
#: Work-like injections that one process of valgrind measures.
TOGETHER = 24


def main(arguments: list[str]) -> int:
    """Exit status: 0; 1 where a tier cannot be run; 2 interrupted, with all that was finished in the data."""
    asked = parser().parse_args(arguments)
    asked.data.mkdir(parents=True, exist_ok=True)
    if asked.summary:
        print("\n".join(lines(read(asked.data))))
        return 0
    if not (asked.kind and asked.tier):
        parser().error("give --kind and --tier, or --summary")
    problem = no_valgrind() if asked.tier == "1" else None
    if problem:
        print(f"proof: tier 1 not run: {problem}", file=sys.stderr)
        return 1
    try:
        return grow(asked)
    except KeyboardInterrupt:
        return 2


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(prog="python -m perf.proof", description=__doc__)
    found.add_argument("--kind", choices=("aa", "injected"), help="nothing injected, or something")
    found.add_argument("--tier", choices=("0", "1", "2"))
    found.add_argument("--runs", type=int, default=1, help="trials there should be of each, those in the data counted")
    found.add_argument("--spin", type=int, action="append", choices=SPINS, help="only spins of this size (tier 2)")
    found.add_argument("--minutes", type=float, help="start no other run after so long")
    found.add_argument("--data", type=Path, default=DATA, help=f"the folder of the data (default {DATA})")
    found.add_argument("--summary", action="store_true", help="what the data say")
    return found


def grow(asked: argparse.Namespace) -> int:
    """Add what is missing, a run at a time; the data are read again before each, so that two can grow them at once."""
    file = asked.data / f"{asked.kind}-tier{asked.tier}.jsonl"
    until = time.monotonic() + 60 * asked.minutes if asked.minutes else float("inf")
    while time.monotonic() < until:
        missing, number = next_run(asked, file)
        if not missing:
            print(f"proof: {file.name} has all {asked.runs} runs", file=sys.stderr)
            break
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="perf-proof-") as folder:
            try:
                found = list(trials(asked.kind, asked.tier, missing, Path(folder), number))
            except (Broken, RuntimeError) as error:
                print(f"proof: {error}", file=sys.stderr)
                return 1
        with file.open("a") as data:
            data.write("".join(json.dumps(trial) + "\n" for trial in found))
        tell(found, number, time.monotonic() - began)
    return 0


def next_run(asked: argparse.Namespace, file: Path) -> tuple[list[Injection], int]:
    """The injections that one more run measures, and the number of that run, which seeds it."""
    done = Counter((t["injection"] or "none", t["cell"]) for t in read(file.parent) if file.name == t["file"])
    groups = groups_of(asked)
    ranked = [([i for i in g if done[i.name, i.proven.cell.name] < asked.runs], g) for g in groups]
    open_ones = [(min(done[i.name, i.proven.cell.name] for i in left), left) for left, _ in ranked if left]
    if not open_ones:
        return [], 0
    number, left = min(open_ones, key=lambda one: one[0])
    return left, number


def groups_of(asked: argparse.Namespace) -> list[list[Injection]]:
    """What is measured together."""
    if asked.kind == "aa":
        return [unchanged()]
    if asked.tier == "2":
        return [spins(percent) for percent in asked.spin or (5, 10, 3, 20)]
    every = work()
    return [every[i : i + TOGETHER] for i in range(0, len(every), TOGETHER)]


def tell(found: list[dict], number: int, seconds: float) -> None:
    flagged = [f"{t['injection'] or 'none'}@{t['cell']}" for t in found if t["flagged"]]
    told = ", ".join(flagged) if len(flagged) <= 6 else f"{len(flagged)}"
    print(f"proof: run {number}, {len(found)} trials in {seconds:.0f} s, flagged: {told or 'none'}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
