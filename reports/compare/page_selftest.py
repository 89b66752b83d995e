"""Does the page show what moved and no more, whatever the files contain, and is bad input one line?"""

import json
import re

import pytest

from reports.__main__ import main
from reports.hostile_selftest import poisoned
from reports.synthetic import Page, deviation, full, row, synthetic


def worse(document):
    """The same run with everything in it worse."""
    changed = json.loads(json.dumps(document))
    for index, each in enumerate(changed["rows"]):
        each["grade"] = each["grade"] and "F"
        each["deviation"] = [*each["deviation"], f"new{index}"]
        each["verdict"] = "fail"
    return changed


@pytest.fixture
def made(tmp_path):
    """Compares two documents with the command; exit status, page and markdown."""

    def make(old, new, *more):
        for name, document in (("old", old), ("new", new)):
            (tmp_path / f"{name}.json").write_text(json.dumps(document))
        files = [str(tmp_path / name) for name in ("old.json", "new.json")]
        status = main(["compare", *files, "--markdown", str(tmp_path / "out" / "c.md"), *more])
        return status, Page((tmp_path / "compare.html").read_text()), (tmp_path / "out" / "c.md").read_text()

    return make


def test_a_regression_is_on_the_page_and_in_the_summary(made):
    changed = row(verdict="fail", grade="F", worst_ratio=97.25, message="expected 1, got 2")
    status, page, summary = made(synthetic([row()]), synthetic([changed]))
    assert status == 1
    for text in (page.part('<section id="worse">').replace("<wbr>", ""), summary):
        assert [each for each in ("HuberLoss", "worse verdict", "97.2", "expected 1, got 2") if each not in text] == []
    assert "Regression" in page.part("<h1", "</h1>")
    assert summary.startswith("## Plumbline, comparison: Regression")


def test_what_differs_between_environments_stands_first_and_side_by_side(made):
    old, new = synthetic([row()]), synthetic([row()])
    new["header"]["environment"]["torch"] = "10.0"
    _, page, summary = made(old, new)
    first = page.part('<table class="plain sides">', "</table>")
    assert re.findall(r'<tr class="other"><td>(\w+)<td>(.*?)<td>(.*)', first)[1] == ("torch", "9.9.9", "10.0")
    assert "| torch | 9.9.9 | 10.0 |" in summary


def test_other_seeds_and_incomplete_runs_are_said_first(made):
    new = synthetic([row()], complete=False)
    new["header"]["seed"] = 8
    status, page, summary = made(synthetic([row()]), new)
    assert status == 1
    assert "Incomplete run." in page.part("<body>", "<header>")
    for text in (page.part("<header>", "</header>"), summary):
        assert "seed 7 and 8" in text
        assert "The new run is incomplete" in text


def test_hostile_strings_stay_text(made):
    old = poisoned(full())
    status, page, summary = made(old, worse(old))
    assert status == 1
    assert "alert(1)" in page.text
    assert not page.all("img")
    assert not page.all("script")
    assert len(page.all("style")) == 1
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert "<img" not in summary
    assert "<script" not in summary


def test_the_page_needs_no_network(made):
    _, page, _ = made(full(), worse(full()))
    assert not page.all("link")
    assert not [attributes for _, attributes in page.elements if {"src", "srcset", "action"} & set(attributes)]
    assert all(each["href"].startswith("#") for each in page.all("a"))
    assert not re.search(r"@import|url\(http", page.text)


def test_a_page_of_ten_thousand_rows_that_all_moved_is_small(made):
    old = [row(loss=f"L{n % 25}Loss", question=f"q{n}", check="layout", worst_ratio=0.001 * n) for n in range(10_000)]
    new = [
        each | {"grade": "C", "worst_ratio": each["worst_ratio"] * 1.37, "message": "x" * 900} for each in old[:5000]
    ]
    new += [each | {"worst_ratio": each["worst_ratio"] * 1.17} for each in old[5000:]]
    status, page, summary = made(synthetic(old), synthetic(new))
    assert status == 1
    assert len(page.text.encode()) < 1_000_000
    assert len(summary.encode()) < 1_000_000


def test_summaries_are_appended(made, tmp_path):
    for _ in range(2):
        made(synthetic([row()]), synthetic([row()]), "--append", str(tmp_path / "summary"))
    assert (tmp_path / "summary").read_text().count("## Plumbline, comparison: Nothing changed") == 2


def test_deviations_have_their_summaries(made):
    new = synthetic([row(verdict="known", deviation=["b"])], [deviation("b")])
    _, page, summary = made(synthetic([row()]), new)
    assert "summary of b" in page.part('<section id="deviations">')
    assert "summary of b" in summary


GOOD = json.dumps(synthetic([row()]))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "no such file"),
        ("", "not JSON"),
        (GOOD[:500], "not JSON"),
        ("[]", "not a results file"),
        ('{"schema": 9, "header": {}, "rows": [], "footer": {}}', "schema 9"),
        (GOOD.replace('"pass"', '"fine"', 1), "is none of"),
        (b"\xff\xfe", "not UTF-8"),
    ],
)
@pytest.mark.parametrize("side", [0, 1])
def test_bad_input_is_one_line_and_4(tmp_path, capsys, content, told, side):
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(GOOD)
    if content is not None:
        bad.write_bytes(content if isinstance(content, bytes) else content.encode())
    files = [str(bad), str(good)] if side == 0 else [str(good), str(bad)]
    assert main(["compare", *files, "--markdown", str(tmp_path / "c.md")]) == 4
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
    assert not (tmp_path / "compare.html").exists()
    assert "nothing compared" in (tmp_path / "c.md").read_text()


@pytest.mark.parametrize("arguments", [[], ["one.json"], ["a", "b", "c"], ["a", "b", "--frob"]])
def test_bad_arguments_are_one_line_and_4(capsys, arguments):
    assert main(["compare", *arguments]) == 4
    assert capsys.readouterr().err.count("\n") == 1


def test_what_is_compared_is_never_written_over(tmp_path, capsys):
    path = tmp_path / "good.json"
    path.write_text(GOOD)
    for option in ("--html", "--markdown", "--append"):
        assert main(["compare", str(path), str(path), option, str(path)]) == 4
    assert path.read_text() == GOOD
    assert capsys.readouterr().err.count("would be written over") == 3
