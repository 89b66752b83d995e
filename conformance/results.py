"""The results file: rows as they come, in a side file until the run ends, and how the run ended."""

from __future__ import annotations

import json
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from conformance import corpus
from conformance.environment import environment
from conformance.expected import stale
from conformance.isolation import Isolation
from conformance.nodes import key_of
from conformance.options import Selection
from conformance.supports import VALUES_ONLY
from conformance.version import VERSION
from reference import CONTRACTS

SCHEMA = 1
VERDICTS = ("fail", "known", "note", "pass", "skip")
BLANK = {
    "question": None, "quantity": None, "cases": 0, "vacuous": 0, "worst_ratio": None, "worst_ulp": None, "grade": None,
    "witness": None, "deviation": [], "excused": 0, "sharpness": None, "cpu_difference": None, "reproducer": None,
    "message": None, "seconds": None,
}  # fmt: skip


UNFINISHED = {
    "complete": False, "counts": dict.fromkeys(VERDICTS, 0), "exit_status": None, "finished": None, "rows_verified": 0,
    "reasons": ["interrupted"],
}  # fmt: skip


class Results:
    """Collects rows, keeps them safe on disk, and says at the end what they amount to."""

    def __init__(self, file: Path, header: dict, selection: Selection, isolation: Isolation):
        self.file, self.header, self.selection = file, header, selection
        self.rows: list[dict] = []
        self.found: list[dict] = []  # failing cases, for the corpus
        self.footer: dict = {}
        self.reported = 0
        self.isolation = isolation

    @classmethod
    def begin(cls, config, selection: Selection, isolation: Isolation) -> Results:
        """Create the folder, write an incomplete file, open the side file."""
        results = cls(Path(config.option.results).resolve(), header(config, selection), selection, isolation)
        try:
            results.file.parent.mkdir(parents=True, exist_ok=True)
            results.write(UNFINISHED)
            results.side.write_text("")
        except OSError as error:
            raise pytest.UsageError(f"--results {config.option.results}: cannot be written: {error}") from None
        return results

    @property
    def side(self) -> Path:
        return self.file.with_name(self.file.name + ".partial.jsonl")

    def write(self, footer: dict) -> None:
        self.footer = footer
        document = {"schema": SCHEMA, "header": self.header, "rows": self.rows, "footer": footer}
        self.file.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n")

    def collect(self, report) -> None:
        """Take the rows of a finished test; make one for a test that ended without any."""
        rows = [v for k, v in report.user_properties if k == "plumbline"] if report.when == "call" else []
        if report.when == "call":
            self.found += [v for k, v in report.user_properties if k == "plumbline_case"]
        if not rows and report.failed:
            rows = [self.row_of_accident(report)]
        self.reported += report.when in ("call", "???") or (report.when == "setup" and not report.passed)
        with self.side.open("a") as side:
            for row in rows:
                full = BLANK | row
                self.rows.append(full)
                side.write(json.dumps(full, allow_nan=False) + "\n")

    def row_of_accident(self, report) -> dict:
        """A worker that died, a time limit, or an error of the suite: one clear line."""
        key = key_of(report.nodeid)
        text = str(report.longrepr).strip().splitlines() or ["failed without a word"]
        message = text[-1]
        died, hung = report.when == "???", "Timeout" in str(report.longrepr)
        if died or hung:
            words = self.isolation.last_words(report.nodeid)
            crash = f"crashed its worker process: {words}" if words else "crashed its worker process"
            message = crash if died else "did not finish within the time limit of one check"
            self.isolation.record_crash(key["subject"] or "")
        return key | {"verdict": "fail", "message": message}

    def finish(self, exit_status: int, collected: int) -> int:
        """Write the file for good, and return the exit status that the verdicts amount to."""
        counts = Counter(row["verdict"] for row in self.rows)
        why = reasons(self.rows, self.selection)
        if exit_status in (0, 1, 5):
            exit_status = 1 if why else 0
        complete = exit_status in (0, 1) and self.reported >= collected
        if exit_status == 0 and not complete:
            exit_status, why = 1, ["the run did not reach every item"]
        self.header["deviations"] = self.deviations()
        self.write({
            "complete": complete,
            "counts": {v: counts[v] for v in VERDICTS},
            "exit_status": exit_status,
            "finished": now(),
            "rows_verified": sum(row["cases"] for row in self.rows),
            "reasons": why,
        })  # fmt: skip
        corpus.merge(self.file.parent / corpus.FOLDER, self.found)
        self.side.unlink(missing_ok=True)
        return exit_status

    def deviations(self) -> list[dict]:
        """The deviations that this run met or replayed, for the report."""
        from conformance.staleness import described

        return described(self.rows)


#: How messages begin that say that torch makes no program of a loss in a mode: of torch.nn itself that is enough.
LEFT_OUT = ("NotCompiled: torch.compile leaves", "NotExported: ", "NotScripted: ")


def reasons(rows: list[dict], selection: Selection) -> list[str]:
    """Why a run fails, one line each; none where it passes."""
    failing = sum(1 for row in rows if row["verdict"] == "fail")
    found = [f"{failing} rows fail"] if failing else []
    found += stale(rows, selection)
    if not rows:
        return [*found, "nothing was run"]
    for subject, loss in dict.fromkeys((r["subject"], r["loss"]) for r in rows):
        own = [r for r in rows if (r["subject"], r["loss"]) == (subject, loss)]
        if all(r["verdict"] == "skip" and " has no torch.nn." in (r["message"] or "") for r in own):
            continue
        for check in ("value", "gradient"):
            asked = [r for r in own if r["check"] == check and r["quantity"] != "witness"]
            if subject.startswith("torch.nn.") and all((r["message"] or "").startswith(LEFT_OUT) for r in asked):
                continue
            if any(r["message"] != VALUES_ONLY for r in asked) and not any(r["cases"] for r in asked):
                found.append(f"{subject}: no {check} of {loss} was verified")
    return found


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def header(config, selection: Selection) -> dict:
    """What was asked for, by whom, and where it ran."""
    chosen = {s.loss for s in selection.subjects}
    return {
        "suite_version": VERSION,
        "environment": environment(selection.devices),
        "command": [Path(sys.argv[0]).name.replace("__main__.py", "pytest"), *map(str, config.invocation_params.args)],
        "seed": selection.seed,
        "budget": selection.budget,
        "started": now(),
        "contracts": [describe(c) for c in CONTRACTS.values() if c.loss in chosen],
        "deviations": [],
    }


def describe(contract) -> dict:
    return {
        "loss": contract.loss,
        "name": contract.name,
        "family": contract.family,
        "summary": contract.summary,
        "dtypes": list(contract.dtypes),
        "reductions": list(contract.reductions),
        "arguments": list(contract.domains),
        "promises": [
            {"quantity": q, "dtype": d, "grade": g, "reason": r} for (q, d), (g, r) in contract.promises.items()
        ],
    }
