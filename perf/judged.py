"""Is the answer right?  Nothing is timed before the verdict of conformance on it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from conformance.items import torch_subject
from conformance.row import Item, Row
from conformance.subject import Subject
from perf.call import MODES
from perf.cell import Cell, Workload, axis_of


class WrongAnswer(Exception):
    """An answer fails its verdict: the message says which quantity and how."""


def judge(cell: Cell, work: Workload, answers: Mapping[str, np.ndarray], subject: Subject | None = None) -> str:
    """The worst verdict, "pass" or "known".  Raises WrongAnswer where it is another."""
    subject = subject or (torch_subject(cell.of) if cell.implementation in MODES else Subject(answers.get, name="it"))
    mode = MODES.get(cell.implementation, "eager")
    case = work.judged
    verdicts = []
    for quantity, answer in answers.items():
        check = "gradient" if quantity.startswith("grad_") else "value"
        row = Row(Item(subject, cell.contract, check, cell.dtype, case.reduction, cell.device, mode, 0, "gate"))
        for part in parts(work, quantity, answer):
            row.judge(case, quantity, case.through(quantity, part))
        tally = row.tallies[quantity]
        verdicts.append(tally.verdict())
        if verdicts[-1] == "fail":
            raise WrongAnswer(f"{quantity} is wrong: {said(tally)}")
    return "known" if "known" in verdicts else "pass"


def said(tally) -> str:
    """What a tally has against an answer."""
    if tally.problems:
        return tally.problems[0]
    return f"test ratio {tally.worst_ratio:.3g}, {tally.worst_ulp:.3g} ULP"


def parts(work: Workload, quantity: str, answer: np.ndarray) -> list[np.ndarray]:
    """The answer for every repetition of the rows, those that are bit by bit the same once."""
    case, argument = work.judged, quantity.removeprefix("grad_")
    rows = case.contract.arguments[case.contract.positional[0]].loops[0].name
    axis = axis_of(case, argument, rows) if quantity.startswith("grad_") else (1 if answer.ndim > 1 else None)
    if work.times == 1 or axis is None:
        return [answer]
    distinct: dict[bytes, np.ndarray] = {}
    for part in np.split(answer, work.times, axis=axis):
        distinct.setdefault(np.ascontiguousarray(part).tobytes(), part)
    return list(distinct.values())
