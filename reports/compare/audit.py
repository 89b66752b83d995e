"""What does an audit file say?  Its header, and one row for each number that was proved, searched or derived."""

from pathlib import Path

from reports.document import UnreadableError, typed

SCHEMA = 1
KINDS = ("proved", "searched", "derived")

_TEXT = str | None
_REAL = int | float | str | None
_HEADER = {
    "suite_version": _TEXT,
    "environment": dict | None,
    "command": list | str | None,
    "seed": int | None,
    "effort": object,
    "started": _TEXT,
}
_ROW = {
    "subject": str,
    "loss": str,
    "quantity": _TEXT,
    "dtype": _TEXT,
    "mode": _TEXT,
    "device": _TEXT,
    "kind": str,
    "worst_ulp": _REAL,
    "worst_ratio": _REAL,
    "grade": _TEXT,
    "evaluations": int | float | None,
    "known": list | None,
    "note": _TEXT,
}
_FOOTER = {"complete": bool | None, "finished": _TEXT}


def is_audit(document: object) -> bool:
    """Whether JSON is that of an audit and not of a conformance run, told by what it holds."""
    if not isinstance(document, dict) or not isinstance(document.get("rows"), list):
        return False
    header, rows = document.get("header"), document["rows"]
    kinds = [isinstance(row, dict) and "kind" in row for row in rows]
    return any(kinds) or (isinstance(header, dict) and "effort" in header and "budget" not in header)


def taken(document: dict, path: Path) -> tuple[dict, list, dict]:
    """Header, rows and footer with every key present; raises `UnreadableError`."""
    if document.get("schema") != SCHEMA:
        raise UnreadableError(f"{path}: schema {document.get('schema')!r}, but this reader knows schema {SCHEMA}")
    header = typed(document.get("header"), _HEADER, f"{path}: header")
    footer = typed(document.get("footer"), _FOOTER, f"{path}: footer")
    return header, [_row(row, f"{path}: rows[{index}]") for index, row in enumerate(document["rows"])], footer


def _row(value: object, where: str) -> dict:
    row = typed(value, _ROW, where)
    if row["kind"] not in KINDS:
        raise UnreadableError(f"{where}.kind: {row['kind']!r} is none of {', '.join(KINDS)}")
    row["home"] = row["subject"].removesuffix(row["loss"]).rstrip(".:") or row["subject"]
    return row
