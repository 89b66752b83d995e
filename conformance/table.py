"""The table on the terminal: loss x dtype, worst grade and ratio, and the outcome in one line."""

from __future__ import annotations

from collections.abc import Iterable

SHORT = {
    "float32": "f32", "float64": "f64", "float16": "f16", "bfloat16": "bf16", "complex64": "c64",
    "complex128": "c128",
}  # fmt: skip


def lines(rows: Iterable[dict], footer: dict) -> list[str]:
    """One line per (subject, loss): for every dtype grade, worst ratio, known deviations; then the outcome."""
    rows = list(rows)
    rows = sorted(rows, key=lambda r: (r["loss"] or "", r["subject"] or ""))
    met = {r["dtype"] for r in rows if r["dtype"]}
    dtypes = [d for d in SHORT if d in met] + sorted(met - set(SHORT))
    shown = [["loss", *(SHORT.get(d, d) for d in dtypes), "rows", "known"]]
    for subject, loss in dict.fromkeys((r["subject"], r["loss"]) for r in rows):
        own = [r for r in rows if (r["subject"], r["loss"]) == (subject, loss)]
        label = loss if (subject or "").startswith("torch.nn.") else f"{loss} = {subject}"
        cells = [cell([r for r in own if r["dtype"] == d]) for d in dtypes]
        known = {id for r in own for id in r["deviation"]}
        shown.append([label or "?", *cells, f"{sum(r['cases'] for r in own):,}", str(len(known) or "")])
    return [*_aligned(shown), "", outcome(rows, footer)]


def cell(rows: list[dict]) -> str:
    """``B 0.81``: worst grade and test ratio of a dtype; where nothing is graded the worst verdict, or ``FAIL``."""
    if not rows:
        return ""
    graded = [r for r in rows if r["grade"]]
    ratios = [r["worst_ratio"] for r in graded if isinstance(r["worst_ratio"], int | float)]
    mark = "FAIL " if any(r["verdict"] == "fail" for r in rows) else ""
    if not graded:
        verdicts = {r["verdict"] for r in rows}
        return mark.strip() or next(v for v in ("known", "note", "pass", "skip") if v in verdicts)
    worst = max(r["grade"] for r in graded)
    ratio = "inf" if any(r["worst_ratio"] == "inf" for r in graded) else f"{max(ratios):.2g}"
    known = "*" if any(r["verdict"] == "known" for r in rows) else ""
    return f"{mark}{worst} {ratio}{known}"


def outcome(rows: list[dict], footer: dict) -> str:
    """The outcome in one line."""
    counts = footer.get("counts") or {}
    ids = {id for r in rows for id in r["deviation"]}
    words = [
        f"{footer.get('rows_verified', 0):,} independent rows verified",
        f"{counts.get('fail', 0)} failed", f"{len(ids)} known deviations met", f"{counts.get('skip', 0)} skipped",
    ]  # fmt: skip
    reasons = "; ".join(footer.get("reasons") or [])
    end = "" if footer.get("complete") else " (incomplete run)"
    return ", ".join(words) + end + (f" -- {reasons}" if reasons else "")


def losses_table(contracts: Iterable) -> str:
    """The README's table of losses, in markdown, from the contracts."""
    head = ["| loss | what it is | arguments | reductions | dtypes |", "|---|---|---|---|---|"]
    return "\n".join([*head, *(_line_of(c) for c in sorted(contracts, key=lambda c: (c.loss, c.name)))])


def _line_of(contract) -> str:
    arguments = ", ".join(f"`{name}`" for name in contract.domains)
    dtypes = ", ".join(SHORT.get(d, d) for d in contract.dtypes)
    return f"| `{contract.loss}` | {contract.summary} | {arguments} | {', '.join(contract.reductions)} | {dtypes} |"


def _aligned(table: list[list[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    return [
        "  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True)))
        for row in table
    ]


if __name__ == "__main__":
    from reference import CONTRACTS

    print(losses_table(CONTRACTS.values()))
