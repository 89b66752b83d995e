"""What does a results file say?  Reads it, refuses what is not one, and takes in the rows of a killed run."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reports.document import UnreadableError, parsed, text, typed

SCHEMA = 1
VERDICTS = ("fail", "known", "note", "pass", "skip")
SEVERITIES = ("wrong", "nan", "accuracy", "convention")

_TEXT = str | None
_REAL = int | float | str | None
_COUNT = int | None
_HEADER = {
    "suite_version": _TEXT,
    "environment": dict | None,
    "command": list | None,
    "seed": _COUNT,
    "budget": _TEXT,
    "started": _TEXT,
    "contracts": list | None,
    "deviations": list | None,
}
_ROW = {
    "subject": str,
    "loss": str,
    "check": _TEXT,
    "question": _TEXT,
    "quantity": _TEXT,
    "dtype": _TEXT,
    "reduction": _TEXT,
    "device": _TEXT,
    "mode": _TEXT,
    "verdict": str,
    "cases": _COUNT,
    "vacuous": _COUNT,
    "excused": _COUNT,
    "worst_ratio": _REAL,
    "worst_ulp": _REAL,
    "sharpness": _REAL,
    "cpu_difference": _REAL,
    "grade": _TEXT,
    "witness": dict | None,
    "deviation": list | None,
    "reproducer": _TEXT,
    "message": _TEXT,
    "seconds": _REAL,
    "curves": dict | None,
}
_CURVES = {
    "data": _TEXT,
    "steps": _COUNT,
    "parted": _COUNT,
    "train": dict | None,
    "validation": dict | None,
}
_WITNESS = {
    "arguments": dict | None,
    "parameters": dict | None,
    "cotangent": dict | None,
    "index": list | None,
    "expected": _TEXT,
    "observed": _TEXT,
    "eager": _TEXT,
    "bound": _TEXT,
    "error_ulp": _REAL,
    "ratio": _REAL,
}
_CONTRACT = {
    "loss": str,
    "name": _TEXT,
    "family": _TEXT,
    "summary": _TEXT,
    "dtypes": list | None,
    "promises": list | None,
}
_PROMISE = {"quantity": _TEXT, "dtype": _TEXT, "grade": str, "reason": _TEXT}
_DEVIATION = {
    "id": str,
    "loss": _TEXT,
    "quantity": _TEXT,
    "check": _TEXT,
    "dtypes": list | None,
    "summary": _TEXT,
    "explanation": _TEXT,
    "condition": _TEXT,
    "severity": str,
    "upstream": _TEXT,
    "confirmed": _TEXT,
    "share": int | float | None,
    "witness": dict | None,
    "reproduces": bool | None,
}
_FOOTER = {
    "complete": bool | None,
    "counts": dict | None,
    "exit_status": _COUNT,
    "finished": _TEXT,
    "rows_verified": _COUNT,
    "reasons": list | None,
}


@dataclass(frozen=True)
class Results:
    """One run: `header` and `footer` as the file has them, `rows` as dictionaries with every key present.

    Each row has one key more, `home`: its subject without the loss's name (torch.nn for torch.nn.L1Loss).
    """

    path: Path
    header: dict
    rows: list
    footer: dict
    complete: bool
    warnings: tuple = ()


def partial_path(path: Path) -> Path:
    """The side file to which a run appends its rows as they come."""
    return path.with_name(path.name + ".partial.jsonl")


def load(path: Path) -> Results:
    """The run in the file at `path`; raises `UnreadableError`."""
    document = _document(path)
    header = _header(document["header"])
    footer = typed(document["footer"], _FOOTER, "footer")
    rows = [_row(row, f"rows[{index}]") for index, row in enumerate(document["rows"])]
    complete, warnings = bool(footer["complete"]), []
    if not rows and partial_path(path).exists():
        rows, broken = _partial(partial_path(path))
        complete = False
        warnings.append(f"{len(rows)} rows come from the side file of a run that did not finish.")
        if broken:
            warnings.append(f"{broken} unreadable line(s) of the side file were left out.")
    if complete and (wrong := _miscount(rows, footer)):
        warnings.append(wrong)
    return Results(path, header, rows, footer, complete, tuple(warnings))


def _document(path: Path) -> dict:
    document = parsed(text(path), str(path))
    if not isinstance(document, dict) or "schema" not in document:
        raise UnreadableError(f"{path}: not a results file (an object with schema, header, rows, footer)")
    if document["schema"] != SCHEMA:
        raise UnreadableError(f"{path}: schema {document['schema']!r}, but this reader knows schema {SCHEMA}")
    for key, kind in (("header", dict), ("rows", list), ("footer", dict)):
        if not isinstance(document.get(key), kind):
            raise UnreadableError(f"{path}: not a results file ({key} is missing or of the wrong type)")
    return document


def _partial(path: Path) -> tuple[list, int]:
    """The rows of a side file, and how many lines were not rows (the last one is often cut short)."""
    rows, broken = [], 0
    for line in filter(str.strip, text(path).splitlines()):
        try:
            rows.append(_row(parsed(line, str(path)), "row"))
        except UnreadableError:
            broken += 1
    return rows, broken


def _header(value: Mapping) -> dict:
    header = typed(value, _HEADER, "header")
    header["environment"] = header["environment"] or {}
    header["contracts"] = [
        _contract(each, f"header.contracts[{index}]") for index, each in enumerate(header["contracts"] or [])
    ]
    header["deviations"] = [
        _witnessed(typed(each, _DEVIATION, f"header.deviations[{index}]"), f"header.deviations[{index}]")
        for index, each in enumerate(header["deviations"] or [])
    ]
    return header


def _contract(value: object, where: str) -> dict:
    contract = typed(value, _CONTRACT, where)
    contract["promises"] = [typed(promise, _PROMISE, f"{where}.promises") for promise in contract["promises"] or []]
    return contract


def _row(value: object, where: str) -> dict:
    row = _witnessed(typed(value, _ROW, where), where)
    if row["curves"] is not None:
        row["curves"] = typed(row["curves"], _CURVES, f"{where}.curves")
    if row["verdict"] not in VERDICTS:
        raise UnreadableError(f"{where}.verdict: {row['verdict']!r} is none of {', '.join(VERDICTS)}")
    row["deviation"] = [str(each) for each in row["deviation"] or []]
    row["home"] = row["subject"].removesuffix(row["loss"]).rstrip(".:") or row["subject"]
    return row


def _witnessed(thing: dict, where: str) -> dict:
    if thing["witness"] is not None:
        thing["witness"] = typed(thing["witness"], _WITNESS, f"{where}.witness")
    return thing


def _miscount(rows: list, footer: Mapping) -> str | None:
    counted = {verdict: sum(row["verdict"] == verdict for row in rows) for verdict in VERDICTS}
    stated = footer["counts"] or {}
    wrong = [verdict for verdict in VERDICTS if stated.get(verdict, 0) != counted[verdict]]
    if not wrong:
        return None
    return f"The footer's counts disagree with the rows ({', '.join(wrong)}); this page counts the rows."
