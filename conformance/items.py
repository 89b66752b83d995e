"""From a selection to items: one for each (subject, loss, check, dtype, reduction, device, mode)."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from conformance.checks import CHECKS
from conformance.construction import make_by_legacy
from conformance.modes import MODES
from conformance.options import Selected, Selection, import_module, one_line
from conformance.row import Item
from conformance.streams import seed_of
from conformance.subject import Subject, name_of, torch_subject
from reference import Contract


@cache
def load_subject(selected: Selected, contract: Contract) -> Subject:
    """The subject; one that does not import has a problem, which its rows report."""
    if selected.subject is not None:
        return selected.subject
    if selected.source is None:
        return torch_subject(contract)
    module, _, attribute = selected.source.rpartition(":")
    try:
        found = getattr(import_module(module), attribute)
    except (Exception, SystemExit) as error:
        return Subject(name=selected.name, problem=f"does not import: {one_line(error)}")
    if isinstance(found, Subject):
        name = selected.name if found.name == name_of(found.factory or found.make) else found.name
        return replace(found, name=name, source=found.source or selected.source)
    try:
        return Subject(found, name=selected.name)
    except ValueError as error:
        return Subject(name=selected.name, problem=str(error))


def subject_of(selected: Selected, contract: Contract, check: str) -> Subject:
    """The subject as a check asks it: by the deprecated arguments in one of them."""
    subject = load_subject(selected, contract)
    return replace(subject, make=make_by_legacy) if check == "legacy" and subject.make is None else subject


def forms(
    selection: Selection, contract: Contract, name: str, question: str | None, mode: str = "eager"
) -> list[tuple[str, str]]:
    """The (dtype, reduction) of a loss that a question takes: those asked for, or a sample that the seed chooses.

    No reduction comes twice in a sample before every one has come once.
    """
    check, among = CHECKS[name], MODES[mode].dtypes or contract.dtypes
    asked = [
        (dtype, reduction)
        for dtype in contract.dtypes
        if dtype in selection.dtypes and dtype in (check.dtypes or contract.dtypes) and dtype in among
        for reduction in check.reductions(contract) if reduction in selection.reductions
    ]  # fmt: skip
    limits = [n for n in (check.sampled(selection.budget), MODES[mode].sample) if n is not None]
    if not limits:
        return asked
    drawn = sorted(asked, key=lambda form: seed_of(selection.seed, contract.name, name, question, *form))
    turn = sorted(drawn, key=lambda form: [f for f in drawn if f[1] == form[1]].index(form))  # every reduction in turn
    return [form for form in asked if form in turn[: min(limits)]]


def items(selection: Selection, check: str) -> list[Item]:
    """The items of one check, those of one stream of cases next to each other."""
    if check not in selection.checks:
        return []
    return [
        Item(
            subject_of(s, c, check), c.name, check, dtype, reduction, device, mode, selection.seed, selection.budget,
            question,
        )
        for loss in dict.fromkeys(s.loss for s in selection.subjects)
        for c in selection.contracts(Selected(loss, None))
        if CHECKS[check].applies(c)
        for question in CHECKS[check].questions(c)
        for mode in selection.modes if MODES[mode].asks(check)
        for dtype, reduction in forms(selection, c, check, question, mode)
        for device in selection.devices
        for s in selection.subjects if s.loss == loss
    ]  # fmt: skip
