"""Are invalid calls refused: those that eager torch refuses, and by torch itself those that it documents?"""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase

from conformance.attempt import Attempt, attempt
from conformance.case import Case
from conformance.checks.check import check
from conformance.invalid import Invalid, catalogue
from conformance.invalid.documented import not_refused, sentence_on
from conformance.invalid.invalid import accepted_in_mode
from conformance.modes import MODES
from conformance.strategies import recipes
from conformance.subject import documentation, torch_subject
from reference import Contract

#: Two blocks, and more while no case had room for the question.
BUDGETS = {"smoke": (1, 1, 4), "gate": (2, 1, 6), "nightly": (12, 1, 12)}


def default_reduction(contract: Contract) -> list[str]:
    """The mean, or the one reduction there is: which one does not matter to what is refused."""
    return ["mean"] if "mean" in contract.reductions else list(contract.reductions)[:1]


def single_calls(contract: Contract, reduction: str):
    """The usual recipes, of one call each."""
    return recipes(contract, reduction).map(lambda recipe: replace(recipe, calls=1))


def with_room(case: Case, question: str | None) -> Case | None:
    """The case, if something in it can be made invalid in the way that is asked about."""
    return case if any(each.make(case) for each in catalogue(case.contract_name)[question]) else None


@check(
    "rejection",
    recipes=single_calls,
    alter=with_room,
    questions=lambda contract: tuple(catalogue(contract.name)),
    applies=lambda contract: contract.torch is not None,
    reductions=default_reduction,
    dtypes=("float32", "complex64"),
    budgets=BUDGETS,
)
def ask_for_refusals(row, case: Case) -> None:
    """Every invalid call of the question next to one valid case."""
    row.tally(None)
    for invalid in on_device(row.item.device, row.item.question, catalogue(case.contract_name)[row.item.question]):
        for call in invalid.make(case):
            if invalid.perilous and row.item.device != "cpu" and invalid.name in row.asked_alone:
                continue  # each costs a process, and one says it all
            row.asked_alone.add(invalid.name)
            if is_outside(row, invalid):
                row.tally(None).refusals[f"{invalid.name} is declared outside the subject's interface"] += 1
            elif row.item.mode != "eager":
                ask_in_mode(row, case, invalid, call)
            elif row.item.subject.is_torch:
                ask_torch(row, case, invalid, call)
            else:
                ask_other(row, case, invalid, call)


def on_device(device: str, question: str, invalid: tuple[Invalid, ...]) -> tuple[Invalid, ...]:
    """The ways to be invalid; numbers outside a domain are perilous on a GPU, whose kernels assert the domain."""
    numbers = device != "cpu" and question.endswith("-values")
    return tuple(replace(each, perilous=True) for each in invalid) if numbers else invalid


def ask_torch(row, case: Case, invalid: Invalid, call: Case) -> None:
    """Torch must refuse what its documentation rules out, and survive everything."""
    told = attempt(row.item.subject, call, row.item.device, invalid.perilous)
    words = documented(case.contract, invalid)
    if told.ending == "refused":
        verified(row, call)
    elif words is not None and warned(row, case, told):
        row.tally(None).notes[f"warns of {invalid.why}, and accepts it"] += 1
    elif words is not None:
        verified(row, call)
        row.problem(case, None, not_refused(invalid, words))
    elif told.ending == "crashed":
        row.problem(case, None, f"{told.said} on {invalid.why}")
    else:
        row.tally(None).refusals[f"torch accepts {invalid.why}"] += 1


def ask_other(row, case: Case, invalid: Invalid, call: Case) -> None:
    """Others must refuse what eager torch refuses, unless torch only lacks a kernel for it."""
    torch = attempt(torch_subject(case.contract), call, row.item.device, invalid.perilous)
    told = attempt(replace(row.item.subject, supports=None), call, row.item.device, invalid.perilous)
    if told.ending == "unasked":
        row.tally(None).refusals[told.said] += 1
    elif torch.ending == "crashed" or torch.lacking:
        row.tally(None).refusals[f"torch itself {torch.said} on {invalid.why}"] += 1
    elif told.ending == "crashed":
        row.problem(case, None, f"{told.said} on {invalid.why}")
    elif torch.ending == "accepted":
        row.tally(None).refusals[f"torch accepts {invalid.why}"] += 1
    else:
        verified(row, call)
        compare(row, case, invalid, told, torch)


def ask_in_mode(row, case: Case, invalid: Invalid, call: Case) -> None:
    """In other modes every subject, torch too, must refuse what eager torch refuses, by whichever exception."""
    torch = attempt(torch_subject(case.contract), call, row.item.device, invalid.perilous)
    if torch.ending != "refused" or torch.lacking or invalid.generous:
        row.tally(None).refusals[f"torch itself does not refuse {invalid.why}, or only for its dtype"] += 1
        return
    perilous = invalid.perilous or MODES[row.item.mode].perilous(invalid)
    told = attempt(replace(row.item.subject, supports=None), call, row.item.device, perilous, row.item.mode)
    if told.ending == "unasked":
        row.tally(None).refusals[told.said] += 1
        return
    verified(row, call)
    if told.ending == "crashed":
        row.problem(case, None, f"{told.said} on {invalid.why}")
    elif told.ending == "accepted":
        row.problem(case, None, accepted_in_mode(invalid))


def compare(row, case: Case, invalid: Invalid, told: Attempt, torch: Attempt) -> None:
    """What a subject does with a call that torch refuses."""
    if told.ending == "refused":
        if not told.resembles(torch):
            row.tally(None).notes[f"raises {told.said} on {invalid.why}; torch raises {torch.said}"] += 1
    elif invalid.generous:
        row.tally(None).notes[f"accepts {invalid.why}; torch raises {torch.said}"] += 1
    else:
        row.problem(case, None, f"accepts {invalid.why}; torch raises {torch.said}")


def is_outside(row, invalid: Invalid) -> bool:
    """Whether the subject declares that a call cannot be put to it."""
    return any(fnmatchcase(invalid.name, pattern) for pattern in row.item.subject.outside)


def verified(row, call: Case) -> None:
    """Count a call that the subject was right or wrong about."""
    tally = row.tally(None)
    tally.seen(call)
    tally.elements += 1
    tally.recipes += 1


def documented(contract: Contract, invalid: Invalid) -> str | None:
    """The words of the installed torch that rule the call out, if it still has them."""
    words = sentence_on(contract.loss, invalid.name)
    return words if words is not None and words in documentation(contract) else None


def warned(row, case: Case, told: Attempt) -> bool:
    """Whether a call that was accepted raised a warning that the valid one next to it does not."""
    return told.ending == "accepted" and bool(
        set(told.warnings) - set(attempt(row.item.subject, case, row.item.device, False).warnings)
    )
