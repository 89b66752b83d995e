"""Which checks catch which mutants, and which checks does no mutant need?  ``python -m conformance.mutants.matrix``.

Every mutant of the zoo is put to every check; within a check it stops at its first failing row.  A check is needed if
some mutant is caught by it alone.  Losses that are done are kept next to the results, and not asked again: a run that
was interrupted goes on where it ended.  ``--budget smoke`` is a part of ``gate``, the default; both can take long.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

from conformance.child import Crashed, in_child
from conformance.mutants import plain
from conformance.mutants.trial import PATIENCE_ALONE, Task, Trial, begin_worker, known_checks, rows
from conformance.mutants.zoo import ZOO, Wrong
from conformance.options import CHECKS as ORDER
from conformance.subject import single_threaded

HERE = Path(__file__).parent
#: Which checks catch a mutant, by its name.
Caught = dict[str, list[str]]


def arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m conformance.mutants.matrix", description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", action="append", default=[], metavar="LOSS", choices=plain.__all__)
    parser.add_argument("--budget", default="gate", choices=("smoke", "gate"))
    parser.add_argument("--results", type=Path, default=HERE / "matrix.json", metavar="FILE")
    return parser.parse_args(given)


def catching(task: Task) -> tuple[str, Caught]:
    """The loss of a task, and which of its checks catch each of its mutants."""
    found: Caught = {name: [] for name in task.mutants}
    for check in task.checks:
        for name in caught_by(replace(task, checks=(check,))):
            found[name].append(check)
    return task.loss, found


def caught_by(task: Task) -> Iterable[str]:
    """The mutants that fail some row of a task."""
    together = tuple(n for n in task.mutants if not ZOO[n].alone)
    yield from failing(replace(task, mutants=together))
    for name in task.mutants:
        if ZOO[name].alone and fails_alone(replace(task, mutants=(name,))):
            yield name


def failing(task: Task) -> list[str]:
    """The same in this process: the smoke rows first, which are the cheaper ones."""
    trial = Trial(task)
    for budget in dict.fromkeys(("smoke", task.budget)):
        for item in rows(replace(task, budget=budget)):
            trial.put(item, list(trial.alive.values()))
    return list(trial.found)


def fails_alone(task: Task) -> bool:
    """Whether a mutant fails in a process of its own, or ends it."""

    def told() -> list[str]:
        single_threaded()
        return failing(task)

    try:
        return bool(in_child(told, PATIENCE_ALONE))
    except Crashed:
        return True


def side_file(asked: argparse.Namespace) -> Path:
    """Where losses that are done are kept until all are."""
    return asked.results.with_suffix(f".{asked.budget}-{asked.seed}.part")


def kept(asked: argparse.Namespace) -> Caught:
    """What an earlier run of the same kind has found; a loss whose mutants are others now is asked again."""
    found: Caught = {}
    if side_file(asked).exists():
        for line in side_file(asked).read_text().splitlines():
            loss, done = json.loads(line)
            if list(done) == mutants_of(loss):
                found |= done
    return found


def mutants_of(loss: str) -> list[str]:
    return [n for n, w in ZOO.items() if w.loss == loss]


def matrix(asked: argparse.Namespace) -> Caught:
    """Which checks catch each mutant, in two worker processes."""
    found, checks = kept(asked), known_checks(ORDER)
    left = [loss for loss in asked.only or plain.__all__ if not set(mutants_of(loss)) <= set(found)]
    every = [Task(loss, tuple(mutants_of(loss)), (), checks, asked.budget, asked.seed) for loss in left]
    with get_context("spawn").Pool(2, begin_worker) as pool:
        for loss, done in pool.imap_unordered(catching, every):
            found |= done
            with side_file(asked).open("a") as side:
                side.write(json.dumps([loss, done]) + "\n")
            print(f"{loss}: {sum(map(bool, done.values()))} of {len(done)} caught by some check", flush=True)
    return found


def needed(caught: Caught) -> dict[str, list[str]]:
    """The mutants that each check alone catches."""
    alone = {check: [] for check in known_checks(ORDER)}
    for name, checks in caught.items():
        if len(checks) == 1:
            alone[checks[0]].append(name)
    return alone


def written(caught: Caught, asked: argparse.Namespace) -> str:
    """The matrix as JSON, a mutant in a line; checks by their place in the list of them."""
    checks, alone = known_checks(ORDER), needed(caught)
    head = {
        "budget": asked.budget, "seed": asked.seed, "checks": checks, "mutants": len(caught),
        "caught": sum(map(bool, caught.values())), "needed": {c: names for c, names in alone.items() if names},
        "unneeded": [c for c, names in alone.items() if not names],
    }  # fmt: skip
    lines = (f"{json.dumps(n)}: {json.dumps([checks.index(c) for c in caught[n]])}" for n in sorted(caught))
    return json.dumps(head)[:-1] + ', "caught_by": {\n' + ",\n".join(lines) + "\n}}\n"


def table(caught: Caught) -> list[str]:
    """How many mutants each check catches, how many it alone, and of those that are planted for it how many."""
    alone, lines = needed(caught), [f"{'check':18} catches  alone  planted for it, caught by it"]
    for check in known_checks(ORDER):
        by = [n for n, checks in caught.items() if check in checks]
        own: list[Wrong] = [ZOO[n] for n in caught if ZOO[n].planted_for == check]
        hit = sum(check in caught[w.name] for w in own)
        lines.append(f"{check:18} {len(by):7} {len(alone[check]):6}  {hit} of {len(own)}")
    unneeded = [c for c, names in alone.items() if not names]
    return [*lines, f"needed by no mutant: {', '.join(unneeded) or 'none'}"]


def main(given: list[str] | None = None) -> int:
    """Make the matrix, write it, print what it says.  Returns 1 if some mutant is caught by no check."""
    asked = arguments(given)
    caught = matrix(asked)
    asked.results.write_text(written(caught, asked))
    print(*table(caught), sep="\n")
    missed = [name for name, checks in caught.items() if not checks]
    print(*(f"caught by no check: {name}" for name in missed), sep="\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
