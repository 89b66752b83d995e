"""Can two devices, modes or subjects be compared, and does the output say so?"""

import json

import pytest

from reports.__main__ import main
from reports.synthetic import row, synthetic


@pytest.fixture
def run(tmp_path, capsys):
    """Compares rows with the command: exit status, what it printed, and the page."""

    def make(old, new, *more):
        for name, rows in (("old", old), ("new", new)):
            (tmp_path / f"{name}.json").write_text(json.dumps(synthetic(rows)))
        status = main(["compare", str(tmp_path / "old.json"), str(tmp_path / "new.json"), *more])
        told = capsys.readouterr()
        page = tmp_path / "compare.html"
        return status, told.out + told.err, page.read_text() if page.exists() else ""

    return make


@pytest.mark.parametrize(
    ("field", "old", "new", "told"),
    [
        ("device", "cpu", "cuda", "Two devices: cpu against cuda."),
        ("mode", "eager", "compile", "Two modes: eager against compile."),
        ("subject", "mine:Old", "mine:New", "Two subjects: mine:Old against mine:New."),
    ],
)
def test_a_field_in_which_all_rows_differ_is_what_is_compared(run, field, old, new, told):
    status, printed, page = run([row(**{field: old})], [row(**{field: new}, grade="C")])
    assert status == 1
    assert "1 row compared, 1 worse" in printed
    assert told in printed
    assert told in page


def test_subjects_of_several_losses_are_matched_by_loss(run):
    old, new = ([row(loss=loss, subject=f"{name}:{loss}x") for loss in ("A", "B")] for name in ("one", "two"))
    status, printed, _ = run(old, new)
    assert (status, "2 rows compared" in printed) == (0, True)


def test_a_device_that_one_file_has_too_is_not_compared_with_another(run):
    status, printed, _ = run([row()], [row(), row(device="cuda", grade="C")])
    assert status == 0
    assert "1 only in the new file" in printed


def test_two_devices_of_one_file_are_compared_by_choosing_them(run):
    rows = [row(), row(device="cuda", grade="C")]
    status, printed, _ = run(rows, rows, "--old", "device=cpu", "--new", "device=cuda")
    assert status == 1
    assert "Two devices: cpu against cuda." in printed


def test_a_field_is_ignored_on_request(run):
    status, printed, _ = run([row()], [row(device="cuda")], "--ignoring", "device")
    assert (status, "1 row compared, 1 the same" in printed) == (0, True)


def test_files_with_nothing_in_common_are_inconclusive(run):
    status, printed, _ = run([row()], [row(loss="L1Loss", verdict="fail")])
    assert status == 1
    assert "Inconclusive" in printed
    assert "no row in common" in printed


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--ignoring", "device"], "rows differ only in device (cpu, cuda)"),
        (["--ignoring", "loss"], "invalid choice"),
        (["--old", "device=tpu"], "no row has device=tpu; there is cpu, cuda"),
        (["--old", "device=cpu", "--old", "mode=compile"], "no row has mode=compile"),
        (["--old", "colour=red"], "not FIELD=VALUE"),
        (["--new", "device"], "not FIELD=VALUE"),
    ],
)
def test_a_choice_that_fits_nothing_is_one_line(run, more, told):
    rows = [row(), row(device="cuda")]
    status, printed, page = run(rows, rows, *more)
    assert (status, printed.count("\n"), page) == (4, 1, "")
    assert told in printed
