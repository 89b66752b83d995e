"""The outcome of every cell as JUnit has it: a regression is a failure, what is not known is skipped, never passed."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree


def write(document: dict, file: Path) -> None:
    """One test case for each cell, and one for the run where it fails for another reason."""
    cells, footer = document["cells"], document["footer"]
    suite = ElementTree.Element("testsuite", name="perf-gate")
    for cell in cells:
        add(suite, cell["cell"], KINDS.get(cell["outcome"]), "; ".join(cell["reasons"]))
    known = any(c["outcome"] == "regression" for c in cells)
    if footer["exit_status"] and not known:
        add(suite, "the run", "failure", "; ".join(footer["reasons"]))
    for kind in ("failure", "skipped"):
        suite.set({"failure": "failures", "skipped": "skipped"}[kind], str(len(suite.findall(f"testcase/{kind}"))))
    suite.set("tests", str(len(suite)))
    suite.set("errors", "0")
    ElementTree.indent(suite)
    ElementTree.ElementTree(suite).write(file, encoding="utf-8", xml_declaration=True)


KINDS = {"regression": "failure", "inconclusive": "skipped", "not run": "skipped"}


def add(suite, name: str, kind: str | None, message: str) -> None:
    case = ElementTree.SubElement(suite, "testcase", classname="perf-gate", name=name)
    if kind:
        ElementTree.SubElement(case, kind, message=printable(message))
    elif message:
        ElementTree.SubElement(case, "system-out").text = printable(message)


def printable(text: str) -> str:
    """Without the characters that XML does not have."""
    return "".join(c for c in text if c.isprintable() or c in "\n\t")
