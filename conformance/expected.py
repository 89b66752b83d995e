"""The adopter's own list of expected deviations: a TOML file, strict in what it says and in what must show.

    [[deviation]]
    id = "our-huber-half"          # what the report calls it
    loss = "HuberLoss"
    reason = "sums in 16 bits; ticket 123"
    check = "value"                # these may be left out, or be lists
    quantity = "value"
    dtype = ["float16", "bfloat16"]
    reduction = "mean"
    ratio = 40.0                   # the largest test ratio that is expected; inf where infinite or NaN is

An entry excuses failing rows whose worst test ratio is within ``ratio``.  One that excuses nothing although
the run's filters select its rows is an error, since it hides what comes back later.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

KEYS = ("subject", "check", "quantity", "dtype", "reduction", "device", "mode")
NEEDED = ("id", "loss", "reason", "ratio")


@dataclass(frozen=True)
class Expected:
    """One entry: which rows it is about, and how far off they may be."""

    id: str
    loss: str
    reason: str
    ratio: float
    where: tuple[tuple[str, tuple[str, ...]], ...]

    def concerns(self, row: dict) -> bool:
        return row["loss"] == self.loss and all(row.get(key) in values for key, values in self.where)

    def excuses(self, row: dict) -> bool:
        measured = row.get("worst_ratio") is not None and row.get("witness") is not None
        return measured and self.concerns(row) and float(row["worst_ratio"]) <= self.ratio


def read(file: str | None, losses: tuple[str, ...]) -> tuple[Expected, ...]:
    """The entries of a file.  Raises pytest.UsageError with one line that says what is wrong with it."""
    if file is None:
        return ()
    try:
        document = tomllib.loads(Path(file).read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise pytest.UsageError(f"--deviations {file}: cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise pytest.UsageError(f"--deviations {file}: is not TOML: {error}") from None
    entries = document.get("deviation", [])
    if set(document) - {"deviation"} or not isinstance(entries, list):
        raise pytest.UsageError(f"--deviations {file}: holds [[deviation]] tables and nothing else")
    found = tuple(_entry(file, entry, losses) for entry in entries)
    if len({e.id for e in found}) < len(found):
        raise pytest.UsageError(f"--deviations {file}: two entries have the same id")
    return found


def _entry(file: str, entry: dict, losses: tuple[str, ...]) -> Expected:
    missing, unknown = set(NEEDED) - set(entry), set(entry) - set(NEEDED) - set(KEYS)
    if missing or unknown:
        what = f"lacks {', '.join(sorted(missing))}" if missing else f"has unknown {', '.join(sorted(unknown))}"
        raise pytest.UsageError(f"--deviations {file}: entry {entry.get('id', '?')} {what}")
    if entry["loss"] not in losses:
        raise pytest.UsageError(f"--deviations {file}: entry {entry['id']}: unknown loss {entry['loss']!r}")
    if not isinstance(entry["ratio"], int | float):
        raise pytest.UsageError(f"--deviations {file}: entry {entry['id']}: ratio is no number")
    where = tuple((k, (v,) if isinstance(v, str) else tuple(v)) for k, v in entry.items() if k in KEYS)
    return Expected(entry["id"], entry["loss"], entry["reason"], float(entry["ratio"]), where)


def excuse(rows: list[dict], entries: tuple[Expected, ...]) -> None:
    """Turn failing rows that an entry expects into known ones."""
    for row in rows:
        ids = [e.id for e in entries if row["verdict"] == "fail" and e.excuses(row)]
        if ids:
            row["verdict"] = "known"
            row["deviation"] = sorted({*row["deviation"], *ids})


def stale(rows: list[dict], entries: tuple[Expected, ...]) -> list[str]:
    """Entries whose rows were checked and none of which shows the deviation any more."""
    shown = {id for row in rows for id in row["deviation"]}
    return [
        f"expected deviation {e.id} no longer shows: delete it"
        for e in entries
        if e.id not in shown and any(e.concerns(row) for row in rows)
    ]
