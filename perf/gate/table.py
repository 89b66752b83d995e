"""What does the terminal show of a run?"""

from __future__ import annotations

from collections.abc import Iterator


def lines(document: dict) -> Iterator[str]:
    """A table of the cells, what they have against the head, the tiers, and the verdict."""
    cells = document["cells"]
    width = max(len(c["cell"]) for c in cells)
    yield f"{'cell':{width}}  {'outcome':12}  {'operators':>9}  {'instructions':>12}  {'time':>24}  {'detectable':>10}"
    for cell in cells:
        yield f"{cell['cell']:{width}}  {cell['outcome']:12}  {operators(cell)}  {instructions(cell)}  {time(cell)}"
    yield from (f"  {c['cell']}: {r}" for c in cells for r in c["reasons"])
    yield from of_tiers(document)
    footer = document["footer"]
    counts = ", ".join(f"{n} {k}" for k, n in footer["counts"].items())
    yield f"{footer['outcome'].upper()}: {counts}" + "".join(f"; {r}" for r in footer["reasons"])


def operators(cell: dict) -> str:
    counted = cell["counters"].get("operators")
    return f"{counted['head'] - counted['base']:>+9d}" if counted else f"{'-':>9}"


def instructions(cell: dict) -> str:
    percent = (cell["instructions"] or {}).get("percent")
    return f"{'-':>12}" if percent is None else f"{percent:>+10.2f} %"


def time(cell: dict) -> str:
    """The slowdown with its interval, and the smallest that would be found."""
    found = cell["time"]
    if not found:
        return f"{'-':>24}  {'-':>10}"
    last = found["stage2"] or found["stage1"]
    shown = f"{last['percent']:+.1f} % [{last['low']:+.1f}, {last['high']:+.1f}]"
    return f"{shown:>24}  {found['detectable_percent']:>8.1f} %"


def of_tiers(document: dict) -> Iterator[str]:
    """How every tier ended, and what base against base said."""
    for tier, state in document["tiers"].items():
        loud = state["state"] if state["state"] == "run" else state["state"].upper()
        yield f"tier {tier}: {loud}" + (f": {state['reason']}" if state["reason"] else "")
    canary = document["canary"]
    if canary:
        yield f"canary (base against base, {canary['cell']}): {canary['percent']:+.2f} %, p = {canary['p']:.2g}"
