"""What does one side of a comparison hold?  Reads a conformance run or an audit, whichever the file is."""

from dataclasses import dataclass
from pathlib import Path

from reports.compare import audit
from reports.compare.entry import Entry, of_audit, of_result
from reports.document import parsed, text
from reports.load import load as load_results


@dataclass(frozen=True)
class Source:
    """One file: its entries, and what they depend on.

    `draws`: what decides which cases were asked (suite version, seed, budget or effort); `facts`: when and how it was
    made; `summaries`: one line for each deviation that it describes; `passes`: whether its run ended well, None where
    the file does not say.
    """

    path: Path
    kind: str
    draws: dict
    facts: dict
    environment: dict
    entries: list[Entry]
    complete: bool
    warnings: tuple = ()
    reasons: tuple = ()
    summaries: dict | None = None
    passes: bool | None = None


def load(path: Path) -> Source:
    """The file at `path`; raises `UnreadableError`."""
    document = parsed(text(path), str(path))
    return _audit(document, path) if audit.is_audit(document) else _results(path)


def _results(path: Path) -> Source:
    run = load_results(path)
    header, footer = run.header, run.footer
    return Source(
        path=path,
        kind="conformance",
        draws={"suite version": header["suite_version"], "seed": header["seed"], "budget": header["budget"]},
        facts=_facts(header, footer) | {"exit status": footer["exit_status"]},
        environment=header["environment"],
        entries=[of_result(row) for row in run.rows],
        complete=run.complete,
        warnings=run.warnings,
        reasons=tuple(map(str, footer["reasons"] or [])),
        summaries={each["id"]: each["summary"] for each in header["deviations"]},
        passes=None if footer["exit_status"] is None else footer["exit_status"] == 0,
    )


def _audit(document: dict, path: Path) -> Source:
    header, rows, footer = audit.taken(document, path)
    return Source(
        path=path,
        kind="audit",
        draws={"suite version": header["suite_version"], "seed": header["seed"], "effort": header["effort"]},
        facts=_facts(header, footer),
        environment=header["environment"] or {},
        entries=[of_audit(row) for row in rows],
        complete=bool(footer["complete"]),
        summaries={},
    )


def _facts(header: dict, footer: dict) -> dict:
    command = header["command"]
    told = " ".join(map(str, command)) if isinstance(command, list) else command
    return {"started": header["started"], "finished": footer["finished"], "command": told}
