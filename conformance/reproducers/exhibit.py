"""What a row leaves next to the results file: a script that shows what it found, and a case for the corpus."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from conformance import corpus
from conformance.case import Case
from conformance.construction import make_by_legacy
from conformance.derivatives import Second
from conformance.deviations import Deviation
from conformance.invalid import catalogue
from conformance.reproducers import spelled_identity, spelled_questions
from conformance.reproducers.script import GIVEN, Finding, identifier, script_of_problem, shown
from conformance.reproducers.spelled_modes import MODES
from conformance.row import Item, Row
from conformance.subject import Subject
from conformance.tally import Failure, Problem

#: The folder of scripts, next to the results file.
FOLDER = "reproducers"
#: The checks that compare a subject with itself.
QUESTIONING = ("purity", "completeness")
#: What scripts call subjects that have no name of their own: adapted ones, and others.
ADAPTED, PLAIN = "subject", "loss_class"


@dataclass(frozen=True)
class Exhibit:
    """The name and the text of a script that was run and shows it, None where no script does; and the case."""

    name: str | None
    script: str | None
    entry: dict | None


def source_of(subject: Subject) -> str:
    """Where a script finds the subject, as MODULE:ATTR, or the name by which it is given to a script."""
    if subject.is_torch:
        return subject.name
    if subject.source is not None:
        return subject.source
    if subject.make not in (None, make_by_legacy) or subject.call is not None:
        return given(ADAPTED, subject)
    module, name = (getattr(subject.factory, k, "") for k in ("__module__", "__qualname__"))
    source = subject.name if ":" in subject.name else f"{module}:{name}"
    module, _, name = source.rpartition(":")
    if module not in ("", "__main__") and name.isidentifier():
        return source
    return given(name if name.isidentifier() else PLAIN, subject.factory)


def given(name: str, subject) -> str:
    """The name by which a script calls a subject that it cannot import."""
    GIVEN[name] = subject
    return name


def of_failure(row: Row, failure: Failure, note: str = "") -> Exhibit:
    """A wrong number: the script that shows it, and its case."""
    case, at = failure.case, failure.index
    eager = row.beside(case, failure.quantity)
    finding = _finding(
        row.item, case, failure.quantity, at=at, observed=float(failure.actual[at]),
        eager=None if eager is None else float(eager[at]),
    )  # fmt: skip
    text = None if finding is None else shown(finding)
    entry = corpus.encode(case, row.item.check, row.item.question, note)
    return Exhibit(identifier(finding) if text else None, text, entry)


def of_problem(row: Row, problem: Problem, quantity: str | None) -> Exhibit:
    """A fault that is no number."""
    quantity = quantity or next(iter(problem.case.contract.fields))
    text, finding = _of_message(row.item, problem.case, problem, quantity)
    entry = corpus.encode(problem.case, row.item.check, row.item.question, str(problem))
    return Exhibit(identifier(finding) if text else None, text, entry)


def _of_message(item: Item, case: Case, message: str, quantity: str, **told) -> tuple[str | None, Finding | None]:
    """The script that shows what a message says, and what it is about.  A perilous call is not run here."""
    finding = None
    for call, perilous in calls_of(item, case, message):
        finding = _finding(item, call, quantity, at=(0,), **told)
        text = None if finding is None else _shown(finding, message, perilous)
        if text is not None:
            return text, finding
    if finding is not None and item.check in QUESTIONING:
        return spelled_questions.shown(finding, message), finding
    if finding is not None and item.check == "identity":
        return spelled_identity.shown(Row(item), finding, message), finding
    return None, finding


def _shown(finding: Finding, message: str, perilous: bool) -> str | None:
    write = partial(script_of_problem, message=message)
    return write(finding) if perilous else shown(finding, write)


def calls_of(item: Item, case: Case, message: str) -> list[tuple[Case, bool]]:
    """The calls that a message is about, and which may end the process: the case, or invalid ones next to it."""
    if item.check != "rejection":
        return [(case, False)]
    about = [i for i in catalogue(item.contract_name)[item.question] if f" {i.why};" in f"{message};"]
    return [(call, invalid.perilous) for invalid in about for call in invalid.make(case)]


def of_deviation(row: Row, deviation: Deviation, case: Case) -> Exhibit:
    """A recorded deviation of torch.nn, shown by its witness."""
    quantity = deviation.quantities[0] or next(iter(case.contract.fields))
    told = {"title": f"torch.nn.{deviation.loss}: {deviation.summary}", "upstream": deviation.upstream}
    if deviation.says is not None:
        if deviation.only != "rejection":
            told["title"] = f"{told['title'].rstrip('.')}: {deviation.says}"
        return Exhibit(deviation.id, _of_message(row.item, case, deviation.says, quantity, **told)[0], None)
    asked = Unexcused(row.item)
    asked.feed(case)
    failure = asked.tally(quantity).failures[0]
    told |= {"at": failure.index, "observed": float(failure.actual[failure.index])}
    finding = _finding(row.item, failure.case, quantity, **told)
    return Exhibit(deviation.id, None if finding is None else shown(finding), None)


class Unexcused(Row):
    """A row in which no deviation excuses anything."""

    def excuse(self, case, quantity, actual, failing, comparison):
        return failing

    def problem(self, case, quantity, message) -> None:
        self.tally(quantity).problems.append(Problem(message, case))


def _finding(item: Item, case, quantity: str, **rest) -> Finding | None:
    source = source_of(item.subject)
    if source is None or item.mode not in MODES:
        return None
    leaves: tuple[str, ...] = ()
    if isinstance(case, Second) or quantity.startswith("grad_"):
        leaves = case.along if isinstance(case, Second) else case.differentiable
    layout = item.question if item.check == "layout" else None
    return Finding(
        case, quantity, subject=source, check=item.check, device=item.device, leaves=leaves, layout=layout,
        question=item.question, mode=item.mode, **rest,
    )  # fmt: skip


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
