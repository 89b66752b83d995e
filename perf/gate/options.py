"""What does the command line ask for?  Every mistake is found before any work."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from conformance.subject import losses
from perf.cell import PASSES, Cell
from perf.gate import accepted, suite
from perf.gate.base import at_revision_of, base_of, check_source
from perf.gate.errors import Bad
from perf.gate.judge import TIERS
from perf.gate.measuring import ROOT, Pair, unable
from perf.gate.side import Side
from reference import CONTRACTS

#: L is reported by the benchmarks, never gated.
SIZES = ("S", "M")
RESULTS, JUNIT = "reports/out/perf-gate.json", "reports/out/perf-gate.xml"
BASES = ("base_subject", "base_path", "base_rev", "against")
FILTERS = {"size": SIZES, "direction": PASSES, "tier": TIERS}


class Parser(argparse.ArgumentParser):
    """Mistakes are Bad, not exit status 2, which means interrupted."""

    def error(self, message: str):
        raise Bad(message)


@dataclass(frozen=True)
class Asked:
    """The validated command line."""

    pairs: tuple[Pair, ...]
    possible: tuple[str, ...]
    base: str
    tiers: tuple[str, ...]
    seed: int
    reviewed: accepted.Reviewed
    pythons: dict[str, str]
    conclusive: bool
    results: Path
    junit: Path

    @property
    def heads(self) -> list[str]:
        return list(dict.fromkeys(p.head.name for p in self.pairs))


def parser() -> Parser:
    """The options, by argparse."""
    found = Parser(prog="python -m perf.gate", description=__doc__, allow_abbrev=False)
    add = found.add_argument
    several = {"action": "append", "default": []}
    add("--subject", metavar="LOSS=MODULE:ATTR", help="the head (repeatable)", **several)
    add("--base-subject", metavar="LOSS=MODULE:ATTR", help="the base: another attribute (repeatable)", **several)
    add("--base-path", metavar="FOLDER", help="the base: the same module from another folder")
    add("--base-rev", metavar="REV", help="the base: the same module at a revision of its git repository")
    add("--against", metavar="torch", help="the base: eager torch.nn")
    add("--base-python", metavar="EXE", help="the interpreter of the base: tiers 0 and 1")
    add("--head-python", metavar="EXE", help="the interpreter of the head")
    add("--loss", help="only this loss (repeatable); of torch.nn itself where two interpreters are compared", **several)
    for name, choices in FILTERS.items():
        add(f"--{name}", help=f"only this {name} (repeatable): {', '.join(choices)}", **several)
    add("--dtype", help="only this dtype (repeatable; default float32)", **several)
    add("--suite", action="store_true", help="also, or only, how fast the suite itself verifies")
    add("--seed", type=int, default=0, help="other orders (default 0)")
    add("--accepted", metavar="FILE", help="reviewed increases and thresholds (TOML), strict")
    add("--require-conclusive", action="store_true", help="exit status 1 also for inconclusive and for not run")
    add("--results", metavar="FILE", default=RESULTS, help=f"where results go (default {RESULTS})")
    add("--junit", metavar="FILE", default=JUNIT, help=f"the same as JUnit (default {JUNIT})")
    return found


def read(arguments: list[str], temporary: Path) -> Asked:
    """The command line.  Raises Bad with one line.  ``temporary``: where revisions are unpacked."""
    options = parser().parse_args(arguments)
    sys.path[:0] = [p for p in (os.getcwd(),) if p not in sys.path[:1]]
    for name, choices in FILTERS.items():
        known(name, getattr(options, name), choices)
    heads = heads_of(options)
    options.base_subject = sides("--base-subject", options.base_subject)
    base = check_base(options, heads)
    pythons = interpreters(options)
    bases = {loss: base_of(loss, head, options, temporary) for loss, head in heads.items()}
    own = of_suite(options, temporary)
    every = pairs(heads, bases, SIZES, PASSES, ())
    chosen = pairs(heads, bases, options.size or SIZES, options.direction or PASSES, options.dtype or ("float32",))
    if heads and not chosen:
        raise Bad(f"--dtype {', '.join(options.dtype)}: no chosen subject has cells of it")
    asked = tuple(t for t in TIERS if t in (options.tier or (("0", "1") if pythons else TIERS)))
    possible, reviewed = tuple(p.key for p in (*every, *own)), accepted.read(options.accepted)
    return Asked(
        (*chosen, *own), possible, base, asked, options.seed, reviewed, pythons,
        options.require_conclusive, writable("results", options.results), writable("junit", options.junit),
    )  # fmt: skip


def known(what: str, given, choices) -> None:
    for value in given:
        if value not in choices:
            raise Bad(f"unknown {what} {value!r}: choose from {', '.join(choices)}")


def heads_of(options) -> dict[str, Side]:
    """The head of every loss.  Raises Bad."""
    known("loss", options.loss, losses())
    found = sides("--subject", options.subject)
    if not found and (options.base_python or options.head_python):
        found = {loss: Side(None, name=f"torch.nn.{loss}") for loss in losses()}
    kept = {loss: side for loss, side in found.items() if not options.loss or loss in options.loss}
    if found and not kept:
        raise Bad(f"--loss {', '.join(options.loss)}: no chosen subject is of that loss")
    return kept


def sides(option: str, given: list[str]) -> dict[str, Side]:
    """The subject of every loss.  Raises Bad."""
    found = {}
    for one in given:
        loss, equals, source = one.partition("=")
        if not equals or ":" not in source or not source.rpartition(":")[2].isidentifier():
            raise Bad(f"{option} {one}: write LOSS=MODULE:ATTR or LOSS=FILE.py:ATTR")
        known("loss", [loss], losses())
        if loss in found:
            raise Bad(f"{option} {one}: there is another one of {loss}")
        try:
            check_source(source)
        except Bad as problem:
            raise Bad(f"{option} {one}: {problem}") from None
        found[loss] = Side(source, name=source)
    return found


def check_base(options, heads: dict[str, Side]) -> str:
    """What the base is, in words.  Raises Bad unless there is exactly one, for every head."""
    if not heads and not options.suite:
        raise Bad("--subject LOSS=MODULE:ATTR is missing: what is to be compared?")
    given = [b for b in BASES if getattr(options, b)]
    two = options.base_python or options.head_python
    if len(given) > 1 or not (given or two):
        names = ", ".join("--" + b.replace("_", "-") for b in BASES)
        raise Bad(f"give exactly one base: {names}, or --base-python and --head-python")
    if options.against not in (None, "torch"):
        raise Bad(f"--against {options.against}: there is only torch")
    if options.base_path and not Path(options.base_path).is_dir():
        raise Bad(f"--base-path {options.base_path}: no such folder")
    if options.base_subject and not set(options.base_subject) >= set(heads):
        unlike = sorted(set(heads) - set(options.base_subject))
        raise Bad(f"--base-subject names none for {', '.join(unlike)}")
    said = [f"--{b.replace('_', '-')} {told(getattr(options, b))}" for b in given]
    return " ".join([*said, *([f"--base-python {options.base_python or sys.executable}"] if two else [])])


def told(value) -> str:
    return " ".join(f"{k}={s.source}" for k, s in value.items()) if isinstance(value, dict) else str(value)


def interpreters(options) -> dict[str, str]:
    """The interpreter of each side, where they are not this one.  Raises Bad."""
    found = {"base": options.base_python, "head": options.head_python}
    for side, exe in found.items():
        if exe and shutil.which(exe) is None:
            raise Bad(f"--{side}-python {exe}: no such program")
    given = {side: shutil.which(exe) for side, exe in found.items() if exe}
    for side, exe in given.items():
        problem = unable(exe)
        if problem:
            raise Bad(f"--{side}-python {exe}: cannot measure: {problem}")
    if given and "2" in options.tier:
        raise Bad("--tier 2: two interpreters cannot pair")
    return given


def pairs(heads, bases, chosen_sizes, directions, dtypes) -> list[Pair]:
    """Every cell of the heads that the filters let through; of all dtypes where ``dtypes`` is empty."""
    cells = [
        Cell(contract.name, "eager", direction, size, dtype)
        for loss in heads
        for contract in CONTRACTS.values() if contract.loss == loss
        for dtype in contract.dtypes if dtype in dtypes or not dtypes
        for size in SIZES if size in chosen_sizes
        for direction in PASSES if direction in directions
    ]  # fmt: skip
    return [Pair(c.name, c, bases[c.loss], heads[c.loss]) for c in cells]


def of_suite(options, temporary: Path) -> list[Pair]:
    """The cells of the suite's own speed, where they are asked for.  Raises Bad."""
    if not options.suite:
        return []
    if not (options.base_rev or options.base_path):
        raise Bad("--suite: compare it by --base-rev or --base-path")
    if options.base_path and not Path(options.base_path, "conformance", "row.py").is_file():
        raise Bad(f"--base-path {options.base_path}: there is no suite in it")
    base = options.base_path or at_revision_of(ROOT, options.base_rev, temporary)
    heads = suite.sides(str(ROOT), "the suite")
    bases = suite.sides(str(Path(base).resolve()), f"the suite at {options.base_rev or options.base_path}")
    return [Pair(key, None, bases[key], head) for key, head in heads.items()]


def writable(option: str, name: str) -> Path:
    """The path of a file whose folder exists from now on.  Raises Bad."""
    file = Path(name).resolve()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.open("a").close()
    except OSError as error:
        raise Bad(f"--{option} {name}: cannot be written: {error}") from None
    return file
