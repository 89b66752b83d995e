"""How pytest runs the checks: options, items, worker processes, and what becomes of each row."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance import corpus, expected, interruption, options
from conformance.corpus import Corpus
from conformance.isolation import Isolation
from conformance.nodes import name_of
from conformance.refusal import Poisoned
from conformance.results import Results

HERE = Path(__file__).parent
SELECTION = pytest.StashKey[options.Selection]()
RESULTS = pytest.StashKey[Results]()
ISOLATION = pytest.StashKey[Isolation]()
CORPUS = pytest.StashKey[Corpus]()

#: A check that takes longer than this, in seconds, counts as a hang; at night rows are up to forty times as long.
TIMEOUTS = {"smoke": 60, "gate": 60, "nightly": 2400}
#: So many times as long in modes that compile, which is work for a compiler, in seconds, for each kind of case.
COMPILING, PATIENCE = {"compile", "export"}, 5


def pytest_addoption(parser):
    options.add_options(parser)


def runs_checks(config) -> bool:
    """Whether this run is about the checks of a subject, and not about the suite's own tests."""
    if config.option.collectonly or any("selftest" in p for p in config.getini("python_files")):
        return False
    places = [str(a).partition("::")[0] for a in config.args]
    return any(p.split(".")[0] == "conformance" or HERE in _and_parents(p) for p in places)


def _and_parents(place: str) -> list[Path]:
    path = Path(place).resolve()
    return [path, *path.parents]


@pytest.hookimpl(wrapper=True)
def pytest_cmdline_main(config):
    """Use worker processes, unless the caller said otherwise: a subject may crash."""
    option = config.option
    if runs_checks(config) and hasattr(option, "numprocesses") and not hasattr(config, "workerinput"):
        if option.numprocesses is None and not option.usepdb and not option.tx:
            option.numprocesses = 2
        if option.numprocesses:
            option.dist = "worksteal" if option.dist in ("no", "load") else option.dist
            option.maxworkerrestart = option.maxworkerrestart or "1000000"
    return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    config.addinivalue_line("markers", "checks: part of the conformance run")
    if not runs_checks(config):
        return
    if getattr(config.option, "timeout", None) is None:
        patience = PATIENCE if COMPILING & set(config.option.mode) else 1
        config.option.timeout = patience * TIMEOUTS.get(config.option.budget, 0)
    config.stash[SELECTION] = options.selection(config.option)
    config.stash[CORPUS] = corpus.beside(Path(config.option.results))
    if hasattr(config, "workerinput"):
        config.stash[ISOLATION] = Isolation(Path(config.workerinput["plumbline_journal"]))
        Isolation.limit_memory(config.stash[SELECTION].devices)
    else:
        config.stash[ISOLATION] = Isolation.begin()
        config.stash[RESULTS] = Results.begin(config, config.stash[SELECTION], config.stash[ISOLATION])


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    """Tell a worker where the journal of crashes is."""
    if ISOLATION in node.config.stash:
        node.workerinput["plumbline_journal"] = str(node.config.stash[ISOLATION].journal)


def pytest_generate_tests(metafunc):
    """One item for every row that the selection asks of this check."""
    selection = metafunc.config.stash.get(SELECTION, None)
    if selection is None:
        return
    from conformance import items  # imports torch, which the controller of worker processes never does
    from conformance.subject import single_threaded

    single_threaded()
    if "cuda" in selection.devices:
        from conformance import cuda

        cuda.prepare(int(getattr(metafunc.config, "workerinput", {}).get("workercount", 1)))

    if "item" in metafunc.fixturenames:
        check = metafunc.function.__name__.removeprefix("test_")
        found = items.items(selection, check)
        metafunc.parametrize("item", found, ids=[name_of(i.key) for i in found])
    elif "deviation" in metafunc.fixturenames:
        from conformance.staleness import selected

        found = selected(selection)
        metafunc.parametrize("deviation", found, ids=[d.id for d in found])
    elif "declaration" in metafunc.fixturenames:
        from conformance.declarations import declarations

        found = declarations(selection)
        metafunc.parametrize("declaration", found, ids=[d.id for d in found])


@pytest.fixture
def row(item, request):
    """The row of an item; when the test has fed it, its results are reported and its failure raised."""
    from conformance.row import Row

    isolation = request.config.stash[ISOLATION]
    isolation.refuse_after_crashes(item.subject.name)
    return Row(item, request.config.stash[CORPUS])


@pytest.fixture
def report(request):
    """``report(rows)``: hand rows to the results file; fail or skip as their worst verdict says."""
    from conformance.reproducers.exhibit import publish  # imports torch

    entries = request.config.stash[SELECTION].expected

    def conclude(rows: list[dict]) -> None:
        found = publish(rows, Path(request.config.option.results))
        expected.excuse(rows, entries)
        request.node.user_properties += [("plumbline", row) for row in rows]
        request.node.user_properties += [("plumbline_case", entry) for entry in found]
        messages = [f"{r['quantity'] or r['check']}: {r['message']}" for r in rows if r["verdict"] == "fail"]
        if messages:
            pytest.fail("\n".join(messages), pytrace=False)
        if all(r["verdict"] == "skip" for r in rows):
            pytest.skip(rows[0]["message"] or "nothing to verify")

    return conclude


def pytest_runtest_logreport(report):
    """Collect rows as they come; a worker that died, or a test that ended otherwise, is a row too."""
    results = _active_results
    if results is not None:
        results.collect(report)


_active_results: Results | None = None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """A worker whose CUDA context is lost ends, and another one takes its place; without workers the run ends."""
    try:
        return (yield)
    except Poisoned as lost:
        if hasattr(item.config, "workerinput"):
            item.config.stash[ISOLATION].leave(item.nodeid, str(lost))
        pytest.exit(f"{item.nodeid} lost the CUDA context: {lost}", returncode=3)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item):
    interruption.obey()
    limit = item.config.option.timeout if ISOLATION in item.config.stash else None
    if not limit or not hasattr(item.config, "workerinput"):
        return (yield)
    with Isolation.limit_time(limit):
        return (yield)


def pytest_sessionstart(session):
    global _active_results
    interruption.listen()
    _active_results = session.config.stash.get(RESULTS, None)


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session, exitstatus):
    """The exit status is the verdicts': 1 also when nothing was verified."""
    outcome = yield
    results = session.config.stash.get(RESULTS, None)
    if results is not None:
        session.exitstatus = results.finish(int(exitstatus), session.testscollected)
    return outcome


def pytest_unconfigure(config):
    global _active_results
    _active_results = None
    if ISOLATION in config.stash and RESULTS in config.stash:
        config.stash[ISOLATION].end()


def pytest_report_header(config):
    if SELECTION in config.stash:
        chosen = config.stash[SELECTION]
        subject = "torch.nn" if chosen.is_torch else ", ".join(s.name for s in chosen.subjects[:6])
        return f"plumbline: {subject}, budget {chosen.budget}, seed {chosen.seed}, {', '.join(chosen.devices)}"
    return None


def pytest_report_teststatus(report, config):
    """Show known deviations by a letter of their own in the live progress."""
    rows = [v for k, v in getattr(report, "user_properties", ()) if k == "plumbline"]
    if report.when == "call" and report.passed and any(r["verdict"] == "known" for r in rows):
        return "known", "k", ("KNOWN", {"yellow": True})
    return None


def pytest_terminal_summary(terminalreporter, config):
    """The table: loss x dtype, and the outcome in one line."""
    results = config.stash.get(RESULTS, None)
    if results is not None:
        from conformance.table import lines

        terminalreporter.section("conformance")
        for line in lines(results.rows, results.footer):
            terminalreporter.write_line(line)
        terminalreporter.write_line(f"results: {results.file}")
