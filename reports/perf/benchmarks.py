"""What does perf.json say?  pytest-benchmark's file with what Plumbline adds to it, one measurement for each cell."""

from dataclasses import dataclass
from pathlib import Path

from reports import words
from reports.document import UnreadableError, parsed, text, typed

SCHEMA = 1
IMPLEMENTATIONS = ("eager", "compile", "jax", "oracle")
DIRECTIONS = ("forward", "forward+backward")
SIZES = ("S", "M", "L")

TEXT = str | None
REAL = int | float | str | None
_FACTS = {
    "cell": str,
    "loss": str,
    "implementation": str,
    "direction": str,
    "size": str,
    "dtype": TEXT,
    "device": TEXT,
    "elements": REAL,
    "verdict": TEXT,
    "compulsory_bytes": REAL,
    "input_bytes": REAL,
    "bytes": REAL,
    "bytes_ratio": REAL,
    "operators": dict | None,
    "allocations": REAL,
    "allocated_bytes": REAL,
    "peak_bytes": REAL,
    "peak_over_input": REAL,
    "resident_bytes": REAL,
    "saved_tensors": REAL,
    "saved_bytes": REAL,
    "kernels": REAL,
    "graph_breaks": REAL,
    "flops": REAL,
    "bandwidth": REAL,
    "triad": REAL,
    "percent_of_triad": REAL,
    "minor_faults": REAL,
    "threads": REAL,
    "allocator": TEXT,
    "cpu_capability": TEXT,
    "load": REAL,
}
_FIT = {
    "loss": str,
    "implementation": str,
    "direction": str,
    "dtype": TEXT,
    "device": TEXT,
    "latency_us": REAL,
    "ns_per_element": REAL,
    "sizes": list | None,
}
_ABOUT = {
    "budget": TEXT,
    "fingerprint": str,
    "environment": dict | None,
    "started": TEXT,
    "fits": list | None,
    "not_run": list | None,
}


@dataclass(frozen=True)
class Measured:
    """One run of the benchmarks.

    `cells`: what is known of each cell, `seconds` the median time (None where only memory was measured).
    `throughput`: (name, rows per second) of the suite's own benchmarks.
    """

    path: Path
    about: dict
    cells: list
    throughput: list
    commit: str | None


def load(path: Path) -> Measured:
    """The run in the file at `path`; raises `UnreadableError`."""
    document = parsed(text(path), str(path))
    if not isinstance(document, dict) or not isinstance(document.get("benchmarks"), list):
        raise UnreadableError(f"{path}: not a benchmark file (pytest-benchmark's JSON)")
    about = _about(document.get("plumbline"), path)
    cells, throughput = {}, []
    for index, each in enumerate(document["benchmarks"]):
        where = f"{path}: benchmarks[{index}]"
        known = typed(each, {"name": str, "stats": dict | None, "extra_info": dict}, where)
        if "cell" in known["extra_info"]:
            _take(cells, known, where)
        elif (rate := words.real(known["extra_info"].get("rows_per_second"))) is not None:
            throughput.append((known["name"], rate))
    commit = document.get("commit_info")
    named = commit.get("id") if isinstance(commit, dict) else None
    return Measured(path, about, list(cells.values()), throughput, named if isinstance(named, str) else None)


def _about(value: object, path: Path) -> dict:
    if not isinstance(value, dict):
        raise UnreadableError(f"{path}: not a benchmark file of Plumbline (the key plumbline is missing)")
    if value.get("schema") != SCHEMA:
        raise UnreadableError(f"{path}: schema {value.get('schema')!r}, but this reader knows schema {SCHEMA}")
    about = typed(value, _ABOUT, f"{path}: plumbline")
    about["environment"] = about["environment"] or {}
    about["fits"] = [typed(each, _FIT, f"{path}: plumbline.fits[{n}]") for n, each in enumerate(about["fits"] or [])]
    about["not_run"] = [
        typed(each, {"cell": str, "reason": TEXT}, f"{path}: plumbline.not_run[{n}]")
        for n, each in enumerate(about["not_run"] or [])
    ]
    return about


def _take(cells: dict, known: dict, where: str) -> None:
    """Adds a benchmark to its cell: time and memory of one cell may be two benchmarks."""
    facts = typed(known["extra_info"], _FACTS, f"{where}.extra_info")
    timed = words.real(facts["percent_of_triad"]) is not None
    facts["seconds"] = words.real((known["stats"] or {}).get("median")) if timed else None
    facts["operators"] = facts["operators"] or None
    earlier = cells.setdefault(facts["cell"], facts)
    earlier |= {key: value for key, value in facts.items() if earlier[key] is None}
    if earlier["peak_over_input"] is None:
        earlier["peak_over_input"] = ratio(earlier["peak_bytes"], earlier["input_bytes"])


def ratio(part: object, whole: object) -> float | None:
    """One number over another; None where either is unknown or the second is 0."""
    first, second = words.real(part), words.real(whole)
    return first / second if first is not None and second else None
