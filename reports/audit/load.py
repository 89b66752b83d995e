"""What does an audit's file hold?  Reads it and checks what the page relies on."""

from dataclasses import dataclass
from pathlib import Path

from reports import document, words
from reports.document import UnreadableError, typed

SCHEMA = 1
KINDS = ("proved", "searched", "derived")

_TEXT = str | None
_REAL = int | float | str | None
_ROW = {
    "subject": str,
    "loss": str,
    "contract": _TEXT,
    "quantity": str,
    "dtype": str,
    "mode": str,
    "device": str,
    "kind": str,
    "worst_ulp": _REAL,
    "worst_ratio": _REAL,
    "worst": dict | None,
    "worst_for_ratio": dict | None,
    "with_known": dict | None,
    "grade": _TEXT,
    "grade_with_known": _TEXT,
    "promise": _TEXT,
    "reason": _TEXT,
    "evaluations": int | None,
    "failing": int | None,
    "failures": list | None,
    "sharpness": _REAL,
    "known": list | None,
    "typical_ulp": _REAL,
    "note": _TEXT,
    "proof": dict | None,
}
_HEADER = {"suite_version": _TEXT, "environment": dict | None, "command": list | None, "seed": int | None}
_HEADER |= {"effort": int | float | None, "started": _TEXT}
_FOOTER = {"complete": bool | None, "finished": _TEXT, "told": _TEXT}


@dataclass(frozen=True)
class Audit:
    """An audit: its header, its rows in order, its footer, with every key present."""

    path: Path
    header: dict
    rows: list
    footer: dict


def load(path: Path) -> Audit:
    """Reads an audit; raises `UnreadableError`, one line, for what is none."""
    found = document.parsed(document.text(path), str(path))
    if not isinstance(found, dict) or not isinstance(found.get("rows"), list):
        raise UnreadableError(f"{path}: no file of an audit")
    if found.get("schema") != SCHEMA:
        raise UnreadableError(f"{path}: schema {found.get('schema')!r}, but this reader knows schema {SCHEMA}")
    header, footer = (typed(found.get(k), kinds, f"{path}: {k}") for k, kinds in _PARTS.items())
    return Audit(path, header, [_row(row, f"{path}: rows[{n}]") for n, row in enumerate(found["rows"])], footer)


_PARTS = {"header": _HEADER, "footer": _FOOTER}


def _row(value: object, where: str) -> dict:
    row = typed(value, _ROW, where)
    if row["kind"] not in KINDS:
        raise UnreadableError(f"{where}.kind: {row['kind']!r} is none of {', '.join(KINDS)}")
    for key in ("worst_ulp", "worst_ratio", "sharpness", "typical_ulp"):
        if row[key] is not None and words.real(row[key]) is None:
            raise UnreadableError(f"{where}.{key}: {row[key]!r} is no number")
    if row["proof"] is not None:
        typed(row["proof"], {"histogram": dict, "regions": list | None, "settings": list | None}, f"{where}.proof")
    return row
