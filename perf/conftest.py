"""How pytest runs the benchmarks: which cells, and what their results carry besides times."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from conformance import options
from perf.cell import IMPLEMENTATIONS, SIZES
from perf.selection import Asked, cells

NOT_RUN = pytest.StashKey[list]()
ASKED = pytest.StashKey[Asked]()
SCHEMA = 1


def pytest_addoption(parser):
    group = parser.getgroup("loss performance")
    for name, choices in (("implementation", IMPLEMENTATIONS), ("size", SIZES)):
        group.addoption(
            f"--{name}", action="append", default=[], metavar=name.upper(),
            help=f"only this {name} (repeatable): {', '.join(choices)}",
        )  # fmt: skip


def pytest_configure(config):
    """Every mistake is found before any work, with one line and exit status 4."""
    chosen, option = options.selection(config.option), config.option
    for name, choices in (("implementation", IMPLEMENTATIONS), ("size", SIZES)):
        options.known(name, getattr(option, name), choices)
    devices = chosen.devices if option.device else ("cpu",)
    config.stash[ASKED] = Asked(
        option.budget,
        tuple(option.loss),
        tuple(option.implementation),
        tuple(option.size),
        tuple(option.dtype),
        devices,
    )
    config.stash[NOT_RUN] = []


def pytest_generate_tests(metafunc):
    """One benchmark for every cell; memory is measured where the whole of training with one call is."""
    name = next((n for n in ("cell", "memory_cell") if n in metafunc.fixturenames), None)
    if name is None:
        return
    from perf import machine

    machine.single_threaded()
    found, left = cells(metafunc.config.stash[ASKED])
    if name == "cell":
        metafunc.config.stash[NOT_RUN] += [{"cell": c.name, "reason": reason} for c, reason in left]
    else:
        found = [c for c in found if c.direction == "forward+backward" and c.size == "M"]
    metafunc.parametrize(name, found, ids=[c.name for c in found])


@pytest.fixture
def not_measured(request):
    """``record(cell, reason)``: keeps why a cell was not measured."""
    left = request.config.stash[NOT_RUN]

    def record(cell, reason: str) -> None:
        if cell.name not in {each["cell"] for each in left}:
            left.append({"cell": cell.name, "reason": reason})

    return record


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_machine_info(config, machine_info):
    from perf import machine

    machine_info["fingerprint"] = machine.fingerprint()


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_json(config, benchmarks, output_json):
    """What all results share: the machine, the fits over sizes, and what was not run."""
    from perf import machine
    from perf.fit import fits

    timed = [b for b in output_json["benchmarks"] if "percent_of_triad" in b.get("extra_info", {})]
    output_json["plumbline"] = {
        "schema": SCHEMA,
        "budget": config.stash[ASKED].budget,
        "fingerprint": machine.fingerprint(),
        "environment": machine.environment(config.stash[ASKED].devices),
        "started": output_json.get("datetime") or datetime.now(UTC).isoformat(),
        "fits": fits((b["extra_info"], b["stats"]["median"]) for b in timed),
        "not_run": config.stash[NOT_RUN],
    }


def pytest_terminal_summary(terminalreporter, config):
    if left := config.stash.get(NOT_RUN, []):
        terminalreporter.write_line(f"{len(left)} cells were not run; --benchmark-json FILE lists them with the reason")
