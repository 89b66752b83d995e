"""One bug for each loss and each check that no reported bug is planted for: wrong subclasses of torch's own losses.

``conformance.mutants.spread:HuberLoss_ignores_strides`` is torch's Huber loss that ignores strides.  Losses take
the ways of a check that fit them in turn.
"""

from __future__ import annotations

import inspect
from functools import cache

import torch

from conformance.checks import CHECKS
from conformance.mutants import lawless, plain
from conformance.mutants.reported import REPORTED
from conformance.mutants.spread import derivatives, manners, memory, numbers, ties
from conformance.mutants.spread.way import WAYS, Way, losses
from conformance.subject import Subject
from reference import CONTRACTS

__all__ = ["PLAN", "WAYS", "derivatives", "find", "manners", "memory", "numbers", "ties"]

#: Losses that torch has no kernels for in 16 bits, and differentiates neither twice nor forward: the plain ones are
#: changed, except where a check asks for torch's own arguments, refusals and conventions.
LACKING = ("MultiMarginLoss", "MultiLabelMarginLoss")
TORCHS_OWN = ("rejection", "legacy", "convention")
#: Wrong calls that break identities, and how many reductions they need.
LAWLESS = {"tilted": 1, "by_rank": 1, "bent_gradient": 1, "steep_sum": 2}


def find(name: str) -> tuple[str, str]:
    """The loss and the way of a name.  Raises KeyError for any other name."""
    loss, _, way = name.partition("_")
    if loss not in losses() or way not in {**WAYS, **LAWLESS}:
        raise KeyError(name)
    return loss, way


def fitting(check: str, loss: str) -> list[str]:
    """The ways of a check that fit a loss."""
    contract = next(c for c in CONTRACTS.values() if c.torch == loss)
    if not CHECKS[check].applies(contract):
        return []
    if check == "identity":
        return [way for way, least in LAWLESS.items() if len(contract.reductions) >= least]
    return [w.name for w in WAYS.values() if w.check == check and w.fits(contract)]


def plan() -> dict[str, str]:
    """The check of every mutant by name: the next fitting way of a check for each loss that lacks one.

    Conventions are planted wherever they fit: a reported bug that is NaN at a tie fails in any case.
    """
    covered = {(bug.loss, bug.check) for bug in REPORTED.values()}
    found = {}
    for turn, loss in enumerate(losses()):
        for check in CHECKS:
            ways = fitting(check, loss)
            if ways and (check == "convention" or (loss, check) not in covered):
                found[f"{loss}_{ways[turn % len(ways)]}"] = check
    return found


PLAN = plan()


def wrong(name: str) -> Way | None:
    """The way of a mutant; None of one that is lawless."""
    return WAYS.get(find(name)[1])


def words(name: str) -> str:
    """What is wrong with a mutant, in one line."""
    way = find(name)[1]
    return (WAYS[way].wrong if way in WAYS else inspect.getdoc(lawless.CALLS[way])).partition("\n")[0]


def base(name: str) -> type:
    """The right loss that a mutant is made of."""
    loss, way = find(name)
    own = way in LAWLESS or loss not in LACKING or WAYS[way].check in TORCHS_OWN
    return getattr(torch.nn if own else plain, loss)


@cache
def build(name: str) -> type | Subject:
    """The wrong loss of that name.  Raises KeyError."""
    loss, way = find(name)
    if way in LAWLESS:
        return Subject(factory=getattr(torch.nn, loss), name=f"{__name__}:{name}", call=lawless.CALLS[way])
    own = WAYS[way].change(base(name))
    return type(name, (base(name),), {"__doc__": WAYS[way].wrong, "__module__": __name__, **own})


def __getattr__(name: str) -> type | Subject:
    try:
        return build(name)
    except KeyError:
        raise AttributeError(name) from None
