"""What does the command of an audit do with options, with Ctrl-C, and with what was proved before?"""

import json

import pytest

from conformance.audit import search
from conformance.audit.command import main
from conformance.proof import command as proof

HINGE = ["--loss", "HingeEmbeddingLoss", "--mode", "eager", "--effort", "0.005", "--workers", "0"]


def rows(folder):
    found = json.loads((folder / "audit.json").read_text())
    assert found["footer"]["complete"]
    return found["rows"]


def audit(folder, *more):
    return main([*HINGE, "--results", str(folder / "audit.json"), *more])


def test_what_was_proved_stands_next_to_what_was_searched_and_derived(tmp_path):
    proofs = tmp_path / "proofs"
    assert proof.main([*HINGE[:2], "--dtype", "bfloat16", "--workers", "0", "--results", str(proofs)]) == 0
    assert audit(tmp_path, "--dtype", "bfloat16", "--proofs", str(proofs)) == 0
    of = [r for r in rows(tmp_path) if r["quantity"] == "value"]
    assert [r["kind"] for r in of] == ["proved", "searched", "derived"]
    proved, searched, derived = (float(r["worst_ulp"]) for r in of)
    assert proved == 0.5
    assert searched <= derived


def test_an_audit_that_is_interrupted_goes_on_where_it_stopped(tmp_path, monkeypatch, capsys):
    done, own = [], search.work

    def interrupted(task):
        done.append(task["dtype"])
        if len(done) == 3:
            raise KeyboardInterrupt
        return own(task)

    monkeypatch.setattr(search, "work", interrupted)
    assert audit(tmp_path) == 2
    assert "2 of 4 shards are done" in capsys.readouterr().err
    assert audit(tmp_path) == 0
    assert done[2] == done[3]
    assert len(done) == 5
    assert {r["dtype"] for r in rows(tmp_path)} == set(done)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--effort", "0"], "--effort 0: write a number above 0"),
        (["--mode", "fast"], "unknown mode 'fast'"),
        (["--controls", "--subject", "HuberLoss=nowhere:Loss"], "give no --subject"),
        (["--proofs", "{folder}"], "no proof"),
        (["--workers", "-1"], "--workers -1: write a whole number"),
    ],
)
def test_a_bad_option_is_one_line_and_exit_status_4(options, said, tmp_path, capsys):
    (tmp_path / "rubbish.json").write_text("{}")
    options = [option.format(folder=tmp_path) for option in options]
    assert main([*options, "--results", str(tmp_path / "out" / "audit.json")]) == 4
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1
