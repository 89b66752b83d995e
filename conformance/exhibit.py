"""What a row leaves next to the results file: a script that shows what it found, and a case for the corpus."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from conformance import corpus
from conformance.case import Case
from conformance.deviations import Deviation
from conformance.reproducer import Finding, identifier, script_of_problem, shown
from conformance.row import Item, Row, first_failure, shortfall
from conformance.subject import Subject, make_by_legacy
from conformance.tally import Failure, Problem
from conformance.verdict import compare

#: The folder of scripts, next to the results file.
FOLDER = "reproducers"


@dataclass(frozen=True)
class Exhibit:
    """The name and the text of a script that was run and shows it, None where no script does; and the case."""

    name: str | None
    script: str | None
    entry: dict | None


def source_of(subject: Subject) -> str | None:
    """Where a script finds the subject, as MODULE:ATTR; None for what no script can call by itself."""
    if subject.is_torch:
        return subject.name
    if subject.make not in (None, make_by_legacy) or subject.call is not None:
        return None
    if ":" in subject.name:
        return subject.name
    module, name = (getattr(subject.factory, k, "") for k in ("__module__", "__qualname__"))
    return f"{module}:{name}" if module and name.isidentifier() else None


def of_failure(row: Row, failure: Failure, note: str = "") -> Exhibit:
    """A wrong number: the script that shows it, and its case."""
    case, at, subject = failure.case, failure.index, row.item.subject
    eager = None if subject.is_torch else row.eager(case, failure.quantity)
    finding = _finding(
        row.item, case, failure.quantity, at=at, observed=float(failure.actual[at]),
        eager=None if eager is None else float(eager[at]),
    )  # fmt: skip
    return _exhibit(row.item, finding, case, note)


def of_problem(row: Row, problem: Problem, quantity: str | None) -> Exhibit:
    """A fault that is no number."""
    quantity = quantity or next(iter(problem.case.contract.fields))
    finding = _finding(row.item, problem.case, quantity, at=(0,))
    return _exhibit(row.item, finding, problem.case, problem, lambda f: script_of_problem(f, problem))


def of_deviation(row: Row, deviation: Deviation, case: Case) -> Exhibit:
    """A recorded deviation of torch.nn, shown by its witness."""
    quantity = deviation.quantities[0] or next(iter(case.contract.fields))
    told = {"title": f"torch.nn.{deviation.loss}: {deviation.summary}", "upstream": deviation.upstream}
    if deviation.says is not None:
        finding = _finding(row.item, case, quantity, at=(0,), **told)
        return Exhibit(deviation.id, _script(finding, lambda f: script_of_problem(f, deviation.says)), None)
    actual = row.eager(case, quantity)
    comparison = compare(case, quantity, actual)
    failing, _ = shortfall(case, quantity, comparison, actual)
    at = first_failure(case, quantity, actual, comparison, failing).index
    finding = _finding(row.item, case, quantity, at=at, observed=float(actual[at]), **told)
    return Exhibit(deviation.id, _script(finding), None)


def _finding(item: Item, case, quantity: str, **rest) -> Finding | None:
    source = source_of(item.subject)
    if source is None or item.mode != "eager":
        return None
    leaves = case.differentiable if quantity.startswith("grad_") else ()
    return Finding(case, quantity, subject=source, check=item.check, device=item.device, leaves=leaves, **rest)


def _exhibit(item: Item, finding: Finding | None, case, note: str, *write) -> Exhibit:
    text = _script(finding, *write)
    entry = corpus.encode(case, item.check, item.question, str(note))
    return Exhibit(identifier(finding) if text else None, text, entry)


def _script(finding: Finding | None, *write) -> str | None:
    """The text of a script that shows the finding, if there is one."""
    if finding is None:
        return None
    text, shows = shown(finding, *write)
    return text if shows else None


def publish(rows: list[dict], results: Path) -> list[dict]:
    """Write the scripts of rows next to a results file and name them in the rows; the entries for the corpus."""
    found = []
    for row in rows:
        exhibit = row.pop("exhibit", None)
        if exhibit is None:
            continue
        if exhibit.script is not None:
            file = results.parent / FOLDER / f"{exhibit.name}.py"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(exhibit.script, encoding="ascii")
            row["reproducer"] = f"{FOLDER}/{file.name}"
        if exhibit.entry is not None and row["verdict"] == "fail":
            found.append(exhibit.entry)
    return found
