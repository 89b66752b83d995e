"""Is the subject right at every step of a training run, and where does that run lead, next to the oracle's?

A step is judged on the outputs that the network has at that step of the subject's own run.  From the first rounding on
the two runs part, slowly at first: that is shown, and not judged.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from conformance.case import Case
from conformance.checks.gradient import judge_gradient
from conformance.row import ENOUGH_FAILURES
from conformance.staleness import number
from conformance.streams import seed_of
from conformance.training import Training, Trajectory, ask_formula, task_of


class Stopped(Exception):
    """The subject gave no answer; that is recorded."""


@dataclass
class Student:
    """The subject of a row, with the module that it keeps through all steps.

    ``parted``: the first step at which it was beyond the bound, known deviations included.
    """

    row: object
    module: object = None
    parted: int | None = None

    def __call__(self, case: Case, step: int) -> tuple[float, dict[str, np.ndarray]]:
        """Answer a step, and be judged, unless it was wrong often enough.  Raises Stopped."""
        field = next(iter(case.contract.fields))
        names = tuple(n for n in ("input", "var") if n in case.contract.positional)
        answer = self.row.answer(case, lambda session: self.ask(session, field, names), (field,))
        if answer is None:
            raise Stopped
        if self.failures() < ENOUGH_FAILURES:
            self.judge(case, answer)
            if self.parted is None and self.failures() + self.excused():
                self.parted = step
        slopes = {n: answer[f"grad_{n}"].array for n in names}
        nought = {n: np.zeros(case.arguments[n].shape) for n in names}
        return float(np.mean(answer[field])), {n: (nought[n] if g is None else g)[0] for n, g in slopes.items()}

    def judge(self, case: Case, answer: dict) -> None:
        for quantity, found in answer.items():
            if quantity.startswith("grad_"):
                judge_gradient(self.row, case, quantity, found)
            else:
                self.row.judge(case, quantity, found)

    def ask(self, session, field: str, names: tuple[str, ...]) -> dict:
        """Value and gradients of one forward and one backward pass of the module that was there before."""
        session.module = self.module = session.module if self.module is None else self.module
        recorded = session.tape(0, names, session.inputs(0, names), {})
        gradients = {f"grad_{n}": session.stack([g]) for n, g in recorded.gradients().items()}
        if field not in recorded.fields:
            return session.values() | gradients
        return {field: session.array(recorded.fields[field])[None]} | gradients

    def failures(self) -> int:
        return sum(len(t.failures) + len(t.problems) for t in self.row.tallies.values())

    def excused(self) -> int:
        return sum(sum(t.excused.values()) for t in self.row.tallies.values())


def train(row) -> dict | None:
    """Judge every step of a training run; the curves of it and of the oracle's, None where there are none."""
    item, student = row.item, Student(row)
    if item.subject.problem:
        list(row.cases())  # which records it
        return None
    training = Training(task_of(item.contract), seed_of(item.seed, item.contract_name, "training"))
    try:
        own = training.follow(student)
    except Stopped:
        return None
    return curves(training, student, own, training.follow(ask_formula))


def curves(training: Training, student: Student, own: Trajectory, oracle: Trajectory) -> dict:
    """What the report plots: loss per epoch, and the first step that was wrong, of how many."""
    runs = {"subject": own, "oracle": oracle}
    return {
        "data": training.task.data,
        "steps": own.steps,
        "parted": student.parted,
        "train": {who: [number(x) for x in run.train] for who, run in runs.items()},
        "validation": {who: [number(x) for x in run.validation] for who, run in runs.items()},
    }


def told(rows: list[dict], found: dict | None) -> list[dict]:
    """The rows of results, the first of which has the curves; a failing one says at which step it first was wrong."""
    for row in rows:
        row["curves"] = found if row is rows[0] else None
        if row["verdict"] == "fail" and found is not None and found["parted"] is not None:
            row["message"] = f"{row['message']}; first wrong at step {found['parted']} of {found['steps']}"
    return rows
