"""Do all reports open from one page, and lead to one another?"""

import json

import pytest

from reports import pages
from reports.__main__ import main
from reports.history.synthetic import save as save_history
from reports.history.synthetic import two_years
from reports.perf.synthetic import benchmarks, gate, save
from reports.synthetic import HOSTILE, Page, row, synthetic

SPEED = ["perf", "--perf", "perf.json", "--html", "out/perf.html"]
HISTORY = ["history", "show", "--file", "h.jsonl", "--html", "out/history.html"]
CONFORMANCE = ["--results", "out/conformance.json"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder with the results of each kind of run."""
    monkeypatch.chdir(tmp_path)
    save(benchmarks(), tmp_path / "perf.json")
    save_history(two_years(nights=12, number=3), tmp_path / "h.jsonl")
    return tmp_path / "out"


def links(path):
    """The links between pages as one page has them: (address, label), and the page that it says it is."""
    text = path.read_text()
    bar = text[text.index("<!--pages-->") : text.index("<!--/pages-->")]
    found = Page(bar).all("a")
    labels = [part.partition("<")[0] for part in bar.split(">") if part.endswith("</a")]
    return [(each["href"], label) for each, label in zip(found, labels, strict=True)], [
        each["href"] for each in found if "aria-current" in each
    ]


def test_three_reports_link_to_one_another_whatever_the_order(folder):
    save(synthetic([row()]), folder / "conformance.json")
    for order in ([CONFORMANCE, SPEED, HISTORY], [HISTORY, SPEED, CONFORMANCE]):
        for command in order:
            assert main(command) == 0
        expected = [("index.html", "Conformance"), ("perf.html", "Performance"), ("history.html", "History")]
        for name, _ in expected:
            assert links(folder / name) == (expected, [name])
            (folder / name).unlink()


def test_a_report_on_conformance_alone_has_no_bar(folder):
    save(synthetic([row()]), folder / "conformance.json")
    assert main(CONFORMANCE) == 0
    assert links(folder / "index.html") == ([], [])


def test_without_conformance_results_the_index_is_a_list(folder):
    assert main(SPEED) == 0
    text = (folder / "index.html").read_text()
    assert "Benchmarks only" in text
    assert links(folder / "index.html")[0] == [("index.html", "Reports"), ("perf.html", "Performance")]


def test_the_list_gives_way_to_the_conformance_report(folder):
    assert main(SPEED) == 0
    save(synthetic([row()]), folder / "conformance.json")
    assert main(SPEED) == 0
    assert "torch.nn keeps its promises" in (folder / "index.html").read_text()
    assert links(folder / "perf.html")[0][0] == ("index.html", "Conformance")


def test_a_conformance_page_is_never_written_over_by_a_list(folder):
    results = save(synthetic([row()]), folder / "elsewhere" / "other.json")
    assert main(["--results", str(results), "--html", str(folder / "index.html")]) == 0
    assert main(SPEED) == 0
    assert "torch.nn keeps its promises" in (folder / "index.html").read_text()
    assert links(folder / "index.html")[0][1] == ("perf.html", "Performance")


def test_unreadable_conformance_results_do_not_stop_the_report_on_speed(folder, capsys):
    folder.mkdir()
    (folder / "conformance.json").write_text("{")
    assert main(SPEED) == 0
    assert capsys.readouterr().err.count("\n") == 1
    assert (folder / "perf.html").exists()


def test_the_rest_of_a_page_is_left_as_it_is(folder):
    save(synthetic([row(message=f"<!--pages--> {HOSTILE}")]), folder / "conformance.json")
    assert main(CONFORMANCE) == 0
    before = (folder / "index.html").read_text()
    assert main(SPEED) == 0
    after = (folder / "index.html").read_text()
    assert before != after
    assert pages._PLACE.sub("", before) == pages._PLACE.sub("", after)


def test_what_is_no_page_of_ours_stays(folder):
    folder.mkdir()
    (folder / "history.html").write_text("mine")
    assert main(SPEED) == 0
    assert (folder / "history.html").read_text() == "mine"


def test_the_list_needs_no_network_and_keeps_strings_text(folder):
    save(gate([], outcome="pass", reasons=[HOSTILE]), folder.parent / "gate.json")
    assert main([*SPEED, "--gate", "gate.json"]) == 0
    text = (folder / "index.html").read_text()
    assert "http" not in text
    assert "<img" not in text


def test_a_subcommand_is_only_the_first_word(folder):
    save(synthetic([row()]), folder / "conformance.json")
    assert main([*CONFORMANCE, "perf"]) == 0
    assert json.loads((folder / "conformance.json").read_text())["schema"] == 1
    assert not (folder / "perf.html").exists()
