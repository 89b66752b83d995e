"""What a check is: a property of a subject, how its cases are drawn, and how it is put to one case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hypothesis.strategies import SearchStrategy

from conformance.case import Case
from conformance.strategies import recipes
from reference import Contract

#: Work per row: at least so many blocks of cases, then on until so many results, at most so many blocks.
BUDGETS = {"smoke": (1, 0, 1), "gate": (3, 600, 16), "nightly": (12, 3000, 48)}
#: Where one block says it all, except at night.
LIGHT = {"smoke": BUDGETS["smoke"], "gate": BUDGETS["smoke"], "nightly": (2, 0, 2)}

Budgets = dict[str, tuple[int, int, int]]


@dataclass(frozen=True)
class Check:
    """One property.

    ``ask(row, case)`` puts it to the row's subject and records what comes.  ``recipes(contract, reduction)``
    draws its cases, ``recipes_for(contract, reduction, question)`` where the question matters;
    ``alter(case, question)`` makes of each what the check is about, None where it is not
    about it.  ``arrange(case, question)``: the memory layout in which tensors are handed over, as
    :class:`conformance.session.Session` takes it.  ``questions(contract)``: the names of what it asks apart,
    one row of results each.
    ``applies(contract)``: the losses that it is about; ``reductions(contract)``: their reductions.
    ``budgets``: its work per row.  ``sample``: how many of the (dtype, reduction) of a loss a run at the gate
    takes (a smoke run one), chosen by the seed; None for all.  ``noted``: for subjects other than torch.nn a
    failure is a note.
    """

    name: str
    ask: Callable
    recipes: Callable[[Contract, str], SearchStrategy] = recipes
    recipes_for: Callable[[Contract, str, str | None], SearchStrategy] | None = None
    alter: Callable[[Case, str | None], Case | None] | None = None
    arrange: Callable[[Case, str | None], Callable] | None = None
    questions: Callable[[Contract], tuple[str | None, ...]] = lambda contract: (None,)
    applies: Callable[[Contract], bool] = lambda contract: True
    reductions: Callable[[Contract], list[str]] = lambda contract: list(contract.reductions)
    dtypes: tuple[str, ...] | None = None
    budgets: Budgets = None
    sample: int | None = None
    noted: bool = False

    def drawn(self, contract: Contract, reduction: str, question: str | None) -> SearchStrategy:
        """The strategy of the recipes for its cases."""
        if self.recipes_for is None:
            return self.recipes(contract, reduction)
        return self.recipes_for(contract, reduction, question)

    def sampled(self, budget: str) -> int | None:
        """How many of the (dtype, reduction) of a loss are taken; None for all."""
        return {"smoke": self.sample and 1, "gate": self.sample, "nightly": None}[budget]

    def work(self, budget: str) -> tuple[int, int, int]:
        """Blocks at least, results wanted, blocks at most."""
        return (self.budgets or BUDGETS)[budget]


#: Every check by name, in the order of definition.
CHECKS: dict[str, Check] = {}


def check(name: str, **options) -> Callable[[Callable], Callable]:
    """Register the decorated ``ask(row, case)`` as a check; ``options`` are the fields of :class:`Check`."""

    def register(ask: Callable) -> Callable:
        if name in CHECKS:
            raise ValueError(f"{name} is registered twice")
        CHECKS[name] = Check(name, ask, **options)
        return ask

    return register
