"""How is a proof called?  ``python -m conformance.proof [--loss HuberLoss] [--dtype bfloat16] [--fraction 1/64]``

Judges every input of a loss in a 16-bit format, values and gradients, and writes one file for each proof.

Exit status 0; 1 where an input violates the contract, or a subject answers nothing; 2 interrupted, and the same command
goes on; 3 an error of the suite; 4 a bad option, nothing to exhaust, or no scheduler.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from conformance.campaign.errors import Interrupted, ShardError, Unreachable
from conformance.campaign.journal import say
from conformance.campaign.progress import Progress
from conformance.campaign.request import sources
from conformance.campaign.shards import gather
from conformance.environment import environment
from conformance.proof.claim import Claim, claims
from conformance.proof.request import Request, read
from conformance.results import now
from conformance.version import VERSION

STATUS = {pytest.UsageError: 4, Unreachable: 4, Interrupted: 2, KeyboardInterrupt: 2, ShardError: 3}
#: What is kept of a run that is not finished.
KEPT = "shards.jsonl"


def main(given: list[str] | None = None) -> int:
    """Make proofs, write them, say what they are.  Returns the exit status."""
    try:
        return run(read(sys.argv[1:] if given is None else given))
    except tuple(STATUS) as error:
        say([f"conformance.proof: {' '.join(str(error).split()) or 'interrupted'}"])
        return next(status for kind, status in STATUS.items() if isinstance(error, kind))


def run(asked: Request) -> int:
    """Gather the shards of all proofs, and make a file of each."""
    wanted = claims(asked)
    kept = begin(asked.results)
    from conformance.proof.statement import document  # imports torch, which takes seconds

    machine = environment(asked.selection.devices)
    shards = [claim.tasks() for claim in wanted]
    results = gathered(asked, shards, kept, machine["torch"])
    proofs = [document(claim, tasks, of) for claim, tasks, of in zip(wanted, shards, results, strict=True)]
    for claim, proof in zip(wanted, proofs, strict=True):
        write(asked, claim, proof | made(asked, machine))
    kept.unlink()
    return conclude(asked, wanted, proofs)


def gathered(asked: Request, shards: list[list[dict]], kept: Path, torch: str | None) -> list[list[dict]]:
    """The results of the shards of each proof."""
    from conformance.proof.shard import prove

    identity = {"suite": VERSION, "torch": torch, "sources": sources(asked.selection.subjects)}
    every = [task for tasks in shards for task in tasks]
    where = {"workers": asked.workers, "scheduler": asked.scheduler}
    with Progress() as told:
        found = iter(gather(prove, every, kept=kept, identity=identity, told=told, **where))
    return [[next(found) for _ in tasks] for tasks in shards]


def begin(folder: Path) -> Path:
    """Create the folder; the side file in it.  Raises pytest.UsageError where that cannot be."""
    kept = folder / KEPT
    try:
        folder.mkdir(parents=True, exist_ok=True)
        kept.touch()
    except OSError as error:
        raise pytest.UsageError(f"--results {folder}: cannot be written: {error}") from None
    return kept


def made(asked: Request, machine: dict) -> dict:
    """How and where a proof was made."""
    where = asked.scheduler or f"{asked.workers if asked.workers is not None else len(os.sched_getaffinity(0))} workers"
    return {
        "suite_version": VERSION, "environment": machine, "command": list(asked.command), "finished": now(),
        "machine": {"cpu": machine["cpu"], "cores": len(os.sched_getaffinity(0)), "run_on": where},
    }  # fmt: skip


def write(asked: Request, claim: Claim, proof: dict) -> None:
    (asked.results / claim.file).write_text(json.dumps(proof, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def conclude(asked: Request, wanted: list[Claim], proofs: list[dict]) -> int:
    """Print what was proved.  Returns the exit status."""
    for claim, proof in zip(wanted, proofs, strict=True):
        print(f"{claim.label}: " + proof["statement"].replace(": value", ":\n  value", 1).replace("; grad", "\n  grad"))
    wrong = sum(is_wrong(proof) for proof in proofs)
    print(
        f"{len(proofs) - wrong} of {len(proofs)} hold over {sum(p['pairs'] for p in proofs):,} inputs: {asked.results}"
    )
    return 1 if wrong or not any(proof["pairs"] for proof in proofs) else 0


def is_wrong(proof: dict) -> bool:
    """Whether an input violates the contract, or nothing was judged, though the subject does not say that it cannot."""
    return not proof.get("unsupported", proof["pairs"]) or any(of["failures"] for of in proof["quantities"].values())
