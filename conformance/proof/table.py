"""The README's table of proofs, in markdown, from those that are committed: ``python -m conformance.proof.table``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from conformance.proof.statement import extreme, share

DATA = Path(__file__).parent / "data"
HEAD = (
    "| loss | format | inputs | quantity | correctly rounded | worst error | grade | known deviations |",
    "|---|---|---|---|---|---|---|---|",
)


def proofs(folder: Path = DATA) -> list[dict]:
    """Every proof of a folder, in the order of losses, formats and settings."""
    found = [json.loads(file.read_text(encoding="utf-8")) for file in folder.glob("*.json")]
    return sorted(found, key=lambda proof: (proof["loss"], proof["dtype"], proof["contract"], proof["settings"]))


def table(found: Iterable[dict]) -> str:
    """One line for each quantity of each proof."""
    return "\n".join([*HEAD, *(line for proof in found for line in _lines(proof))])


def _lines(proof: dict) -> Iterable[str]:
    head = [f"`{proof['loss']}`", proof["dtype"], f"{proof['pairs']:,}"]
    for quantity, of in proof["quantities"].items():
        known = ", ".join(f"`{id}` on {n:,}, grade {of['known_grade']}" for id, n in of["known"].items())
        rounded = share(of["correctly_rounded"], of["elements"] - of["vacuous"])
        cells = [*head, f"`{quantity}`", rounded, extreme(of["worst_ulp"], of["worst"]), of["grade"], known]
        yield f"| {' | '.join(cells)} |"
        head = ["", "", ""]


if __name__ == "__main__":
    print(table(proofs()))
