"""How does an audit become a table that a spreadsheet reads?  One line for each number, with its inputs."""

import csv
import io
import json

from reports.audit.load import Audit
from reports.audit.table import way

PLAIN = ("subject", "loss", "contract", "quantity", "dtype", "mode", "device", "kind", "worst_ulp", "worst_ratio")
MORE = ("grade", "promise", "failing", "evaluations", "sharpness", "typical_ulp")
WITNESS = ("expected", "observed", "index", "arguments", "parameters", "cotangent")
COLUMNS = (*PLAIN, *MORE, "known_ulp", "known", *WITNESS, "note")
SHOWN = 64
"""Numbers of an input that are written out; the JSON file has all of longer ones."""


def render(audit: Audit) -> str:
    """The lines as text."""
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(_line, audit.rows))
    return file.getvalue()


def _line(row: dict) -> dict:
    line = {k: _cell(row[k]) for k in (*PLAIN, *MORE, "note")}
    known = row["with_known"] or {}
    line |= {
        "mode": way(row),
        "known": " ".join(map(str, row["known"] or ())),
        "known_ulp": _cell(known.get("worst_ulp")),
    }
    return line | {k: _input((row["worst"] or {}).get(k)) for k in WITNESS}


def _cell(value: object) -> str:
    """A value; what a spreadsheet would take for a formula is text."""
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+@" and value else str(value)


def _input(value: object) -> str:
    """Numbers in hexadecimal, separated by spaces where there is one array."""
    if value is None:
        return ""
    if isinstance(value, dict):
        return json.dumps({k: _numbers(v) for k, v in value.items()}, separators=(",", ":"))
    return _cell(value) if isinstance(value, str) else json.dumps(value)


def _numbers(value: object) -> object:
    if not isinstance(value, dict) or not isinstance(value.get("data"), list):
        return value
    data = value["data"]
    return data if len(data) <= SHOWN else [*data[:SHOWN], f"and {len(data) - SHOWN} more"]
