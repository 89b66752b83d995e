"""Does a deviation that a subject declares change anything?  One that never does hides what comes back later."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from conformance.case import Case
from conformance.declared import Declared, changes, without
from conformance.items import forms, subject_of
from conformance.options import Selected, Selection
from conformance.outcome import case_in_hex
from conformance.row import Item, Row
from conformance.subject import Subject
from reference import Contract

#: The checks whose cases are looked through, and what the quantities of each begin with.
CHECKS = {"value": "value", "gradient": "grad_"}


@dataclass(frozen=True, eq=False)
class Declaration:
    """One declared deviation of one subject, in the rows that a selection chooses."""

    subject: Subject
    contracts: tuple[Contract, ...]
    declared: Declared
    selection: Selection

    @property
    def id(self) -> str:
        return f"{self.subject.name}-{self.declared.id}"

    @property
    def items(self) -> Iterator[Item]:
        """The rows that it may show in."""
        for check in [c for c in CHECKS if c in self.selection.checks]:
            for contract in self.contracts:
                for dtype, reduction in forms(self.selection, contract, check, None):
                    if self._may_show(dtype, reduction):
                        chosen = (self.selection.devices[0], self.selection.modes[0], self.selection.seed, "smoke")
                        yield Item(self.subject, contract.name, check, dtype, reduction, *chosen)

    def _may_show(self, dtype: str, reduction: str) -> bool:
        declared = self.declared
        reductions = declared.reductions or (None if declared.replaces_formula else tuple(declared.reduce))
        return (declared.dtypes is None or dtype in declared.dtypes) and reduction in (reductions or (reduction,))


def declarations(selection: Selection) -> list[Declaration]:
    """What the subjects of a selection declare, as far as its filters select rows in which it may show."""
    found = [
        Declaration(subject, tuple(contracts), declared, selection)
        for chosen in selection.subjects if (contracts := selection.contracts(chosen))
        for subject in [_loaded(chosen, contracts[0])]
        for declared in subject.deviations
    ]  # fmt: skip
    return [d for d in found if next(d.items, None) is not None]


def _loaded(chosen: Selected, contract: Contract) -> Subject:
    return subject_of(chosen, contract, "value")


def witness(declaration: Declaration) -> tuple[Item, str, Case, np.ndarray] | None:
    """The first drawn case that is expected to give something else: its row, the quantity, the case, and where."""
    for item in declaration.items:
        for drawn in Row(item).cases():
            case = replace(drawn, declared=declaration.subject.deviations)
            expected = case.expected_values if item.check == "value" else case.expected_gradients
            for quantity in expected:
                if (
                    declaration.declared in case.moving
                    and (where := changes(case, quantity, declaration.declared)).any()
                ):
                    return item, quantity, case, where
    return None


def judge(declaration: Declaration) -> list[dict]:
    """The row of a declared deviation: known with its reason where it changes what is expected, else a failure."""
    found, id = witness(declaration), declaration.declared.id
    if found is None:
        told = f"declared deviation {id} changes nothing that is asked: delete it"
        key = next(declaration.items).key
        return [key | {"quantity": None, "verdict": "fail", "deviation": [], "message": told}]
    item, quantity, case, where = found
    told = {"quantity": quantity, "verdict": "known", "deviation": [id], "message": declaration.declared.reason}
    return [item.key | told | {"witness": shown(case, quantity, np.argwhere(where)[0], declaration.declared)}]


def shown(case: Case, quantity: str, at: np.ndarray, declared: Declared) -> dict:
    """The call of a case in exact numbers, what is expected of it, and what is without the deviation."""
    place, other = tuple(int(i) for i in at), without(case, declared)
    expected = case.expected(quantity)
    return case_in_hex(case.select(np.array([place[0]]))) | {
        "index": [0, *place[1:]], "expected": f"{float(expected.value[place]):.9g}",
        "observed": f"without it {float(other.expected(quantity).value[place]):.9g}", "eager": None,
        "bound": f"{float(expected.error[place]):.3g}", "error_ulp": None, "ratio": None,
    }  # fmt: skip
