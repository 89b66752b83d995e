"""What do the self-tests read?  Results files made up of rows as wanted, and pages taken apart."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

from reports import load

SCHEMA = json.loads((Path(__file__).parent.parent / "conformance" / "results.schema.json").read_text())
SECTIONS = ("failures", "checks", "grades", "deviations", "promises", "skipped", "legend")
HOSTILE = "\"'><img src=http://evil.example/x onerror=alert(1)></script></template></style><script>alert(2)</script>"


def witness(elements=3):
    """A float witness whose input has as many elements."""
    data = [(index / 7).hex() for index in range(elements)]
    return {
        "arguments": {"input": {"shape": [elements], "data": data}, "weight": None},
        "parameters": {"delta": 1.0},
        "cotangent": {"value": {"shape": [1], "data": ["-inf"]}},
        "index": [1],
        "expected": (0.1).hex(),
        "observed": "nan",
        "eager": None,
        "bound": (1e-9).hex(),
        "error_ulp": "inf",
        "ratio": 97.25,
    }


def row(**changes):
    """A passing row, changed as asked."""
    return {
        "subject": "torch.nn",
        "loss": "HuberLoss",
        "check": "value",
        "question": None,
        "quantity": "value",
        "dtype": "float32",
        "reduction": "none",
        "device": "cpu",
        "mode": "eager",
        "verdict": "pass",
        "cases": 1000,
        "vacuous": 0,
        "excused": 0,
        "worst_ratio": 0.5,
        "worst_ulp": 0.75,
        "sharpness": 2.0,
        "cpu_difference": None,
        "grade": "B",
        "witness": None,
        "deviation": [],
        "reproducer": None,
        "message": None,
        "seconds": 0.25,
        "curves": None,
    } | changes


def curves(**changes):
    """The curves of a training run of three epochs."""
    run = {"subject": [1.5, 0.75, 0.5], "oracle": [1.5, 0.75, 0.5000001]}
    held_back = {"subject": [1.25, 0.875, 0.75], "oracle": [1.25, 0.875, 0.75]}
    return {"data": "digits", "steps": 69, "parted": None, "train": run, "validation": held_back} | changes


def fault(**changes):
    """A witness of what is no number."""
    told = dict.fromkeys(("index", "expected", "eager", "bound", "error_ulp", "ratio"))
    return witness() | told | {"observed": "raises nothing"} | changes


def failing(**changes):
    """A failing row with a witness."""
    return row(verdict="fail", grade="F", worst_ratio="inf", witness=witness(), message="off by a lot", **changes)


def deviation(name, **changes):
    """A described deviation."""
    return {
        "id": name,
        "loss": "HuberLoss",
        "quantity": "value",
        "check": "value",
        "dtypes": ["float16"],
        "summary": f"summary of {name}",
        "explanation": f"explanation of {name}",
        "condition": "where the sum overflows",
        "severity": "accuracy",
        "upstream": "pytorch/pytorch#12345",
        "confirmed": "torch 2.13, cpu, x86_64, AVX2",
        "share": 0.05,
        "witness": witness(),
        "reproduces": True,
    } | changes


def refusal(name, **changes):
    """A described deviation of behaviour: what is wrong is no number."""
    silent = {"quantity": None, "check": "rejection", "severity": "wrong", "upstream": None, "share": 1.0}
    return deviation(name, **silent | {"witness": fault()} | changes)


def contract(loss="HuberLoss", **changes):
    """A contract that promises B in float32 and C in float16."""
    promise = {"quantity": "value", "dtype": "float32", "grade": "B", "reason": None}
    coarse = promise | {"dtype": "float16", "grade": "C", "reason": "sixteen-bit steps"}
    return {
        "loss": loss,
        "name": loss.lower(),
        "family": "regression",
        "summary": "Squared near zero, linear elsewhere.",
        "dtypes": ["float16", "float32"],
        "reductions": ["none", "mean", "sum"],
        "arguments": ["input", "target"],
        "promises": [promise, coarse],
    } | changes


def synthetic(rows, deviations=(), contracts=None, **footer):
    """A results file with these rows, deviations and contracts; `footer` changes its footer."""
    versions = dict.fromkeys(("torch", "jax", "numpy", "scipy", "hypothesis", "python"), "9.9.9")
    counts = {each: sum(row["verdict"] == each for row in rows) for each in load.VERDICTS}
    machine = {"platform": "Linux", "cpu": "A CPU", "cpu_capability": "AVX2", "gpu": None, "threads": 2}
    return {
        "schema": 1,
        "header": {
            "suite_version": "0.1.0",
            "environment": versions | machine,
            "command": ["pytest", "conformance", "--seed=7"],
            "seed": 7,
            "budget": "gate",
            "started": "2025-01-01T00:00:00Z",
            "contracts": [contract()] if contracts is None else contracts,
            "deviations": list(deviations),
        },
        "rows": rows,
        "footer": {
            "complete": True,
            "counts": counts,
            "exit_status": int(counts["fail"] > 0),
            "finished": "2025-01-01T00:20:00Z",
            "rows_verified": 1234567,
            "reasons": [],
        }
        | footer,
    }


class Page(HTMLParser):
    """A page's elements, the text in each id, and whether its tags nest."""

    def __init__(self, text):
        super().__init__()
        self.text, self.elements, self.ids, self._open = text, [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self.ids += [value for name, value in attributes if name == "id"]

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def cell(self, dtype, loss="HuberLoss"):
        """The cell of a grade."""
        return next(each for each in self.all("button") if each["id"].endswith(f"{loss}:cpu:{dtype}"))

    def check(self, check, loss="HuberLoss"):
        """The cell of a check."""
        return next(each for each in self.all("button") if each["id"] == f"check:torch.nn:{loss}:{check}")

    def panel(self, cell):
        """What a cell opens to: the lines of single rows, then those of several."""
        template = next(each for each in self.all("template") if each.get("data-rows") == cell["id"])
        alone = [self.part(f'<tbody id="line:{line}">', "</tbody>") for line in template["data-lines"].split()]
        return alone, re.findall("<tbody>.*?</tbody>", self.part(f'<template data-rows="{cell["id"]}"', "</template>"))

    def part(self, start, end="</section>"):
        begin = self.text.index(start)
        return self.text[begin : self.text.index(end, begin)]


def full():
    """A run with every state that the page knows."""
    rows = [
        row(),
        row(reduction="sum", grade="A"),
        failing(loss="MSELoss", reproducer="reproducers/1.py"),
        row(dtype="float16", verdict="known", grade="F", deviation=["huber-overflow"], excused=3),
        row(loss="MSELoss", dtype="float64", verdict="skip", grade=None, cases=0, message="not for 'Half'"),
        row(loss="MSELoss", dtype=None, check="rejection", grade=None, worst_ratio=None, quantity=None),
        row(loss="MSELoss", dtype="float16", grade=None, vacuous=1000, worst_ratio=None),
        row(loss="L1Loss", verdict="note", message="no longer shows"),
        row(subject="mine:Huber", worst_ratio="nan"),
        row(check="layout", question="transposed"),
        row(
            verdict="known", deviation=["accepts"], check="rejection", question="delta", quantity=None, witness=fault()
        ),
    ]
    return synthetic(rows, [deviation("huber-overflow"), deviation("unmet", severity="wrong"), refusal("accepts")])
