"""Which wrong losses is the suite judged by?  Every mutant by name: what is wrong with it, and where it comes from.

Three kinds: *mechanical* ones, one change of a plain loss each, drawn by ``python -m conformance.mutants.choice``;
*reported* ones, bugs that others have had, each with a citation; and *planted* ones, for every check in every loss.
"""

from __future__ import annotations

import inspect
import json
from dataclasses import dataclass
from pathlib import Path

from conformance.mutants import hostile, impure, planted, spread
from conformance.mutants.reported import REPORTED, family

HERE = Path(__file__).parent
#: The names of the mechanical mutants, and the change that each makes.
MECHANICAL = HERE / "mechanical.json"
#: Reported bugs that are another convention than torch's, and nothing else.
CONVENTIONS = ("L1TieSlope",)
#: Those that are wrong only where eager torch is as wrong, which excuses other subjects: they are judged as it is.
NO_WORSE = ("TripletMarginWithDistanceLoss_swap_factor_2",)
#: Those that change the process that they run in, or end it.
ALONE = (
    "GaussianSetsDefault", "TripletReseeds", "SetsDefaultDtype", "SilencesWarnings", "SeedsNumPy", "Dies", "Exits",
    "Segfaults",
)  # fmt: skip
#: Subjects that break the form and not the mathematics, with the check that each is planted for.
HOSTILE = {
    "Raises": "value", "WrongType": "result_type", "WrongShape": "result_type", "WrongDtype": "result_type",
    "ReturnsNaN": "value", "MutatesInput": "purity", "Dies": "value", "Exits": "value", "Segfaults": "value",
    "Hangs": "value",
}  # fmt: skip
#: The checks that the first planted bugs are for.
PLANTED = {
    "HuberIgnoresDelta": "value", "HuberSignedThreshold": "value", "MSEWrongCount": "reduction",
    "L1SteepTie": "gradient", "MSELeakyGradient": "gradient", "L1HalfAccumulator": "reduction",
    "UnstableLogSumExp": "value", "IgnoredCounted": "reduction", "WeightsNotNormalised": "reduction",
}  # fmt: skip


@dataclass(frozen=True)
class Wrong:
    """A mutant of ``loss``, found at ``source`` (MODULE:ATTR).

    ``wrong`` says what is wrong; ``kind``: mechanical, reported or planted; ``citation``: owner/repository#number.
    ``planted_for``: the check that should find it; None of mechanical ones.  ``base``: the correct loss that it is
    made of.  ``alone``: it must run in a process of its own.  ``stands_in``: it is judged as torch.nn itself is.
    """

    name: str
    loss: str
    source: str
    wrong: str
    kind: str
    base: str
    planted_for: str | None = None
    citation: str | None = None
    alone: bool = False
    stands_in: bool = False


def _of_class(name: str, loss: str, module, kind: str, base: str | None = None, **marks) -> Wrong:
    wrong = inspect.getdoc(getattr(module, name)).partition("\n")[0]
    source, base = f"{module.__name__}:{name}", base or f"torch.nn:{loss}"
    return Wrong(name, loss, source, wrong, kind, base, alone=name in ALONE, **marks)


def mechanical() -> list[Wrong]:
    """One change of a plain loss each."""
    return [
        Wrong(name, loss := name.partition("_")[0], f"{__package__}.mechanical:{name}", change, "mechanical",
              f"{__package__}.plain:{loss}", stands_in=name in NO_WORSE)
        for name, change in json.loads(MECHANICAL.read_text()).items()
    ]  # fmt: skip


def reported() -> list[Wrong]:
    """Bugs of public reports."""
    return [
        _of_class(name, bug.loss, family(name), "reported", planted_for=bug.check, citation=bug.citation,
                  stands_in=name in CONVENTIONS)
        for name, bug in REPORTED.items()
    ]  # fmt: skip


def first_planted() -> list[Wrong]:
    """Those that were planted one by one: in the mean squared error most of them."""
    squares = f"{impure.__name__}:Squares"
    weight = {"MutatesWeight": ("BCELoss", None)}
    found = [_of_class(n, planted.PLANTED[n], planted, "planted", planted_for=check) for n, check in PLANTED.items()]
    for name, (check, _) in impure.FOUND_BY.items():
        loss, base = weight.get(name, ("MSELoss", squares))
        found.append(_of_class(name, loss, impure, "planted", base, planted_for=check))
    return found + [_of_class(n, "MSELoss", hostile, "planted", planted_for=check) for n, check in HOSTILE.items()]


def everywhere() -> list[Wrong]:
    """Those that fill the table of losses and checks."""
    found = []
    for name, check in spread.PLAN.items():
        loss, _ = spread.find(name)
        base = spread.base(name)
        home = "torch.nn" if base.__module__.startswith("torch.") else f"{__package__}.plain"
        own = spread.wrong(name)
        marks = {"alone": own.alone, "stands_in": own.stands_in} if own else {}
        source = f"{spread.__name__}:{name}"
        found.append(Wrong(name, loss, source, spread.words(name), "planted", f"{home}:{loss}", check, **marks))
    return found


def _by_name(every: list[Wrong]) -> dict[str, Wrong]:
    found: dict[str, Wrong] = {}
    for wrong in every:
        if wrong.name in found:
            raise ValueError(f"two mutants are called {wrong.name}")
        found[wrong.name] = wrong
    return found


#: Every mutant by name.
ZOO: dict[str, Wrong] = _by_name([*mechanical(), *reported(), *first_planted(), *everywhere()])


def table() -> dict[str, dict[str, int]]:
    """How many mutants are planted in each loss for each check; mechanical ones are for none in particular."""
    found: dict[str, dict[str, int]] = {}
    for wrong in ZOO.values():
        column = wrong.planted_for or "mechanical"
        row = found.setdefault(wrong.loss, {})
        row[column] = row.get(column, 0) + 1
    return found
