"""Does the page say what the results file says, to every reader?"""

import re

import pytest

from reports.synthetic import SECTIONS, failing, full, row, synthetic, witness


def test_a_kept_promise_is_one_line(page):
    made = page(synthetic([row(), row(loss="L1Loss")]))
    text = re.sub(r"<.*?>", "", made.part("<h1", "</h1>") + "</h1>")
    counts = "2 losses, 1,234,567 rows verified, 0 failures, 0 known deviations, 0 skips"
    assert text == f"torch.nn keeps its promises: {counts}"


@pytest.mark.parametrize(
    ("run", "headline"),
    [
        (synthetic([row(), failing()]), "torch.nn breaks its promises"),
        (synthetic([failing(), row(subject="mine")]), "1 of 2 subjects break their promises"),
        (synthetic([row(), row(subject="mine")]), "All 2 subjects keep their promises"),
        (synthetic([row()], complete=False), "Incomplete run, no verdict"),
        (synthetic([row()], exit_status=1, reasons=["a stale one"]), "No failure, but the run does not pass"),
        (synthetic([]), "Nothing was verified"),
    ],
)
def test_the_headline_tells_how_the_run_ended(page, run, headline):
    made = page(run)
    assert headline in made.part("<h1", "</h1>")
    assert all(reason in made.text for reason in run["footer"]["reasons"])


def test_subjects_named_after_their_loss_are_one_subject(page):
    made = page(synthetic([row(subject=f"torch.nn.{loss}", loss=loss) for loss in ("L1Loss", "MSELoss")]))
    assert "torch.nn keeps its promises" in made.part("<h1", "</h1>")


def test_the_order_of_the_rows_does_not_change_the_page(page):
    run = full()
    assert page(run).text == page(run | {"rows": run["rows"][::-1]}).text


def test_every_section_is_there_and_failures_come_first(page):
    made = page(full())
    places = [made.text.index(f'<section id="{name}">') for name in SECTIONS]
    assert places == sorted(places)


def test_the_top_tells_what_was_tested(page):
    top = page(full()).part("<header>", "</header>")
    told = ("mine:Huber", "torch 9.9.9", "A CPU", "AVX2", "7, gate", "pytest conformance --seed=7")
    assert [each for each in told if each not in top] == []


def test_a_failure_shows_its_witness_readable_and_exact(page):
    shown = page(full()).part('<section id="failures">')
    told = (
        "MSELoss".replace("L", "<wbr>L"),
        "off by a lot",
        "0.1<",
        (0.1).hex(),
        (1 / 7).hex(),
        "0.142857143",
    )
    assert [
        each for each in (*told, "reproducers/1.py", "index [1]", "∞", "cotangent", "-inf") if each not in shown
    ] == []


def test_ids_are_unique_and_links_within_the_page_lead_somewhere(page):
    made = page(full())
    links = {each["href"][1:] for each in made.all("a") if each["href"].startswith("#")}
    assert len(made.ids) == len(set(made.ids))
    assert links <= set(made.ids)
    assert {"deviation:huber-overflow", "failure:1", *SECTIONS[:-1]} <= links


def test_promises_of_less_than_b_are_listed_with_their_reason(page):
    shown = page(synthetic([row()])).part('<section id="promises">')
    assert "sixteen-bit steps" in shown
    assert "float16" in shown
    assert "float32" not in shown


def test_skips_are_grouped_by_message(page):
    skips = [row(verdict="skip", message="no Half", dtype=each) for each in ("float16", "bfloat16")]
    shown = page(synthetic([row(), *skips, row(verdict="skip", message="other")])).part('<section id="skipped">')
    assert shown.count("no Half") == 1
    assert "float16, bfloat16" in shown


def test_an_incomplete_run_is_loud(page):
    assert page(synthetic([row()])).text.count('role="alert"') == 0
    banner = page(synthetic([row()], complete=False)).part('role="alert"', "</div>")
    assert "Incomplete run" in banner


def test_a_page_of_4000_rows_is_small(page):
    rows = [
        failing(loss=f"Loss{index % 25}", dtype=f"float{index % 4}", reduction=str(index))
        | {"witness": witness(500), "message": f"{index} " + "long " * 200}
        for index in range(4000)
    ]
    assert len(page(synthetic(rows)).text.encode()) < 3_000_000


def test_a_failure_names_the_question(page):
    shown = page(synthetic([failing(check="second_derivative", question="offset")])).part('<section id="failures">')
    assert "</b> second derivative: offset <code>value</code>" in shown


def test_skips_and_notes_name_their_questions_where_they_are_few(page):
    few = [row(verdict="note", message="m", check="layout", question=each) for each in ("b-10", "b-9")]
    many = [row(verdict="skip", message="m", check="purity", question=str(each)) for each in range(4)]
    made = page(synthetic([*few, *many, row(verdict="skip", message="m")]))
    assert "layout: b-9, b-10" in made.part('<section id="notes">')
    assert "value; purity: 4 questions" in made.part('<section id="skipped">')


def test_failures_beyond_those_with_a_card_name_their_questions(page):
    rows = [failing(check="layout", question=f"q{each}") for each in range(102)]
    assert "<td>layout: q100, q101<td>value" in page(synthetic(rows)).part('<section id="failures">')


def test_a_file_without_questions_is_read(page):
    run = synthetic([row(check="layout")])
    del run["rows"][0]["question"]
    assert page(run).check("layout")
