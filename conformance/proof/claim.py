"""What is to be proved, and in which shards?  One subject of one contract, in one dtype, over all of its space."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import pytest

from conformance.options import Selected
from conformance.proof.request import Request
from conformance.proof.shard import spans
from conformance.proof.space import Plane, Unprovable, planes
from reference import CONTRACTS, Contract


@dataclass(frozen=True)
class Claim:
    """One proof to be made; ``fraction``: n of 1/n, ``upstream``: the cotangent, ``given``: settings that are fixed."""

    loss: str
    contract: str
    source: str | None
    dtype: str
    mode: str
    device: str
    upstream: float
    fraction: int
    given: dict

    @cached_property
    def planes(self) -> list[Plane]:
        return planes(CONTRACTS[self.contract], self.dtype, self.given)

    @property
    def subject(self) -> str:
        return self.source or f"torch.nn.{self.loss}"

    @property
    def label(self) -> str:
        return " ".join((self.subject, self.contract, self.dtype, self.mode, self.device))

    @property
    def file(self) -> str:
        """The name of its file: what distinguishes it from other proofs."""
        own = [self.source.replace("/", ".").replace(":", ".")] if self.source else []
        usual = (("eager", self.mode), ("cpu", self.device))
        return "-".join([*own, self.contract, self.dtype, *(part for plain, part in usual if part != plain)]) + ".json"

    @cached_property
    def size(self) -> int:
        """The inputs of its whole space."""
        return sum(plane.size for plane in self.planes)

    def tasks(self) -> list[dict]:
        """One for each shard; see :func:`conformance.proof.shard.prove`."""
        own = ("loss", "contract", "source", "dtype", "mode", "device", "upstream", "fraction", "given")
        head = {name: getattr(self, name) for name in own}
        return [
            head | {"plane": number, "rows": list(rows)}
            for number, plane in enumerate(self.planes)
            for rows in spans(plane, self.fraction)
        ]


def claims(asked: Request) -> list[Claim]:
    """Everything that a command line asks for.  Raises pytest.UsageError where there is nothing to exhaust."""
    found, lacks = [], []
    for selected in asked.selection.subjects:
        of = []
        for contract in asked.selection.contracts(selected):
            of += claims_of(asked, selected, contract, lacks)
        if not of and asked.is_named(selected):
            raise pytest.UsageError(f"nothing to prove: {'; '.join(dict.fromkeys(lacks[-len(asked.dtypes) :]))}")
        found += of
    if not found:
        raise pytest.UsageError(f"nothing to prove: {'; '.join(dict.fromkeys(lacks))}")
    return found


def claims_of(asked: Request, selected: Selected, contract: Contract, lacks: list[str]) -> Iterator[Claim]:
    """Those of one contract; what cannot be exhausted goes to ``lacks``.  Rows of classes have to be named."""
    for dtype in asked.dtypes:
        try:
            plane = planes(contract, dtype, asked.given)[0]
        except Unprovable as why:
            lacks.append(str(why))
            continue
        if plane.rows.component is not None and not asked.is_named(selected):
            continue
        for mode in asked.selection.modes:
            for device in asked.selection.devices:
                yield Claim(
                    contract.loss, contract.name, selected.source, dtype, mode, device, asked.upstream, asked.fraction,
                    asked.given,
                )  # fmt: skip
