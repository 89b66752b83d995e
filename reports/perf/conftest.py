"""The fixture that the self-tests of the report on speed share."""

import pytest

from reports.__main__ import main
from reports.history.synthetic import save as save_history
from reports.perf.synthetic import save
from reports.synthetic import Page


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Writes what is given as the files of a run, makes the report with the command, and reads the page."""
    monkeypatch.chdir(tmp_path)

    def make(perf=None, gate=None, history=None, proof=None, more=()):
        given = ["perf", "--html", "out/perf.html", *more]
        for name, thing in (("perf", perf), ("gate", gate)):
            if thing is not None:
                given += [f"--{name}", str(save(thing, tmp_path / f"{name}.json"))]
        if history is not None:
            given += ["--history", str(save_history(history, tmp_path / "history.jsonl"))]
        if proof is not None:
            given += ["--proof", str(save(proof, tmp_path / "proof" / "trials.jsonl").parent)]
        assert main(given) == 0
        return Page((tmp_path / "out" / "perf.html").read_text(encoding="utf-8"))

    return make
