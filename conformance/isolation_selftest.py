"""A subject that crashes, hangs, or takes all memory costs its own rows; everybody else in the run is judged."""

from datetime import datetime

import pytest

from conformance.isolation import CRASHES, GRACE
from conformance.options_selftest import HOSTILE, read, run

#: The time limit of one check in these runs, in seconds.
LIMIT = 4
CRASHED = "crashed its worker process"
#: What each hostile subject's row says.
ENDS = {
    "Segfaults": CRASHED,
    "Dies": CRASHED,
    "Exits": CRASHED,
    "Deadlocks": CRASHED,
    "Hangs": "did not finish within the time limit of one check",
    "Allocates": "can't allocate memory",
}
FEW = ("--check", "value", "--dtype", "float32", "--reduction", "none", "--timeout", LIMIT)


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """One run with every hostile subject, torch.nn's own class of the same loss, and another loss."""
    folder = tmp_path_factory.mktemp("together")
    subjects = [f"MSELoss={HOSTILE}:{name}" for name in ENDS] + ["MSELoss=torch.nn:MSELoss", "L1Loss=torch.nn:L1Loss"]
    done = run(*[o for s in subjects for o in ("--subject", s)], *FEW, cwd=folder, workers=2)
    return done, read(folder)


@pytest.mark.parametrize("name", ENDS)
def test_a_hostile_subject_costs_its_own_row(name, together):
    rows = [r for r in together[1]["rows"] if r["subject"] == f"{HOSTILE}:{name}"]
    assert [r["verdict"] for r in rows] == ["fail"]
    assert ENDS[name] in rows[0]["message"]


@pytest.mark.parametrize("loss", ["MSELoss", "L1Loss"])
def test_other_subjects_of_the_same_run_are_judged(loss, together):
    rows = [r for r in together[1]["rows"] if r["subject"] == f"torch.nn:{loss}"]
    assert [r["verdict"] for r in rows] == ["pass"]
    assert all(r["cases"] for r in rows)


def test_the_run_ends_by_itself_and_says_that_it_failed(together):
    done, document = together
    assert done.returncode == 1
    assert document["footer"]["complete"]


def test_two_hangs_cost_their_time_limits_at_most(together):
    """The rest of a minute is for six processes that are started again."""
    document = together[1]
    began, ended = (datetime.fromisoformat(t) for t in (document["header"]["started"], document["footer"]["finished"]))
    assert (ended - began).total_seconds() < 2 * LIMIT + GRACE + 60


def test_three_hangs_end_the_remaining_rows_of_a_subject(tmp_path):
    options = ["--subject", f"MSELoss={HOSTILE}:Hangs", "--check", "value", "--check", "gradient", "--timeout", "2"]
    run(*options, "--dtype", "float32", "--dtype", "float64", cwd=tmp_path, workers=2)
    own = [r["message"] for r in read(tmp_path)["rows"]]
    assert len(own) == 12
    # Both workers may go on to another row before the third hang is recorded: they live, and it is reported to another.
    assert CRASHES <= own.count(ENDS["Hangs"]) <= CRASHES + 2
    assert own.count("not run: crashed three times") == 12 - own.count(ENDS["Hangs"])


def test_three_crashes_end_the_remaining_rows_of_a_subject(tmp_path):
    options = ["--subject", f"MSELoss={HOSTILE}:Segfaults", "--check", "value", "--dtype", "float32"]
    more = ["--check", "gradient", "--dtype", "float64"]
    done = run(*options, *more, "--subject", "L1Loss=torch.nn:L1Loss", cwd=tmp_path, workers=2)
    rows = read(tmp_path)["rows"]
    own = [r["message"] for r in rows if r["loss"] == "MSELoss"]
    assert done.returncode == 1
    assert len(own) == 12
    assert set(own) == {CRASHED, "not run: crashed three times"}
    # Both workers may have a row of the subject in hand when the third crash is recorded.
    assert CRASHES <= own.count(CRASHED) <= CRASHES + 1
    assert all(r["verdict"] != "fail" for r in rows if r["loss"] == "L1Loss")
