"""How many mutants does the gate catch, and does it flag a correct loss?  ``python -m conformance.mutants.score``.

Puts every mutant of the zoo and every control to the whole gate.  Exit status 0 when all mutants fail and no control
does, at ``--seed 0``; at other seeds 99 of 100 mutants are enough.  ``--budget nightly`` puts every mutant to every
check: see :mod:`conformance.mutants.matrix`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import tomllib
from collections import Counter
from multiprocessing import get_context
from pathlib import Path

from conformance.checks import CHECKS
from conformance.mutants import plain
from conformance.mutants.controls import CONTROLS
from conformance.mutants.trial import Finding, Outcome, Task, Trial, begin_worker, known_checks
from conformance.mutants.zoo import ZOO
from conformance.options import CHECKS as ORDER

HERE = Path(__file__).parent
SURVIVORS = HERE / "survivors.toml"
#: Losses that take longest, which are begun first.
SLOW = ("CTCLoss", "TripletMarginLoss", "TripletMarginWithDistanceLoss", "CosineEmbeddingLoss", "MSELoss")
#: The share of mutants to be caught at the default seed, and at any other.
SHARES = {0: 1.0}
OTHER_SHARE = 0.99


def arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m conformance.mutants.score", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="other cases for the same mutants (default 0)")
    parser.add_argument("--only", action="append", default=[], metavar="LOSS", choices=plain.__all__)
    parser.add_argument("--check", action="append", default=[], metavar="CHECK", choices=list(CHECKS))
    parser.add_argument("--mutant", action="append", default=[], metavar="NAME", help="these mutants only")
    parser.add_argument("--control", action="append", default=[], metavar="NAME", help="these controls only")
    parser.add_argument("--budget", default="gate", choices=("smoke", "gate", "nightly"))
    parser.add_argument("--results", type=Path, metavar="FILE", help="write the score here")
    return parser.parse_args(given)


def listed() -> dict[str, dict]:
    """The survivors that are known, by name, each with its reason."""
    return {entry["name"]: entry for entry in tomllib.loads(SURVIVORS.read_text()).get("survivor", [])}


def tasks(asked: argparse.Namespace) -> list[Task]:
    """One for each loss that has a mutant or control asked for, the slow ones first."""
    checks, some = tuple(asked.check) or known_checks(ORDER), asked.mutant or asked.control
    found = []
    for loss in asked.only or plain.__all__:
        mutants = tuple(n for n, w in ZOO.items() if w.loss == loss and (n in asked.mutant or not some))
        controls = tuple(source for n, source in sources(loss).items() if n in asked.control or not some)
        found.append(Task(loss, mutants, controls, checks, asked.budget, asked.seed))
    return sorted((t for t in found if t.mutants or t.controls), key=lambda t: t.loss not in SLOW)


def sources(loss: str) -> dict[str, str]:
    """Where the controls of a loss are, by name."""
    return {n: f"conformance.mutants.controls:{n}" for n, of in CONTROLS.items() if of == loss}


def try_loss(task: Task) -> Outcome:
    """What becomes of one loss, and how much processor time it took."""
    began = sum(os.times()[:4])
    outcome = Trial(task).run()
    outcome.seconds = sum(os.times()[:4]) - began
    return outcome


def score(every: list[Task]) -> list[Outcome]:
    """What becomes of every loss, in two worker processes."""
    found: list[Outcome] = []
    with get_context("spawn").Pool(2, begin_worker) as pool:
        for done in pool.imap_unordered(try_loss, every):
            found.append(done)
            caught = sum(1 for f in done.mutants if f.caught)
            line = f"{done.loss}: {caught} of {len(done.mutants)} caught, {len(done.alarms)} false alarms"
            print(f"{line}, {done.seconds:.0f} s of processor time", *complaints(done), sep="\n  ", flush=True)
    return found


def table(mutants: list[Finding]) -> list[str]:
    """Mutants caught by loss, by kind, and by the check that caught them first."""
    lines = []
    for title, key in (("loss", lambda f: f.loss), ("kind", lambda f: f.kind), ("planted for", planted_for)):
        lines.append(f"{title:32} caught     of")
        every, caught = Counter(map(key, mutants)), Counter(key(f) for f in mutants if f.caught)
        lines += [f"{name:32} {caught[name]:6} {every[name]:6}" for name in sorted(every)]
    lines.append("first caught by")
    by = Counter(f.check for f in mutants if f.caught)
    return lines + [f"{name:32} {count:6}" for name, count in by.most_common()]


def planted_for(finding: Finding) -> str:
    return ZOO[finding.name].planted_for or "any check (mechanical)"


def complaints(outcome: Outcome) -> list[str]:
    """The survivors and false alarms of one loss, in a line each."""
    known, lines = listed(), []
    for f in outcome.mutants:
        if not f.caught:
            reason = known.get(f.name, {}).get("reason", "NOT LISTED")
            lines.append(f"survives: {f.name} ({reason}): {ZOO[f.name].wrong}")
    for a in outcome.alarms:
        row = " ".join(filter(None, (a.check, a.question, a.dtype, a.reduction, a.quantity)))
        lines.append(f"FLAGGED although correct: {a.name}: {row}: {a.message}")
    return lines


def exit_status(outcomes: list[Outcome], seed: int) -> int:
    """0 where enough mutants are caught, and no correct loss is flagged."""
    mutants = [f for o in outcomes for f in o.mutants]
    caught = sum(f.caught for f in mutants)
    enough = caught >= SHARES.get(seed, OTHER_SHARE) * len(mutants)
    return 0 if enough and not any(o.alarms for o in outcomes) else 1


def row(finding: Finding) -> dict:
    """A mutant as the score keeps it."""
    wrong = ZOO[finding.name]
    kept = {"name": finding.name, "loss": finding.loss, "kind": finding.kind, "planted_for": wrong.planted_for}
    kept |= {"citation": wrong.citation, "check": finding.check, "question": finding.question}
    kept |= {"dtype": finding.dtype, "reduction": finding.reduction, "message": finding.message}
    return {k: v for k, v in kept.items() if v is not None} | ({} if finding.caught else {"check": None})


def written(outcomes: list[Outcome], asked: argparse.Namespace, status: int) -> str:
    """The score as JSON, a mutant in a line."""
    mutants = sorted((f for o in outcomes for f in o.mutants), key=lambda f: (f.loss, f.name))
    summary = {
        "seed": asked.seed, "budget": asked.budget, "mutants": len(mutants),
        "caught": sum(f.caught for f in mutants), "controls": sum(len(t.controls) for t in tasks(asked)),
        "alarms": [vars(a) for o in outcomes for a in o.alarms], "exit_status": status,
        "processor_seconds": round(sum(o.seconds for o in outcomes)),
        "left_out": sorted(line for o in outcomes for line in o.left_out),
    }  # fmt: skip
    head = json.dumps(summary)[:-1]
    return head + ', "results": [\n' + ",\n".join(json.dumps(row(f)) for f in mutants) + "\n]}\n"


def main(given: list[str] | None = None) -> int:
    """Run the score, write it, print it.  Returns the exit status."""
    asked, began = arguments(given), time.perf_counter()
    if asked.budget == "nightly":
        from conformance.mutants import matrix  # which needs this module

        return matrix.main([f"--seed={asked.seed}", *(f"--only={loss}" for loss in asked.only)])
    outcomes = score(tasks(asked))
    mutants = [f for o in outcomes for f in o.mutants]
    lines, status = [line for o in outcomes for line in complaints(o)], exit_status(outcomes, asked.seed)
    if asked.results:
        asked.results.write_text(written(outcomes, asked, status))
    print(*table(mutants), *lines, sep="\n")
    caught, controls = sum(f.caught for f in mutants), sum(len(t.controls) for t in tasks(asked))
    flagged = len({a.name for o in outcomes for a in o.alarms})
    spent = sum(o.seconds for o in outcomes)
    print(f"{caught} of {len(mutants)} mutants caught, {flagged} of {controls} controls flagged", end=", ")
    print(f"{time.perf_counter() - began:.0f} s ({spent:.0f} s of processor time)")
    return status


if __name__ == "__main__":
    sys.exit(main())
