"""The adopter's own list of expected deviations: a TOML file, strict in what it says and in what must show.

    [[deviation]]
    id = "our-huber-half"          # what the report calls it
    loss = "HuberLoss"
    reason = "sums in 16 bits; ticket 123"
    ratio = 40.0                   # the largest test ratio that is expected; inf where infinite or NaN is
    subject = "my_losses:MyHuber"  # these may be left out, or be lists
    check = "value"
    quantity = "value"
    dtype = ["float16", "bfloat16"]
    reduction = "mean"
    expires = 2027-06-30           # the last day on which it counts, if there is one

An entry excuses failing rows whose worst test ratio is within ``ratio``.  It is an error, and the run fails, when
the entry has expired, when it matches none of the rows although the run's filters select them, and when no row
shows it any more: it would hide what comes back later.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import pytest

KEYS = ("subject", "check", "quantity", "dtype", "reduction", "device", "mode")
NEEDED = ("id", "loss", "reason", "ratio")
OPTIONAL = (*KEYS, "expires")
#: The keys by which a run chooses its rows, and the filters of its selection.
FILTERS = {"check": "checks", "dtype": "dtypes", "reduction": "reductions", "device": "devices", "mode": "modes"}


@dataclass(frozen=True)
class Expected:
    """One entry: which rows it is about, how far off they may be, and until when."""

    id: str
    loss: str
    reason: str
    ratio: float
    where: tuple[tuple[str, tuple[str, ...]], ...]
    expires: date | None = None

    def expired(self, today: date | None = None) -> bool:
        return self.expires is not None and self.expires < (today or date.today())

    def concerns(self, row: dict) -> bool:
        return row["loss"] == self.loss and all(row.get(key) in values for key, values in self.where)

    def may_match(self, rows: list[dict]) -> bool:
        """Whether rows like these may be the ones it is about: costly checks ask a sample of dtypes and reductions."""
        own = [row for row in rows if row["loss"] == self.loss]
        sampled = [(key, values) for key, values in self.where if key in ("dtype", "reduction")]
        others = [pair for pair in self.where if pair not in sampled]
        return any(all(row.get(key) in values for key, values in others) for row in own) and all(
            any(row.get(key) in values for row in own) for key, values in sampled
        )

    def excuses(self, row: dict) -> bool:
        measured = row.get("worst_ratio") is not None and row.get("witness") is not None
        return measured and not self.expired() and self.concerns(row) and float(row["worst_ratio"]) <= self.ratio

    def is_selected(self, selection) -> bool:
        """Whether the filters of a run let through the rows that it names."""
        if self.loss not in {s.loss for s in selection.subjects}:
            return False
        return all(set(values) & set(getattr(selection, FILTERS[k])) for k, values in self.where if k in FILTERS)


def read(file: str | None, losses: tuple[str, ...], known: dict[str, tuple[str, ...]] | None = None, error=None):
    """The entries of a file, a tuple of Expected.  ``known``: the names that a key may have.

    Raises ``error``, pytest.UsageError by default, with one line that says what is wrong with it.
    """
    try:
        return () if file is None else _entries(_document(file), losses, known or {})
    except _Wrong as wrong:
        raise (error or pytest.UsageError)(f"--deviations {file}: {wrong}") from None


class _Wrong(Exception):
    """What is wrong with a file, in one line."""


def _document(file: str) -> dict:
    try:
        document = tomllib.loads(Path(file).read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise _Wrong(f"cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise _Wrong(f"is not TOML: {error}") from None
    tables = document.get("deviation", [])
    if set(document) - {"deviation"} or not isinstance(tables, list) or not all(isinstance(t, dict) for t in tables):
        raise _Wrong("holds [[deviation]] tables and nothing else")
    return document


def _entries(document: dict, losses: tuple[str, ...], known: dict[str, tuple[str, ...]]) -> tuple[Expected, ...]:
    found = tuple(_entry(entry, losses, known) for entry in document.get("deviation", []))
    if len({e.id for e in found}) < len(found):
        raise _Wrong("two entries have the same id")
    return found


def _entry(entry: dict, losses: tuple[str, ...], known: dict[str, tuple[str, ...]]) -> Expected:
    name = f"entry {entry.get('id', '?')}"
    missing, unknown = set(NEEDED) - set(entry), set(entry) - set(NEEDED) - set(OPTIONAL)
    if missing or unknown:
        what = f"lacks {', '.join(sorted(missing))}" if missing else f"has unknown {', '.join(sorted(unknown))}"
        raise _Wrong(f"{name} {what}")
    if entry["loss"] not in losses:
        raise _Wrong(f"{name}: unknown loss {entry['loss']!r}")
    if not isinstance(entry["ratio"], int | float) or isinstance(entry["ratio"], bool):
        raise _Wrong(f"{name}: ratio is no number")
    if not all(isinstance(entry[k], str) and entry[k].strip() for k in ("id", "reason")):
        raise _Wrong(f"{name}: id and reason are text that says something")
    where = tuple((k, _values(name, k, v, known.get(k))) for k, v in entry.items() if k in KEYS)
    return Expected(
        entry["id"], entry["loss"], entry["reason"], float(entry["ratio"]), where, _day(name, entry.get("expires"))
    )


def _values(name: str, key: str, given, known: tuple[str, ...] | None) -> tuple[str, ...]:
    values = (given,) if isinstance(given, str) else tuple(given) if isinstance(given, list) else (given,)
    for value in values:
        if not isinstance(value, str) or (known is not None and value not in known):
            raise _Wrong(f"{name}: unknown {key} {value!r}")
    return values


def _day(name: str, expires) -> date | None:
    if expires is not None and (not isinstance(expires, date) or isinstance(expires, datetime)):
        raise _Wrong(f"{name}: expires is no date, as 2027-06-30 is")
    return expires


def excuse(rows: list[dict], entries: tuple[Expected, ...]) -> None:
    """Turn failing rows that an entry expects into known ones."""
    for row in rows:
        ids = [e.id for e in entries if row["verdict"] == "fail" and e.excuses(row)]
        if ids:
            row["verdict"] = "known"
            row["deviation"] = sorted({*row["deviation"], *ids})


def stale(rows: list[dict], selection) -> list[str]:
    """What is wrong with the entries of a run's file, now that its rows are there, one line each."""
    shown = {id for row in rows for id in row["deviation"]}
    chosen = [(e, _wrong(e, rows)) for e in selection.expected if e.id not in shown and e.is_selected(selection)]
    return [f"expected deviation {e.id} {wrong}" for e, wrong in chosen if wrong]


def _wrong(entry: Expected, rows: list[dict]) -> str | None:
    if entry.expired():
        return f"expired on {entry.expires}: mend what it is about, or renew it"
    if any(entry.concerns(row) for row in rows):
        return "no longer shows: delete it"
    return None if entry.may_match(rows) else "matches none of the rows of this run: correct it, or delete it"
