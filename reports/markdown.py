"""What does a summary in markdown say?  The outcome, a line for each subject and loss, failures, known deviations."""

import re

from reports import words
from reports.grouping import grouped, summary
from reports.load import VERDICTS
from reports.model import Report

FAILURES = 40
"""Failures that are listed; the page has more, and the results file all."""
LONGEST = 300
"""Characters of a message."""

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~<>&@$])")


def render(report: Report) -> str:
    """The summary of one run."""
    results = report.results
    headline, told = report.outcome
    parts = [
        f"## Plumbline: {plain(headline)}\n\n{plain(told)}.",
        "\n".join(f"- {plain(each)}" for each in [*results.warnings, *(results.footer["reasons"] or [])]),
        _circumstances(results.header),
        _subjects(results.rows),
        _failures(results.rows),
        _known(report),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def unreadable(reason: str) -> str:
    """The summary of a run that left nothing to read."""
    return f"## Plumbline: no results\n\n{plain(reason)}\n"


def plain(text: object, most: int = LONGEST) -> str:
    """One line of text in which nothing is markup."""
    return _SPECIAL.sub(r"\\\1", words.clip(" ".join(str(text).split()), most)).replace("\\<", "&lt;")


def table(heads: list, lines: list) -> str:
    """A table; its cells are markup already."""
    rows = [heads, ["---"] * len(heads), *lines]
    return "\n".join("| " + " | ".join(map(str, cells)) + " |" for cells in rows)


def _circumstances(header: dict) -> str:
    environment = header["environment"]
    versions = [f"{each} {environment[each]}" for each in ("torch", "python") if environment.get(each)]
    asked = [f"{each} {header[each]}" for each in ("budget", "seed") if header[each] is not None]
    return ", ".join(map(plain, [*asked, *versions, *filter(None, [environment.get("cpu"), environment.get("gpu")])]))


def _subjects(rows: list) -> str:
    lines = []
    for (home, loss), own in grouped(rows, lambda row: (row["home"], row["loss"])).items():
        told, counts = summary(own), [sum(row["verdict"] == each for row in own) for each in VERDICTS]
        worst = (words.count(told["cases"]), told["grade"] or "", words.number(told["worst_ratio"]))
        lines.append([plain(home), plain(loss), _loud(told["verdict"]), *worst, *counts])
    heads = ["subject", "loss", "verdict", "cases", "worst grade", "worst ratio", *VERDICTS]
    return table(heads, lines) if lines else ""


def _loud(verdict: str) -> str:
    return f"**{verdict}**" if verdict == "fail" else verdict


def _failures(rows: list) -> str:
    failed = [row for row in rows if row["verdict"] == "fail"]
    if not failed:
        return ""
    lines = [_failure(row) for row in failed[:FAILURES]]
    rest = f"\n- and {len(failed) - FAILURES:,} more" if len(failed) > FAILURES else ""
    return "### Failures\n\n" + "\n".join(lines) + rest


def _failure(row: dict) -> str:
    asked = " ".join(map(words.spaced, filter(None, [row["check"], row["question"], row["quantity"]])))
    script = f" ({plain(row['reproducer'])})" if row["reproducer"] else ""
    return (
        f"- **{plain(row['loss'])}** {plain(asked)}, {plain(words.where(row))}: {plain(row['message'] or '')}{script}"
    )


def _known(report: Report) -> str:
    met = [each for _, _, own in report.severities for each in own if each["rows"]]
    if not met:
        return ""
    lines = [[plain(each["id"]), plain(each["severity"]), each["rows"], plain(each["summary"] or "")] for each in met]
    listed = table(["deviation", "severity", "rows", "summary"], lines)
    return f"<details><summary>Known deviations: {len(met)}</summary>\n\n{listed}\n\n</details>"
