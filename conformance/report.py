"""What does ``check_loss`` answer?  A verdict, its rows, and a text that can be pasted into an issue."""

from __future__ import annotations

import html
import json
import textwrap
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from conformance.options import CHECKS as ORDER
from conformance.results import SCHEMA, VERDICTS, describe, now
from conformance.tally import SEVERITY
from conformance.version import VERSION
from reference import CONTRACTS

#: Failures that are printed with a script, and lines of others; the width of a line.
SHOWN, LISTED, WIDTH = 3, 12, 118


@dataclass(frozen=True)
class Report:
    """What was found of one loss: print it, or look at ``ok``, ``failures`` and ``rows``.

    ``rows``: those of the results file, README.md, each with the text of the ``script`` that shows its failure.
    ``reasons``: why it is not ok, one line each.  ``told``: budget, seed, environment and subject.
    """

    subject: str
    loss: str
    rows: tuple[dict, ...]
    reasons: tuple[str, ...]
    told: Mapping[str, object]

    @property
    def ok(self) -> bool:
        """Whether nothing fails, and something was verified."""
        return not self.reasons

    @property
    def failures(self) -> tuple[dict, ...]:
        """The rows that fail: first those that a script shows, by check, the shortest script first."""
        failing = [row for row in self.rows if row["verdict"] == "fail"]
        return tuple(
            sorted(failing, key=lambda r: (r["script"] is None, ORDER.index(r["check"]), len(r["script"] or "")))
        )

    @property
    def verified(self) -> int:
        """Independent evaluations whose bound is finite."""
        return sum(row["cases"] for row in self.rows)

    def __str__(self) -> str:
        parts = [self.heading, self.table, *self._failures(), *self._remarks()]
        return "\n\n".join(part for part in parts if part)

    @property
    def heading(self) -> str:
        """What was tested, with what, and the outcome."""
        environment = self.told["environment"]
        versions = ", ".join(f"{name} {environment[name]}" for name in ("torch", "numpy", "python"))
        budget = f"budget {self.told['budget']}, seed {self.told['seed']}"
        machine = f"{environment['cpu'] or 'unknown CPU'} ({environment['cpu_capability']})"
        outcome = "ok" if self.ok else "; ".join(self.reasons)
        return (
            f"{self.subject} as {self.loss}: {outcome}\n"
            f"{self.verified:,} independent evaluations verified; {budget}\n"
            f"plumbline {VERSION}, {versions}, {machine}"
        )

    @cached_property
    def table(self) -> str:
        """One line for each check."""
        lines = [("check", "verdict", "rows", "cases", "ratio", "ULP", "grade")]
        for check in dict.fromkeys(row["check"] for row in self.rows):
            lines.append(_line(check, [row for row in self.rows if row["check"] == check]))
        widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
        return "\n".join(
            "  ".join(c.ljust(w) if i < 2 else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True)))
            for line in lines
        )

    def _failures(self) -> list[str]:
        """The first of each check with its script, then the others in a line each."""
        order = self.failures
        first = list({row["check"]: row for row in reversed(order)}.values())[::-1][:SHOWN]
        told = [f"{_place(row)}\n{_indented(row['message'])}\n{_script(row)}".rstrip() for row in first]
        rest = [row for row in order if row not in first]
        lines = [_clipped(f"{_place(row)}: {row['message']}") for row in rest[:LISTED]]
        more = [f"and {len(rest) - LISTED} more"] if len(rest) > LISTED else []
        return told + (["\n".join(["Also:", *lines, *more])] if lines else [])

    def _remarks(self) -> list[str]:
        """What is known, noted, or was not asked, most common first."""
        found = []
        for title, verdict in (("Known:", "known"), ("Notes:", "note"), ("Not asked:", "skip")):
            said = Counter(_remark(row) for row in self.rows if row["verdict"] == verdict)
            lines = [_clipped(f"{text} ({count} rows)") for text, count in said.most_common(6) if text]
            found += ["\n".join([title, *lines])] if lines else []
        return found

    def _repr_html_(self) -> str:
        colour = "#1a7f37" if self.ok else "#cf222e"
        return f'<pre style="border-left: 4px solid {colour}; padding-left: 1em">{html.escape(str(self))}</pre>'

    def save(self, path: str | Path) -> Path:
        """Write a results file, which ``python -m reports --results PATH`` makes a page of, and scripts next to it."""
        file = Path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        document = {"schema": SCHEMA, "header": self._header(), "rows": self._saved(file), "footer": self._footer()}
        file.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n")
        return file

    def _header(self) -> dict:
        from conformance.staleness import described

        own = [describe(c) for c in CONTRACTS.values() if c.loss == self.loss]
        return {
            "suite_version": VERSION, "environment": self.told["environment"], "command": ["check_loss", self.subject],
            "seed": self.told["seed"], "budget": self.told["budget"], "started": now(), "contracts": own,
            "deviations": described(self.rows),
        }  # fmt: skip

    def _saved(self, file: Path) -> list[dict]:
        rows = []
        for number, row in enumerate(self.rows):
            kept = {k: v for k, v in row.items() if k not in ("script", "entry")}
            if row["script"]:
                script = file.parent / "reproducers" / f"{self.loss}-{row['check']}-{number}.py"
                script.parent.mkdir(exist_ok=True)
                script.write_text(row["script"], encoding="ascii")
                kept["reproducer"] = f"reproducers/{script.name}"
            rows.append(kept)
        return rows

    def _footer(self) -> dict:
        counts = Counter(row["verdict"] for row in self.rows)
        return {
            "complete": True, "counts": {v: counts[v] for v in VERDICTS}, "exit_status": 0 if self.ok else 1,
            "finished": now(), "rows_verified": self.verified, "reasons": list(self.reasons),
        }  # fmt: skip


def _line(check: str, rows: list[dict]) -> tuple[str, ...]:
    verdict = max((row["verdict"] for row in rows), key=SEVERITY.index)
    ratios, ulps = ([float(r[k]) for r in rows if r[k] is not None] for k in ("worst_ratio", "worst_ulp"))
    grades = [row["grade"] for row in rows if row["grade"]]
    numbers = [f"{max(x):.2g}" if x else "" for x in (ratios, ulps)]
    return (check, verdict, str(len(rows)), f"{sum(r['cases'] for r in rows):,}", *numbers, max(grades, default=""))


def _place(row: dict) -> str:
    device = None if row["device"] == "cpu" else row["device"]
    parts = (row["check"], row["question"], row["quantity"], row["dtype"], row["reduction"], device)
    return ", ".join(dict.fromkeys(part for part in parts if part))


def _remark(row: dict) -> str:
    ids = ", ".join(row["deviation"])
    return f"{ids}: {row['message']}" if ids and row["message"] else ids or row["message"] or ""


def _indented(text: str) -> str:
    return textwrap.fill(text or "", WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)


def _script(row: dict) -> str:
    return textwrap.indent(row["script"], "    ") if row["script"] else ""


def _clipped(line: str) -> str:
    return "  " + (line if len(line) <= WIDTH else line[: WIDTH - 3] + "...")
