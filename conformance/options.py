"""What the command line asks for: subjects, filters, budget; every mistake found before any work."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from conformance import expected
from reference import CONTRACTS, Contract

CHECKS = (
    "value",
    "gradient",
    "reduction",
    "result_type",
    "legacy",
    "special_values",
    "convention",
    "layout",
    "rejection",
    "shape",
    "purity",
    "completeness",
    "second_derivative",
    "forward_mode",
    "identity",
    "training",
)
#: Checks that a run asks only where it is told to, or at night.
AT_NIGHT = ("training",)
DEVICES = ("cpu", "cuda")
MODES = (
    "eager", "compile", "vmap", "jvp", "functional_call", "default_device", "autocast", "deterministic", "export",
    "script",
)  # fmt: skip
BUDGETS = ("smoke", "gate", "nightly")
DTYPES = tuple(dict.fromkeys(d for c in CONTRACTS.values() for d in c.dtypes))
REDUCTIONS = tuple(dict.fromkeys(r for c in CONTRACTS.values() for r in c.reductions))
RESULTS = "reports/out/conformance.json"
#: The names that a list of expected deviations may use.
KNOWN = {"check": CHECKS, "dtype": DTYPES, "reduction": REDUCTIONS, "device": DEVICES, "mode": MODES}


def add_options(parser) -> None:
    """The options of DESIGN section 4, as plain pytest options."""
    group = parser.getgroup("loss conformance")

    def several(name: str, help: str) -> None:
        group.addoption(f"--{name}", action="append", default=[], metavar=name.upper(), help=help)

    several("subject", "LOSS=MODULE:ATTR, LOSS=FILE.py:ATTR or MODULE (repeatable; default: torch.nn)")
    several("loss", "only this loss (repeatable): a torch.nn class name or a contract's name")
    several("check", f"only this check (repeatable): {', '.join(CHECKS)}")
    several("dtype", f"only this dtype (repeatable): {', '.join(DTYPES)}")
    several("reduction", f"only this reduction (repeatable): {', '.join(REDUCTIONS)}")
    several("device", f"where to run (repeatable): {', '.join(DEVICES)}; default every one present")
    several("mode", f"how to execute (repeatable): {', '.join(MODES)}")
    group.addoption("--budget", default="gate", metavar="|".join(BUDGETS), help="how much work, in counts")
    group.addoption("--seed", type=int, default=0, help="other cases, same budget (default 0)")
    group.addoption("--deviations", metavar="FILE", help="your own list of expected deviations (TOML), strict")
    group.addoption("--results", metavar="FILE", default=RESULTS, help=f"where results go (default {RESULTS})")


@dataclass(frozen=True)
class Selected:
    """A subject as the command line names it: for which contract's loss, and where it comes from."""

    loss: str
    source: str | None  # MODULE:ATTR, None for torch.nn itself
    subject: object = None  # the subject itself, where Python code gives it

    @property
    def name(self) -> str:
        return getattr(self.subject, "name", None) or self.source or f"torch.nn.{self.loss}"


@dataclass(frozen=True)
class Selection:
    """The validated command line."""

    subjects: tuple[Selected, ...]
    checks: tuple[str, ...]
    dtypes: tuple[str, ...]
    reductions: tuple[str, ...]
    devices: tuple[str, ...]
    modes: tuple[str, ...]
    budget: str
    seed: int
    expected: tuple[expected.Expected, ...] = ()

    @property
    def is_torch(self) -> bool:
        return all(s.source is None for s in self.subjects)

    def contracts(self, subject: Selected) -> list[Contract]:
        return [c for c in CONTRACTS.values() if c.loss == subject.loss]


def selection(option) -> Selection:
    """Read pytest's options.  Raises pytest.UsageError, which is exit status 4, with one clear line."""
    sys.path[:0] = [p for p in (os.getcwd(),) if p not in sys.path[:1]]
    known("budget", [option.budget], BUDGETS)
    known("check", option.check, CHECKS)
    known("mode", option.mode, MODES)
    known("reduction", option.reduction, REDUCTIONS)
    known("dtype", option.dtype, DTYPES)
    known("device", option.device, DEVICES)
    subjects = _subjects(option)
    return Selection(
        subjects=subjects,
        checks=tuple(option.check) or usual_checks(option.budget),
        dtypes=tuple(option.dtype) or DTYPES,
        reductions=tuple(option.reduction) or REDUCTIONS,
        devices=_devices(option.device),
        modes=tuple(option.mode) or ("eager",),
        budget=option.budget,
        seed=option.seed,
        expected=expected.read(option.deviations, losses(), KNOWN),
    )


def usual_checks(budget: str) -> tuple[str, ...]:
    """The checks of a run that names none."""
    return tuple(c for c in CHECKS if budget == "nightly" or c not in AT_NIGHT)


def known(what: str, given, choices) -> None:
    for value in given:
        if value not in choices:
            raise pytest.UsageError(f"unknown {what} {value!r}: choose from {', '.join(choices)}")


def _devices(asked) -> tuple[str, ...]:
    if asked and "cuda" not in asked:
        return tuple(asked)
    if not asked and not os.path.exists("/dev/nvidiactl"):
        return ("cpu",)
    import torch  # only here: it takes seconds, and most runs do not ask

    if torch.cuda.is_available():
        return tuple(asked) or DEVICES
    if asked:
        raise pytest.UsageError("--device cuda: torch finds no CUDA device here")
    return ("cpu",)


def losses() -> tuple[str, ...]:
    return tuple(dict.fromkeys(c.loss for c in CONTRACTS.values()))


def _subjects(option) -> tuple[Selected, ...]:
    chosen = [s for given in option.subject for s in _read_subject(given)]
    if not option.subject:
        chosen = [Selected(loss, None) for loss in losses()]
    known("loss", option.loss, losses())
    kept = tuple(dict.fromkeys(s for s in chosen if not option.loss or s.loss in option.loss))
    if not kept:
        raise pytest.UsageError(f"--loss {', '.join(option.loss)}: no chosen subject is of that loss")
    return kept


def _read_subject(given: str) -> list[Selected]:
    loss, equals, source = given.partition("=")
    if not equals:
        return _all_of(given)
    if ":" not in source or not source.rpartition(":")[2].isidentifier():
        raise pytest.UsageError(f"--subject {given}: write LOSS=MODULE:ATTR or LOSS=FILE.py:ATTR")
    if loss not in losses():
        _try_import(given, source.rpartition(":")[0])
        known("loss", [loss], losses())
    return [Selected(loss, source)]


def _try_import(given: str, module: str):
    try:
        return import_module(module)
    except Exception as error:
        raise pytest.UsageError(f"--subject {given}: {module} does not import: {one_line(error)}") from None


def _all_of(given: str) -> list[Selected]:
    """Every torch.nn name that a module exposes."""
    module = _try_import(given, given)
    found = [Selected(loss, f"{given}:{loss}") for loss in losses() if hasattr(module, loss)]
    if not found:
        raise pytest.UsageError(f"--subject {given}: it exposes no torch.nn loss")
    return found


def import_module(name: str):
    """Import a module by name, or a file by path relative to the working directory."""
    if not name.endswith(".py"):
        return importlib.import_module(name)
    path = Path(name).resolve()
    if not path.is_file():
        raise FileNotFoundError(f"no file {name}")
    known = sys.modules.get(path.stem)
    if known is not None and getattr(known, "__file__", None) == str(path):
        return known
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def one_line(error: BaseException) -> str:
    """An exception as one line: its class and the first line of its message."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
