"""What does one call from a notebook or a test say of a loss?  ``check_loss``, in this process, in seconds."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch

from conformance import expected, options
from conformance.case import Case
from conformance.checks import CHECKS
from conformance.construction import make_like_torch
from conformance.corpus import Corpus
from conformance.declarations import declarations, judge
from conformance.declared import Declared
from conformance.environment import environment
from conformance.items import items
from conformance.minimise import EFFORT
from conformance.options import DTYPES, REDUCTIONS, Selected, Selection
from conformance.outcome import Purse, finish
from conformance.refusal import Refused, refusals
from conformance.report import Report
from conformance.results import BLANK, reasons
from conformance.row import Item, Row
from conformance.sampling import fill
from conformance.streams import block, seed_of
from conformance.subject import Subject, single_threaded
from conformance.supports import Supports
from reference import Contract

#: The budgets: "brief" is a smoke run of which every check asks a few rows only.
BUDGETS = ("brief", *options.BUDGETS)
#: Rows of a check in a brief run, of different dtypes first: of what matters most one for each dtype, of others.
BRIEF_ROWS = {"value": 4, "gradient": 4}
BRIEF_OTHERS = 2
#: What minimising may cost in all of it.
BRIEF_EFFORT = EFFORT
#: The part of it that one row may take.
BRIEF_SHARE = 4


def check_loss(
    loss: Callable | Subject,
    like: str | Contract | type | None = None,
    *,
    checks: Sequence[str] = (),
    dtypes: Sequence[str] = (),
    reductions: Sequence[str] = (),
    device: str = "cpu",
    budget: str = "brief",
    seed: int = 0,
    supports: Supports | None = None,
    deviations: Declared | Iterable[Declared] | str | Path = (),
) -> Report:
    """Compare a loss with its contract, and say what is wrong with it.

    ``loss``: a class or function shaped like those of torch.nn, or a :class:`Subject`.  ``like``: the loss that it
    is: a class of torch.nn or its name, or a contract.  ``checks``, ``dtypes``, ``reductions``: only these.
    ``budget``: "brief" (a few rows of every check, seconds), "smoke", "gate" or "nightly".  ``deviations``: what
    the loss computes otherwise on purpose, or the path of a TOML file of expected failures.
    Raises ValueError with one line for what cannot be checked: an unknown name, something that is no loss, a
    constructor that raises.
    """
    named = isinstance(deviations, str | Path)
    subject = subject_of(loss, like, supports, () if named else deviations)
    chosen = selection(subject, checks, dtypes, reductions, device, budget, seed, deviations if named else None)
    with undisturbed():
        refuse_unmakeable(subject, chosen)
        rows = [row for each in rows_of(chosen, budget) for row in each]
    expected.excuse(rows, chosen.expected)
    told = {"budget": budget, "seed": seed, "environment": environment((device,)), "subject": subject}
    return Report(subject.name, subject.loss, tuple(rows), tuple(reasons(rows, chosen)), told)


def subject_of(loss, like, supports: Supports | None, deviations) -> Subject:
    """The subject that ``check_loss`` is about."""
    if isinstance(loss, torch.nn.Module):
        raise ValueError(f"give the class {type(loss).__name__}, not an instance: every case makes its own")
    declared = (deviations,) if isinstance(deviations, Declared) else tuple(deviations)
    given = {"like": like, "supports": supports, "deviations": declared}
    given = {k: v for k, v in given.items() if v}
    subject = replace(loss, **given) if isinstance(loss, Subject) else Subject(loss, **given)
    return replace(subject, like=subject.loss)


def selection(subject, checks, dtypes, reductions, device, budget, seed, file) -> Selection:
    """What is asked of one subject.  Raises ValueError for unknown names."""
    given = {"check": (checks, tuple(CHECKS)), "dtype": (dtypes, DTYPES), "reduction": (reductions, REDUCTIONS)}
    known = given | {"device": ((device,), options.DEVICES), "budget": ((budget,), BUDGETS)}
    for what, (named, choices) in known.items():
        named = (named,) if isinstance(named, str) else named
        for name in named:
            if name not in choices:
                raise ValueError(f"unknown {what} {name!r}: choose from {', '.join(choices)}")
    few = {k: ((v,) if isinstance(v, str) else tuple(v)) or every for k, (v, every) in given.items()}
    entries = expected.read(None if file is None else str(file), options.losses(), options.KNOWN, ValueError)
    work = "smoke" if budget == "brief" else budget
    asked = few["check"] if checks else options.usual_checks(work)
    return Selection(
        (Selected(subject.loss, None, subject),), asked, few["dtype"], few["reduction"], (device,), ("eager",),
        work, seed, entries,
    )  # fmt: skip


@contextmanager
def undisturbed() -> Iterator[None]:
    """One thread, no warnings of the subject's, and the random numbers of the caller as they were."""
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    single_threaded()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.set_num_threads(threads)
        torch.set_rng_state(state)


def refuse_unmakeable(subject: Subject, chosen: Selection) -> None:
    """Raises ValueError where the subject's constructor raises although nothing but defaults are asked of it."""
    case = plainest(subject, chosen)
    tensors = {k: None for k in case.arguments if k not in case.contract.positional}
    needed = [k for k in tensors if not case.contract.arguments[k].optional]
    if subject.problem:
        raise ValueError(f"{subject.name}: {subject.problem}")
    if needed:
        return  # it has no defaults alone; its rows say what is wrong
    try:
        with refusals():
            (subject.make or make_like_torch)(subject.factory, case, tensors)
    except Refused as refused:
        raise ValueError(f"{subject.name}: its constructor raises {refused}") from refused.error


def plainest(subject: Subject, chosen: Selection) -> Case:
    """A case with nothing but defaults."""
    contract = subject.contracts[0]
    supported = (subject.supports and subject.supports.reductions) or tuple(contract.reductions)
    reduction = next((r for r in supported if r in chosen.reductions), supported[0])
    dtype = next((d for d in contract.dtypes if d in chosen.dtypes), contract.dtypes[0])
    case = fill(contract, block(0, contract.name, "value", dtype, reduction, 0)[0], dtype, reduction)
    arguments = {k: None if contract.arguments[k].optional else a for k, a in case.arguments.items()}
    parameters = {k: contract.defaults.get(k, v) for k, v in case.parameters.items()}
    return replace(case, arguments=arguments, parameters=parameters)


def rows_of(chosen: Selection, budget: str) -> Iterator[list[dict]]:
    """The rows of the results, item by item, with the text of the script that shows a failure."""
    purse = Purse(BRIEF_EFFORT, BRIEF_SHARE)
    for check in chosen.checks:
        every = items(chosen, check)
        for item in few(every, chosen.seed) if budget == "brief" else every:
            row = Row(item, Corpus())
            for case in row.cases():
                row.feed(case)
            yield [completed(found) for found in finish(row, purse if budget == "brief" else None)]
    for declaration in declarations(chosen):
        yield [completed(found) for found in judge(declaration)]


def completed(row: dict) -> dict:
    exhibit = row.pop("exhibit", None)
    return BLANK | row | {"script": exhibit and exhibit.script, "entry": exhibit and exhibit.entry}


def few(every: list[Item], seed: int) -> list[Item]:
    """A few items of a check, chosen by the seed: of different dtypes and questions where there are any."""
    most = BRIEF_ROWS.get(every[0].check, BRIEF_OTHERS) if every else 0
    turn = sorted(every, key=lambda i: seed_of(seed, i.contract_name, i.check, i.dtype, i.reduction, i.question))
    kept, seen = [], set()
    for item in turn:
        if not {item.dtype, item.question} <= seen:
            kept.append(item)
            seen |= {item.dtype, item.question}
    kept = [*kept, *(i for i in turn if i not in kept)][:most]
    return [item for item in every if item in kept]
