"""Everything that may be wrong with the calls of one loss, by what it is about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from conformance.invalid.dtypes import of_dtype
from conformance.invalid.invalid import Invalid, of_kind
from conformance.invalid.parameters import of_parameter
from conformance.invalid.shapes import of_layout
from conformance.invalid.values import of_elements
from reference import CONTRACTS, Contract

#: Reductions that no loss has, and one that only KLDivLoss has.
REDUCTIONS = {
    "unknown": ("avg", "the unknown reduction 'avg'"),
    "capitalised": ("Mean", "the unknown reduction 'Mean'"),
    "empty": ("", "an empty text as reduction"),
    "missing": (None, "None as reduction"),
    "of-another-loss": ("batchmean", "the reduction 'batchmean', which it does not have"),
}


@lru_cache(maxsize=256)
def catalogue(contract_name: str) -> dict[str, tuple[Invalid, ...]]:
    """Every way to make a call of one loss invalid, by what it is about, in a fixed order.

    The keys, words joined by hyphens: "reduction", each parameter, and each argument with "-values", "-dtype" and
    "-shape".  Arguments that a module keeps as its parameters are not given in a call, and are left out.
    """
    contract = CONTRACTS[contract_name]
    found = {"reduction": [*of_reduction(contract)]}
    for name in contract.arguments:
        if name not in contract.parameters_of_module:
            found |= of_argument(contract, name)
    for name, domain in contract.parameters.items():
        found[name] = of_parameter(domain, name, contract)
    return {_words(k): tuple(replace(i, name=_words(i.name)) for i in v) for k, v in found.items() if v}


def _words(name: str) -> str:
    return name.replace("_", "-")


def of_argument(contract: Contract, name: str) -> dict[str, list[Invalid]]:
    """What may be wrong with an array: its elements, its dtype, its shape."""
    kinds = list(enumerate(contract.arguments[name].kinds))
    valued = kinds if name in contract.positional else []  # torch takes any number as a weight
    return {
        f"{name}-values": [of_kind(name, n, i) for n, kind in valued for i in of_elements(kind.domain, name, kind)],
        f"{name}-dtype": [of_kind(name, n, i) for n, kind in kinds for i in of_dtype(kind.domain, name)],
        f"{name}-shape": [Invalid(*each) for each in of_layout(contract, name)],
    }


def of_reduction(contract: Contract) -> Iterator[Invalid]:
    """Reductions that the loss does not have, where it takes one."""
    for name, (value, why) in REDUCTIONS.items():
        if len(contract.reductions) > 1 and value not in contract.reductions:
            yield Invalid(f"reduction-{name}", why, lambda case, v=value: [replace(case, reduction=v)])
