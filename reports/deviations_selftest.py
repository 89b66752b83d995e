"""Does the page say of known deviations how severe they are, and which script shows each?"""

import json
import re

from reports.__main__ import main
from reports.synthetic import deviation, failing, refusal, row, synthetic


def test_severe_deviations_come_first_with_all_that_is_known(page):
    run = synthetic(
        [row(verdict="known", deviation=["b"], cases=999, excused=88)],
        [deviation("a"), deviation("b"), deviation("c", severity="wrong"), deviation("d", severity="nan")],
    )
    shown = page(run).part('<section id="deviations">')
    assert re.findall(r'id="deviation:(.)"', shown) == ["c", "d", "b", "a"]
    told = ("explanation of b", "where the sum overflows", "88 of 999", "5 %", (0.1).hex(), "s-wrong")
    assert [each for each in told if each not in shown] == []
    assert 'href="https://github.com/pytorch/pytorch/issues/12345"' in shown


def test_a_stale_deviation_says_so(page):
    kept, stale = (page(synthetic([row()], [deviation("a", reproduces=each)])).text for each in (True, False))
    assert "stale" not in kept
    assert "stale" in stale


def test_a_deviation_without_description_has_a_section(page):
    made = page(synthetic([row(verdict="known", deviation=["from the adopter's file"])]))
    assert "This file has no description of it." in made.part('<section id="deviations">')


def test_severities_have_headings_with_counts_and_what_they_mean(page):
    devs = [deviation("a"), deviation("b"), deviation("c", severity="wrong"), deviation("d", severity="nan")]
    devs += [deviation("e", severity="convention"), deviation("f", severity="unheard of")]
    shown = page(synthetic([row()], devs)).part('<section id="deviations">')
    headings = ["Silent wrong numbers", "NaN or infinity", "Lost accuracy", "Convention", "Others"]
    found = re.findall(r'<h3>(.*?) <span class="quiet">(\d+)</span></h3>\n<p class="lead">\w', shown)
    assert found == list(zip(headings, "11211", strict=True))


def test_a_missing_refusal_comes_after_the_wrong_numbers_of_its_severity(page):
    devs = [refusal("a", loss="ALoss"), deviation("z", severity="wrong", loss="ZLoss")]
    shown = page(synthetic([row()], devs)).part('<section id="deviations">')
    assert re.findall(r'id="deviation:(.)"', shown) == ["z", "a"]


def overview(made):
    """The lines of the table of all deviations."""
    return re.findall(r"<tr><td>.*", made.part('<table class="plain overview">', "</table>"))


def test_the_overview_has_each_deviation_with_checks_and_links(page):
    rows = [row(verdict="known", deviation=["a"], check=each) for each in ("layout", "second_derivative")]
    rows.append(row(verdict="known", deviation=["a"], reproducer="reproducers/a.py", cases=0))
    first, second = overview(
        page(synthetic(rows, [deviation("a"), refusal("b", upstream="a forum", severity="convention")]))
    )
    told = ("s-accuracy", "Huber<wbr>Loss", 'href="#deviation:a">summary of a<', "value, second derivative, layout")
    links = ("float16", 'issues/12345" rel="noopener noreferrer">#12345<', '<a href="reproducers/a.py">')
    assert [each for each in (*told, *links) if each not in first] == []
    assert [each for each in ("rejection", "a forum<td>") if each not in second] == []


def test_the_script_of_a_deviation_is_that_of_its_witness_alone(page):
    rows = [
        failing(deviation=["a"], reproducer="reproducers/failure.py"),
        row(verdict="known", deviation=["a", "b"], reproducer="reproducers/both.py"),
        row(verdict="known", deviation=["b"], reproducer="reproducers/b.py", check="layout"),
    ]
    made = page(synthetic(rows, [deviation("a"), deviation("b")]))
    cards = [made.part(f'id="deviation:{each}"', "</details>") for each in "ab"]
    assert ["Script" in each for each in cards] == [False, True]
    assert '<a href="reproducers/b.py"><code>reproducers/b.py</code></a>' in cards[1]


def test_a_deviation_of_behaviour_shows_what_was_seen(page):
    rows = [row(verdict="known", deviation=["a"], check="rejection", quantity=None, question="delta", grade=None)]
    card = page(synthetic(rows, [refusal("a")])).part('id="deviation:a"', "</table>")
    assert "raises nothing" in card
    assert "<td>rejection: delta<td><td>" in card
    assert not re.search("None|at index|ULP ·|<dt>(expected|bound)", card)


def test_links_to_scripts_lead_from_the_page_to_the_folder_of_the_results(tmp_path):
    results = tmp_path / "a folder" / "conformance.json"
    results.parent.mkdir()
    results.write_text(json.dumps(synthetic([failing(reproducer="reproducers/1.py")])))
    page = tmp_path / "site" / "deep" / "index.html"
    assert main(["--results", str(results), "--html", str(page)]) == 0
    assert '<a href="../../a%20folder/reproducers/1.py">' in page.read_text()


def test_an_explanation_breaks_its_lines_only_between_paragraphs(page):
    made = page(synthetic([row()], [deviation("a", explanation="One\nline.\n\nAnother.")]))
    assert re.findall(r'<p class="prose">([^<]*)', made.text) == ["One\nline.", "Another."]
