"""Which mechanical mutants are in the zoo: a seeded spread over losses and operators, of those that run at all.

``python -m conformance.mutants.choice`` draws them anew and writes ``mechanical.json``: after a change of the plain
losses or of the operators.  What is proved to change nothing, or is a control, is left out.
"""

from __future__ import annotations

import json
import random
import tomllib
from collections.abc import Iterator
from pathlib import Path

from conformance import streams
from conformance.mutants import mechanical, plain
from conformance.mutants.mechanical import Mutant
from conformance.session import Malformed, Refused, Session
from conformance.subject import Subject
from reference import CONTRACTS, Contract

HERE = Path(__file__).parent
COUNT = 240
#: Mutants that keep what the contract promises, which makes them controls.
CORRECT = ("CosineSimilarity_change_accumulator_10",)


def contracts(loss: str) -> list[Contract]:
    return [c for c in CONTRACTS.values() if c.loss == loss]


def chosen(seed: int, count: int, only: tuple[str, ...] = ()) -> list[str]:
    """The names of ``count`` mutants that run, or of all there are; the same for the same seed and source."""
    losses = [loss for loss in plain.__all__ if not only or loss in only]
    turns = {loss: candidates(seed, loss) for loss in losses}
    found: list[str] = []
    while turns and len(found) < count:
        for loss in list(turns):
            name = next((m.name for m in turns[loss] if runs(m)), None)
            if name is None:
                del turns[loss]
            elif len(found) < count:
                found.append(name)
    return found


def candidates(seed: int, loss: str) -> Iterator[Mutant]:
    """All mutants of a loss in a random order in which every operator has its turn."""
    rng = random.Random(f"{seed} {loss}")
    by_operator: dict[str, list[Mutant]] = {}
    for mutant in mechanical.mutants(loss).values():
        by_operator.setdefault(mutant.operator, []).append(mutant)
    order = list(by_operator)
    rng.shuffle(order)
    for pool in by_operator.values():
        rng.shuffle(pool)
    while order:
        for operator in list(order):
            yield by_operator[operator].pop()
            if not by_operator[operator]:
                order.remove(operator)


def runs(mutant: Mutant) -> bool:
    """Whether a mutant answers anything at all: one that raises at every call is no test of a gate."""
    try:
        subject = Subject(mechanical.build(mutant.name), name=mutant.name)
    except Exception:  # a mutated module may fail in any way
        return False
    return any(answers(subject, c, reduction) for c in contracts(mutant.loss) for reduction in c.reductions)


def answers(subject: Subject, contract: Contract, reduction: str) -> bool:
    """Whether the subject answers one of the first cases of a reduction."""
    for case in streams.cases(0, contract.name, "value", contract.dtypes[0], reduction, lambda blocks: blocks > 0):
        try:
            Session(subject, case, "cpu").values()
        except (Refused, Malformed):
            continue
        return True
    return False


def main() -> None:
    """Write the zoo's mechanical mutants and the change that each makes."""
    proved = {e["name"] for e in tomllib.loads((HERE / "equivalent.toml").read_text())["equivalent"]}
    names = sorted(set(chosen(0, COUNT)) - proved - set(CORRECT))
    changes = {name: mechanical.find(name).change for name in names}
    (HERE / "mechanical.json").write_text(json.dumps(changes, indent=0) + "\n")


if __name__ == "__main__":
    main()
