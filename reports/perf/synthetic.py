"""What do the self-tests of the report on speed read?  Benchmarks, gates and proofs made up as wanted."""

import json

import numpy as np

from reports.perf.benchmarks import DIRECTIONS, IMPLEMENTATIONS, SCHEMA

FINGERPRINT = "a1b2c3d4e5f6"
LOSSES = ("HuberLoss", "CrossEntropyLoss", "CTCLoss")
ENVIRONMENT = {
    "torch": "9.9.9",
    "python": "9.9.9",
    "cpu": "A CPU",
    "cpu_capability": "AVX2",
    "threads": 1,
    "allocator": "glibc",
    "cores": 2,
    "memory_gib": 8,
    "gpu": None,
}


def benchmark(loss="HuberLoss", how="eager", direction="forward", size="M", seconds=1e-4, **facts):
    """One benchmark as pytest-benchmark writes it."""
    elements = {"S": 2**10, "M": 2**16, "L": 2**24}[size]
    cell = f"{loss}-{how}-{direction}-{size}-float32-cpu"
    compulsory = elements * (8 if direction == "forward" else 12)
    own = {
        "cell": cell,
        "loss": loss,
        "implementation": how,
        "direction": direction,
        "size": size,
        "dtype": "float32",
        "device": "cpu",
        "elements": elements,
        "verdict": "pass",
        "compulsory_bytes": compulsory,
        "input_bytes": 8 * elements,
        "bytes": 2 * compulsory if how == "eager" else None,
        "bytes_ratio": 2.0 if how == "eager" else None,
        "operators": {"aten.huber_loss": 1, "aten.mean": 1} if how == "eager" else None,
        "allocations": 2,
        "allocated_bytes": 4 * elements,
        "peak_bytes": 12 * elements,
        "peak_over_input": 1.5,
        "saved_tensors": 2,
        "saved_bytes": 8 * elements,
        "bandwidth": compulsory / seconds / 1e9,
        "triad": 20.0,
        "percent_of_triad": compulsory / seconds / 2e8,
        "minor_faults": 0.0,
        "threads": 1,
        "allocator": "glibc",
        "cpu_capability": "AVX2",
        "load": 1.25,
    } | facts
    return {"name": f"test_speed[{cell}]", "stats": {"median": seconds, "rounds": 400}, "extra_info": own}


def benchmarks(made=None, losses=LOSSES, implementations=IMPLEMENTATIONS, sizes=("S", "M"), **about):
    """A file of benchmarks; `about` changes what it says of itself."""
    random = np.random.default_rng(1)
    if made is None:
        made = [
            benchmark(loss, how, direction, size, {"S": 1e-5, "M": 1e-4, "L": 2e-2}[size] * random.uniform(0.5, 3))
            for loss in losses for how in implementations for direction in DIRECTIONS for size in sizes
        ]  # fmt: skip
    fits = [
        {"loss": loss, "implementation": how, "direction": direction, "dtype": "float32", "device": "cpu",
         "latency_us": random.uniform(2, 90), "ns_per_element": random.uniform(0.1, 20), "sizes": list(sizes)}
        for loss in losses for how in implementations for direction in DIRECTIONS
    ]  # fmt: skip
    suite = {"name": "test_verified_rows_per_second[huber_loss]", "stats": {"median": 0.1}, "extra_info": {}}
    suite["extra_info"]["rows_per_second"] = 8900
    own = {
        "schema": SCHEMA,
        "budget": "gate",
        "fingerprint": FINGERPRINT,
        "environment": ENVIRONMENT,
        "started": "2025-01-01T00:00:00+00:00",
        "fits": fits,
        "not_run": [{"cell": "MSELoss-jax-forward-L-float32-cpu", "reason": "size L: not in the budget gate"}],
    } | about
    return {"benchmarks": [*made, suite], "commit_info": {"id": "0123456789abcdef"}, "plumbline": own}


def stage(percent, forks=10, spread=0.5, seed=0):
    """Paired times with that median slowdown in percent."""
    ratios = np.log1p((percent + np.random.default_rng(seed).normal(0, spread, forks)) / 100)
    ends = {"percent": percent, "low": percent - spread, "high": percent + spread, "p": 0.001 if percent > 1 else 0.5}
    return {"log_ratios": ratios.tolist()} | ends


def cell(loss="HuberLoss", direction="forward", size="M", outcome="pass", percent=0.1, **changes):
    """A cell of the gate."""
    failed = outcome == "regression"
    time = {
        "stage1": stage(percent),
        "stage2": stage(percent, 12, 0.3) if failed else None,
        "threshold_percent": 3.0 if failed else 2.0,
        "detectable_percent": 1.2,
        "flagged": failed,
        "failed": failed,
        "microseconds": {"base": 100.0, "head": 100.0 + percent},
    }
    counts = dict.fromkeys(("instructions", "l1_misses", "ll_misses", "cycles"), 1000000)
    return {
        "cell": f"{loss}-eager-{direction}-{size}-float32-cpu",
        "loss": loss,
        "direction": direction,
        "size": size,
        "dtype": "float32",
        "device": "cpu",
        "head": "mine:Huber",
        "base": "torch.nn",
        "outcome": outcome,
        "reasons": [f"time: {percent:+} %, beyond 3 %"] if failed else [],
        "counters": {"bytes": {"base": 4096, "head": 8192 if failed else 4096}, "allocations": {"base": 2, "head": 2}},
        "operators": {"aten.clone": {"base": 0, "head": int(failed)}, "aten.mean": {"base": 1, "head": 1}},
        "instructions": {
            "base": counts,
            "head": counts | {"instructions": 1_050_000 if failed else 1_000_000},
            "percent": 5.0 if failed else 0.0,
            "cycles_percent": 4.2 if failed else 0.0,
            "reason": None,
        },
        "time": time,
    } | changes


def gate(cells=None, outcome="pass", canary=None, tiers=None, **footer):
    """A file of the gate; `footer` changes its footer."""
    cells = [cell(), cell(direction="forward+backward")] if cells is None else cells
    ran = {number: {"state": "run", "reason": None} for number in "012"}
    quiet = {"cell": "HuberLoss-eager-forward-M-float32-cpu", "flagged": False} | stage(0.05)
    return {
        "schema": SCHEMA,
        "header": {
            "suite_version": "0.1.0",
            "command": ["python", "-m", "perf.gate", "--subject", "HuberLoss=mine:Huber"],
            "started": "2025-01-01T00:10:00+00:00",
            "fingerprint": FINGERPRINT,
            "environment": ENVIRONMENT,
            "head": ["mine:Huber"],
            "base": "torch.nn",
            "accepted_file": None,
        },
        "tiers": ran | (tiers or {}),
        "canary": quiet | (canary or {}),
        "cells": cells,
        "accepted": [],
        "stale": [],
        "footer": {
            "complete": True,
            "outcome": outcome,
            "exit_status": int(outcome == "regression"),
            "reasons": [],
            "counts": {},
            "finished": "2025-01-01T00:12:00+00:00",
        }
        | footer,
    }


def failing_gate():
    """A gate with every outcome that a cell can have, and a tier that did not run."""
    odd = cell("CTCLoss", outcome="inconclusive", percent=2.4, reasons=["stage 2 could not tell"])
    met = cell("CrossEntropyLoss", outcome="accepted", percent=1.0, counters={"bytes": {"base": 10, "head": 20}})
    left = cell("KLDivLoss", outcome="not run", time=None, instructions=None, reasons=["no workload"])
    bare = cell("MSELoss", instructions={"base": None, "head": None, "percent": None, "reason": "no valgrind"})
    slow = cell(outcome="regression", percent=8.5)
    lacking = {"1": {"state": "not run", "reason": "valgrind is not installed"}}
    made = gate([cell("L1Loss"), bare, left, met, odd, slow], "regression", tiers=lacking)
    return made | {"accepted": [{"cell": met["cell"], "reason": "a better formula"}], "stale": [{"cell": "gone"}]}


def trial(kind="aa", tier=2, injection=None, percent=0.0, flagged=False, seed=0, **changes):
    """One trial of the proof."""
    own = {"family": None, "size_percent": None, "cell": "HuberLoss-eager-forward-M-float32-cpu", "bound": "compute"}
    ratios = stage(percent, seed=seed)["log_ratios"] if tier == 2 else None
    return {"schema": SCHEMA, "kind": kind, "tier": tier, "injection": injection} | own | {
        "log_ratios": ratios, "flagged": flagged, "seconds": 20.0, "fingerprint": FINGERPRINT, "load": 1.0,
        "date": "2025-01-01", "suite_version": "0.1.0",
    } | changes  # fmt: skip


def proof():
    """Trials of every kind."""
    identical = [trial(percent=0.1 * (n % 7 - 3), flagged=n == 50, seed=n) for n in range(100)]
    identical += [trial(tier=1, cell="CTCLoss-eager-forward-M-float32-cpu") for _ in range(20)]
    work = [
        trial("injected", tier, "extra clone", family="work", flagged=tier < 2, percent=1.0, bound=bound)
        for tier in (0, 1, 2) for bound in ("compute", "memory")
    ]  # fmt: skip
    spins = [
        trial("injected", 2, "spin", float(size), size >= 5, n, family="spin", size_percent=size)
        for size in (3, 5, 10, 20) for n in range(10)
    ]  # fmt: skip
    return [*identical, *work, *spins]


def save(thing, path):
    """Writes a JSON file, or JSON lines of a list; returns its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(each) + "\n" for each in thing) if isinstance(thing, list) else json.dumps(thing)
    path.write_text(lines, encoding="utf-8")
    return path
