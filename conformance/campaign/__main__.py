"""How do subjects fare over many seeds, on the cores of one machine or of several?

``python -m conformance.campaign --seeds A:B [--workers N | --scheduler tcp://HOST:PORT]`` and what a run is asked.

Exit status as that of a conformance run: 0, 1 where a verdict is fail or nothing was verified, 2 interrupted, 3 an
error of the suite, 4 a bad option or no scheduler.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from types import SimpleNamespace

import pytest

from conformance import corpus, expected, results
from conformance.campaign import merge, request
from conformance.campaign.errors import Interrupted, ShardError, Unreachable
from conformance.campaign.journal import say
from conformance.campaign.progress import Progress
from conformance.campaign.request import Request
from conformance.campaign.shards import gather
from conformance.staleness import described
from conformance.table import lines

STATUS = {pytest.UsageError: 4, Unreachable: 4, Interrupted: 2, KeyboardInterrupt: 2, ShardError: 3}


def main(given: list[str] | None = None) -> int:
    """Run a campaign, write its results, print them.  Returns the exit status."""
    try:
        return run(request.read(sys.argv[1:] if given is None else given))
    except tuple(STATUS) as error:
        say([f"conformance.campaign: {' '.join(str(error).split()) or 'interrupted'}"])
        return next(status for kind, status in STATUS.items() if isinstance(error, kind))


def run(asked: Request) -> int:
    """Gather the shards, and make one results file of them."""
    header = header_of(asked)
    file, kept = asked.results, asked.results.with_name(f"{asked.results.name}.shards.jsonl")
    begin(asked, header)
    from conformance.campaign.overseer import work
    from conformance.campaign.split import tasks  # these import torch, which takes seconds

    every = tasks(asked.selection, asked.asked, asked.seeds)
    identity = {"suite": header["suite_version"], "torch": header["environment"]["torch"]}
    identity |= {"sources": request.sources(asked.selection.subjects)}
    with Progress() as told:
        found = gather(
            work, every, kept=kept, identity=identity, workers=asked.workers, scheduler=asked.scheduler, told=told
        )
    rows = merge.merged(every, found)
    footer = conclude(asked, rows, header)
    write(asked, header, rows, footer)
    kept.unlink()
    print(*lines(rows, footer), f"results: {file}", sep="\n")
    return footer["exit_status"]


def header_of(asked: Request) -> dict:
    """As in every results file; the command is that which gives the same verdicts anywhere."""
    config = SimpleNamespace(invocation_params=SimpleNamespace(args=()))
    return results.header(config, asked.selection) | {"command": list(asked.command)}


def begin(asked: Request, header: dict) -> None:
    """Create the folder, and write an incomplete file.  Raises pytest.UsageError where that cannot be."""
    try:
        asked.results.parent.mkdir(parents=True, exist_ok=True)
        write(asked, header, [], results.UNFINISHED)
    except OSError as error:
        raise pytest.UsageError(f"--results {asked.results}: cannot be written: {error}") from None


def conclude(asked: Request, rows: list[dict], header: dict) -> dict:
    """Write the scripts of failures, excuse what the caller expects, and say what it amounts to."""
    from conformance.reproducers.exhibit import Exhibit, publish  # imports torch

    for row in rows:
        row["exhibit"] = Exhibit(**row["exhibit"]) if row.get("exhibit") else None
    found = publish(rows, asked.results)
    expected.excuse(rows, asked.selection.expected)
    corpus.merge(asked.results.parent / corpus.FOLDER, found)
    header["deviations"] = described(rows)
    why, counts = results.reasons(rows, asked.selection), Counter(row["verdict"] for row in rows)
    return {
        "complete": True, "counts": {v: counts[v] for v in results.VERDICTS}, "exit_status": 1 if why else 0,
        "finished": results.now(), "rows_verified": sum(row["cases"] for row in rows), "reasons": why,
    }  # fmt: skip


def write(asked: Request, header: dict, rows: list[dict], footer: dict) -> None:
    document = {"schema": results.SCHEMA, "header": header, "rows": rows, "footer": footer}
    asked.results.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n")


if __name__ == "__main__":
    sys.exit(main())
