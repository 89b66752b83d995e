"""How many mechanical mutants of the plain losses the gate finds: ``python -m conformance.mutants.score``.

Exit status 1 if one survives that survivors.toml does not list, or if an unmutated loss is flagged.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import tomllib
from collections import Counter
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path

from conformance.checks import CHECKS
from conformance.mutants import plain
from conformance.mutants.choice import chosen
from conformance.mutants.mechanical import find
from conformance.mutants.trial import Finding, try_loss
from conformance.options import CHECKS as ORDER
from conformance.subject import single_threaded

HERE = Path(__file__).parent
SURVIVORS = HERE / "survivors.toml"
#: Losses that take longest, which are begun first.
SLOW = ("CTCLoss", "TripletMarginLoss", "TripletMarginWithDistanceLoss", "CosineEmbeddingLoss")


def arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m conformance.mutants.score", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="other mutants (default 0)")
    parser.add_argument("--count", type=int, default=240, help="how many mutants (default 240)")
    parser.add_argument("--only", action="append", default=[], metavar="LOSS", choices=plain.__all__)
    parser.add_argument("--check", action="append", default=[], metavar="CHECK", choices=list(CHECKS))
    parser.add_argument("--mutant", action="append", default=[], metavar="NAME", help="these mutants instead")
    parser.add_argument("--budget", default="gate", choices=("smoke", "gate", "nightly"))
    parser.add_argument("--results", type=Path, default=HERE / "score.json", metavar="FILE")
    return parser.parse_args(given)


def listed() -> dict[str, dict]:
    """The known survivors by name: change, kind ("equivalent" or "gap") and reason."""
    return {entry["name"]: entry for entry in tomllib.loads(SURVIVORS.read_text()).get("survivor", [])}


def score(names: list[str], checks: tuple[str, ...], budget: str) -> list[Finding]:
    """What becomes of every mutant, and of the unmutated losses, in two worker processes."""
    tasks = [(loss, tuple(n for n in names if find(n).loss == loss), checks, budget) for loss in plain.__all__]
    tasks = sorted((t for t in tasks if t[1]), key=lambda t: t[0] not in SLOW)
    found: list[Finding] = []
    with get_context("spawn").Pool(2, single_threaded) as pool:
        for done in pool.imap_unordered(try_loss, tasks):
            found += done
            caught = sum(1 for f in done if f.caught and f.operator)
            print(f"{done[0].loss}: {caught} of {len(done) - 1} found in {done[0].seconds:.0f} s", flush=True)
    return found


def table(found: list[Finding], known: dict[str, dict]) -> list[str]:
    """Mutants found by loss and operator and first check, then the survivors."""
    mutants = [f for f in found if f.operator]
    lines = []
    for title, key in (("loss", lambda f: f.loss), ("operator", lambda f: f.operator)):
        lines.append(f"{title:32} found     of")
        every, caught = Counter(map(key, mutants)), Counter(key(f) for f in mutants if f.caught)
        lines += [f"{name:32} {caught[name]:5} {every[name]:6}" for name in sorted(every)]
    lines.append("first found by")
    by = Counter(f"{f.check}, {f.dtype}" for f in mutants if f.caught)
    lines += [f"{name:32} {count:5}" for name, count in by.most_common()]
    for f in mutants:
        if not f.caught:
            lines.append(f"survives: {f.name} ({known.get(f.name, {}).get('kind', 'NOT LISTED')}): {f.change}")
    lines.append(f"{sum(len(f.left_out) for f in found)} rows left out, which the plain loss does not pass either")
    lines += [f"FLAGGED although correct: {f.name}: {f.message}" for f in found if not f.operator and f.caught]
    return lines


def main(given: list[str] | None = None) -> int:
    """Run the score, write it, print it.  Returns the exit status."""
    asked, began = arguments(given), time.perf_counter()
    checks = tuple(asked.check or (c for c in ORDER if c in CHECKS))
    names = asked.mutant or chosen(asked.seed, asked.count, tuple(asked.only))
    found, known = score(names, checks, asked.budget), listed()
    mutants = sorted((f for f in found if f.operator), key=lambda f: f.name)
    caught = sum(1 for f in mutants if f.caught)
    summary = {"seed": asked.seed, "budget": asked.budget, "mutants": len(mutants), "found": caught}
    summary["left_out"] = sorted(row for f in found for row in f.left_out)
    rows = [{k: v for k, v in asdict(f).items() if k not in ("seconds", "left_out")} for f in mutants]
    asked.results.write_text(json.dumps(summary | {"results": rows}, indent=1) + "\n")
    print(*table(found, known), sep="\n")
    print(f"{caught} of {len(mutants)} mutants found in {time.perf_counter() - began:.0f} s")
    unknown = [f.name for f in mutants if not f.caught and f.name not in known]
    flagged = [f.name for f in found if not f.operator and f.caught]
    return 1 if unknown or flagged else 0


if __name__ == "__main__":
    sys.exit(main())
