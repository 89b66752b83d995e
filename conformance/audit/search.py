"""What does one shard of an audit find?  A subject in one dtype, mode and place, searched for so long."""

from __future__ import annotations

import os
import sys
import warnings
from dataclasses import replace

import numpy as np

from conformance.audit.climb import GENERATIONS, Climber, Purse
from conformance.audit.judge import METRICS, Judge
from conformance.audit.records import Record, Records
from conformance.audit.starts import drawn, remembered, repeated
from conformance.audit.witness import failure, shown
from conformance.items import load_subject
from conformance.options import Selected
from conformance.row import Item
from conformance.staleness import number
from conformance.streams import seed_of
from conformance.subject import single_threaded
from reference import CONTRACTS

#: The share of the effort that goes to unreduced losses, where there are reduced ones too.
UNREDUCED = 0.7
#: Remembered cases that are climbed from, and for how many generations.
REMEMBERED, BRIEFLY = 6, 8
#: What tells one stream of random numbers from others.
_APART = ("loss", "dtype", "mode", "device")
#: Generations that a compiled population climbs for: another one asks the compiler again.
COMPILED = 400


def work(task: dict) -> dict:
    """Search one shard.  ``task``: source, loss, contract, dtype, mode, device, seed, index, cost, sound.

    Returns evaluations, what was said in place of answers, and for every quantity its worst with witnesses.
    """
    prepare(task["device"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch, and of whatever else runs in the process of a worker
        return searched(task)


def searched(task: dict) -> dict:
    """The same, once the process is prepared."""
    contract = CONTRACTS[task["contract"]]
    subject = load_subject(Selected(task["loss"], task["source"]), contract)
    item = Item(
        subject, contract.name, "value", task["dtype"], "none", task["device"], task["mode"], task["seed"], "gate"
    )
    judge = Judge(item, task["sound"])
    if subject.problem:
        return {"evaluations": 0, "said": {subject.problem: 1}, "quantities": {}}
    records = Records(judge)
    for reduction, price in portions(task):
        search(records, item, reduction, price, task)
    quantities = {q: summary(records, r) for q, r in records.found.items()}
    return {"evaluations": records.evaluations, "said": dict(judge.said.most_common(3)), "quantities": quantities}


def prepare(device: str) -> None:
    """The settings of a process that searches: the caller's modules are found, sums do not depend on threads."""
    sys.path[:0] = [p for p in (os.getcwd(),) if p not in sys.path[:1]]
    single_threaded()
    if device == "cuda":
        from conformance import cuda

        cuda.prepare(1)


def portions(task: dict) -> list[tuple[str, float]]:
    """What each reduction may cost.  Compiled, a shard takes one of them, since each asks the compiler again."""
    names = list(CONTRACTS[task["contract"]].reductions)
    if task["mode"] == "compile":
        return [(names[task["index"] % len(names)], task["cost"])]
    if len(names) == 1:
        return [(names[0], task["cost"])]
    other = (1 - UNREDUCED) / (len(names) - 1)
    return [(name, task["cost"] * (UNREDUCED if name == "none" else other)) for name in names]


def search(records: Records, item: Item, reduction: str, price: float, task: dict) -> None:
    """Climb from what is remembered, then from drawn cases, one population after the other."""
    compiled = task["mode"] != "eager"
    stream = (task["seed"], task["index"])
    rng = np.random.default_rng(seed_of("climb", *stream, *(item.key[k] for k in _APART), reduction))
    purse = Purse(price)
    if not compiled and task["index"] == 0:
        for case in remembered(replace(item, reduction=reduction))[:REMEMBERED]:
            population = repeated(case)
            if population is not None:
                Climber(population, records, rng).climb(purse, BRIEFLY)
    for population in drawn(item.contract, item.dtype, reduction, stream):
        if purse.left <= 0:
            return
        before = records.evaluations
        Climber(population, records, rng, fixed=compiled).climb(purse, COMPILED if compiled else GENERATIONS)
        if records.evaluations == before:
            return


def summary(records: Records, record: Record) -> dict:
    """What the results say of one quantity."""
    judge, quantity = records.judge, record.quantity
    return {
        "worst": {m: shown(judge, quantity, record.worst[m], m) for m in METRICS},
        "known": {m: shown(judge, quantity, record.known[m], m, known=True) for m in METRICS},
        "excused": dict(sorted(records.excused.get(quantity, {}).items())),
        "grade": record.clean.grade,
        "grade_with_known": record.every.grade,
        "evaluations": record.evaluations,
        "elements": record.clean.elements,
        "vacuous": record.vacuous,
        "failing": record.failing,
        "failures": [failure(judge, quantity, worst) for worst in record.failures],
        "allowed_ulp": number(record.allowed),
        "typical_ulp": record.typical,
        "sharpness": record.sharpness,
    }
