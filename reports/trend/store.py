"""What does the history of conformance hold?  JSON lines that are only ever added to; one that is cut is left out."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from reports import words
from reports.document import UnreadableError, parsed, typed
from reports.history.store import SCHEMA, date_of, few, lines

_RUN = {
    "kind": str,
    "date": str,
    "commit": str | None,
    "suite_version": str | None,
    "environment": dict | None,
    "seed": int | None,
    "budget": str | None,
    "complete": bool | None,
    "exit_status": int | None,
    "losses": list,
}
_LOSS = {
    "subject": str,
    "loss": str,
    "device": str | None,
    "mode": str | None,
    "verdicts": dict | None,
    "cases": int | None,
    "deviations": list | None,
    "dtypes": dict | None,
}


@dataclass(frozen=True)
class Run:
    """One line.  `losses`: for (subject, loss, device, mode) what is kept of it."""

    date: datetime
    commit: str | None
    suite_version: str | None
    environment: dict
    seed: int | None
    budget: str | None
    complete: bool
    exit_status: int | None
    losses: dict

    @property
    def torch(self) -> str:
        """Its version of torch."""
        return str(self.environment.get("torch") or "?")

    def total(self, verdict: str) -> int:
        """Rows with that verdict."""
        return sum(loss["verdicts"].get(verdict, 0) for loss in self.losses.values())

    @property
    def deviations(self) -> set:
        """Ids that it met."""
        return {id for loss in self.losses.values() for id in loss["deviations"]}


@dataclass(frozen=True)
class Trend:
    """All runs by date, and what could not be read."""

    runs: list[Run]
    warnings: tuple = ()

    def series(self) -> list[tuple]:
        """Every (subject, loss, device, mode) that a run has, by name."""
        return sorted({name for run in self.runs for name in run.losses})


def read(path: Path) -> Trend:
    """All runs in a file; a line that is none is left out with a warning.  Raises `UnreadableError` without a file."""
    runs, warnings = [], []
    for number, line in enumerate(lines(path), 1):
        try:
            runs += [_taken(line, f"{path.name} line {number}")] if line.strip() else []
        except UnreadableError as error:
            warnings.append(f"{error}: left out.")
    return Trend(sorted(runs, key=lambda run: run.date), few(warnings, path))


def _taken(line: bytes, where: str) -> Run:
    value = parsed(line, where)
    if not isinstance(value, dict) or value.get("schema") != SCHEMA or value.get("kind") != "conformance":
        raise UnreadableError(f"{where}: not a conformance run of schema {SCHEMA}")
    run = typed(value, _RUN, where)
    losses = [_loss(each, f"{where}.losses[{index}]") for index, each in enumerate(run["losses"])]
    return Run(
        date=date_of(run["date"], where),
        commit=run["commit"],
        suite_version=run["suite_version"],
        environment=run["environment"] or {},
        seed=run["seed"],
        budget=run["budget"],
        complete=bool(run["complete"]),
        exit_status=run["exit_status"],
        losses={(each["subject"], each["loss"], each["device"] or "", each["mode"] or ""): each for each in losses},
    )


def _loss(value: object, where: str) -> dict:
    loss = typed(value, _LOSS, where)
    loss["verdicts"] = {name: count for name, count in (loss["verdicts"] or {}).items() if isinstance(count, int)}
    loss["deviations"] = [str(each) for each in loss["deviations"] or []]
    loss["dtypes"] = {name: each for name, each in (loss["dtypes"] or {}).items() if isinstance(each, dict)}
    return loss


def ratio(run: Run, series: tuple, dtype: str) -> float | None:
    """The worst ratio of rows that no deviation explains; None where nothing was measured."""
    loss = run.losses.get(series)
    return words.real(loss["dtypes"].get(dtype, {}).get("ratio")) if loss else None
