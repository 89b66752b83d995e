"""How is the audit called?  ``python -m conformance.audit [--loss HuberLoss] [--effort 4]``

Searches for the worst cases of torch.nn, eager and compiled, and writes them next to what was proved and derived.

Exit status 0; 1 where something fails that no recorded deviation explains, or nothing was verified; 2 interrupted, and
the same command goes on; 3 an error of the suite; 4 a bad option or no scheduler.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.audit.request import Request, read, tasks
from conformance.audit.rows import proved, rows
from conformance.campaign.errors import Interrupted, ShardError, Unreachable
from conformance.campaign.journal import say
from conformance.campaign.progress import Progress
from conformance.campaign.request import sources
from conformance.campaign.shards import gather
from conformance.environment import environment
from conformance.results import now
from conformance.version import VERSION

SCHEMA = 1
STATUS = {pytest.UsageError: 4, Unreachable: 4, Interrupted: 2, KeyboardInterrupt: 2, ShardError: 3}


def main(given: list[str] | None = None) -> int:
    """Run an audit, write its results, say what they are.  Returns the exit status."""
    try:
        return run(read(sys.argv[1:] if given is None else given))
    except tuple(STATUS) as error:
        say([f"conformance.audit: {' '.join(str(error).split()) or 'interrupted'}"])
        return next(status for kind, status in STATUS.items() if isinstance(error, kind))


def run(asked: Request) -> int:
    """Gather the shards, and make one file of them."""
    header = header_of(asked)
    proofs = list(proofs_of(asked.proofs))
    kept = asked.results.with_name(f"{asked.results.name}.shards.jsonl")
    begin(asked, header)
    from conformance.audit.search import work  # imports torch, which takes seconds

    every = tasks(asked)
    identity = {"suite": VERSION, "torch": header["environment"]["torch"], "sources": sources(asked.selection.subjects)}
    with Progress() as told:
        found = gather(
            work, every, kept=kept, identity=identity, workers=asked.workers, scheduler=asked.scheduler, told=told
        )
    made = rows(every, found, proofs)
    footer = footer_of(made)
    write(asked, header, made, footer)
    kept.unlink()
    print(*lines(made), footer["told"], f"results: {asked.results}", sep="\n")
    return footer["exit_status"]


def header_of(asked: Request) -> dict:
    return {
        "suite_version": VERSION,
        "environment": environment(asked.selection.devices),
        "command": list(asked.command),
        "seed": asked.selection.seed,
        "effort": asked.effort,
        "controls": asked.controls,
        "started": now(),
    }


def begin(asked: Request, header: dict) -> None:
    """Create the folder, and write an incomplete file.  Raises pytest.UsageError where that cannot be."""
    try:
        asked.results.parent.mkdir(parents=True, exist_ok=True)
        write(asked, header, [], {"complete": False, "exit_status": None, "finished": None, "told": "interrupted"})
    except OSError as error:
        raise pytest.UsageError(f"--results {asked.results}: cannot be written: {error}") from None


def proofs_of(folder: Path) -> Iterator[dict]:
    """The rows of all proofs in a folder.  Raises pytest.UsageError for a file that is none."""
    for file in sorted(folder.glob("*.json")):
        try:
            yield from proved(json.loads(file.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise pytest.UsageError(f"--proofs {file}: no proof: {type(error).__name__} {error}") from None


def footer_of(made: list[dict]) -> dict:
    """How it ended, and what it amounts to in one line."""
    searched = [r for r in made if r["kind"] == "searched"]
    failing = [r for r in made if r["failing"]]
    verified = sum(r["evaluations"] for r in searched)
    kinds = Counter(r["kind"] for r in made)
    told = f"{len(searched)} quantities, {verified:,} evaluations, {kinds['proved']} proved, {len(failing)} failing"
    return {
        "complete": True, "exit_status": 1 if failing or not verified else 0, "finished": now(), "told": told,
    }  # fmt: skip


def lines(made: list[dict]) -> list[str]:
    """One line for each quantity that fails, and for each witness."""
    found = []
    for row in made:
        if row["failing"]:
            place = " ".join(row[k] for k in ("subject", "quantity", "dtype", "mode", "device"))
            found.append(
                f"FAILS {place}: {row['failing']} elements, {row['worst_ulp']} ULP, ratio {row['worst_ratio']}"
            )
            found += [f"  {json.dumps(f)[:2000]}" for f in row["failures"][:1]]
    return found


def write(asked: Request, header: dict, made: list[dict], footer: dict) -> None:
    document = {"schema": SCHEMA, "header": header, "rows": made, "footer": footer}
    asked.results.write_text(json.dumps(document, allow_nan=False, indent=None) + "\n")
