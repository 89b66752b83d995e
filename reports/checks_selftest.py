"""Do the matrices say what was asked of each loss, and what came out, and open to the rows?"""

import re

import pytest

from reports import grouping
from reports.synthetic import deviation, failing, full, row, synthetic, witness


@pytest.mark.parametrize(
    ("rows", "letter", "classes"),
    [
        ([row(), row(grade="A")], "B", "t-b is-pass"),
        ([row(grade="C"), row(grade="A")], "C", "t-c is-pass"),
        ([row(grade="A"), failing()], "F", "t-f is-fail"),
        ([row(), row(grade=None, check="purity", verdict="fail")], "B", "t-b is-fail"),
        ([row(grade="F", verdict="known"), row()], "F", "t-f is-known"),
        ([row(grade=None, vacuous=9)], "∅", "t-vacuous is-pass"),
        ([row(grade=None, verdict="skip")], "–", "t-skip is-skip"),
        ([row(grade=None)], "✓", "t-pass is-pass"),
        ([row(grade=None), row(grade=None, verdict="fail")], "!", "t-fail is-fail"),
    ],
)
def test_a_cell_has_the_worst_grade_and_verdict_of_its_rows(page, rows, letter, classes):
    made = page(synthetic(rows))
    cell = made.cell("float32")
    assert cell["class"] == f"cell {classes}"
    assert f"<b>{letter}</b>" in made.part(f'id="{cell["id"]}"', "</button>")


def test_a_promised_dtype_without_rows_is_marked(page):
    run = synthetic([row(), row(loss="L1Loss", dtype="float16")])
    assert page(run).text.count('title="no rows in this run">·') == 1


def test_every_cell_opens_with_a_button_that_has_its_rows(page):
    made = page(full())
    buttons = made.all("button")
    assert {each["id"] for each in buttons} == {each["data-rows"] for each in made.all("template") if "id" not in each}
    assert all(each["aria-expanded"] == "false" and each["aria-label"] for each in buttons)
    assert all(sum(map(len, made.panel(each))) for each in buttons)


LAYOUTS = ("offset", "stepped", "transposed")


def layouts(**changes):
    """Passing rows of one check that asks several questions."""
    return [row(check="layout", question=each, **changes) for each in LAYOUTS]


@pytest.mark.parametrize(
    ("rows", "shown", "verdict"),
    [
        (layouts(), "<small>3</small>", "pass"),
        ([*layouts(), row(check="layout", verdict="known")], "<b>1</b><small>/4</small>", "known"),
        (
            [*layouts(), failing(check="layout"), row(check="layout", verdict="known")],
            "<b>1</b><small>/5</small>",
            "fail",
        ),
        (layouts(verdict="note"), "<b>3</b><small>/3</small>", "note"),
        (layouts(verdict="skip"), "<small>3</small>", "skip"),
        ([*layouts(verdict="skip"), row(check="layout")], "<small>4</small>", "pass"),
    ],
)
def test_a_check_has_its_rows_and_those_of_the_worst_verdict(page, rows, shown, verdict):
    made = page(synthetic(rows))
    cell = made.check("layout")
    assert made.part(f'id="{cell["id"]}"', "</button>").split(">", 1)[1] == shown
    assert cell["class"].endswith(f" is-{verdict}")


def test_the_words_of_a_cell_count_every_verdict(page):
    rows = [*layouts(), failing(check="layout"), row(check="layout", verdict="known")]
    label = page(synthetic(rows)).check("layout")["aria-label"]
    assert label == "HuberLoss · layout: 1 failing; rows: 1 fail, 1 known, 3 pass"


@pytest.mark.parametrize(("complete", "sign"), [(True, "n/a"), (False, "")])
def test_a_check_without_rows_has_nothing_to_ask_or_was_not_run(page, complete, sign):
    run = synthetic([row(), row(loss="L1Loss"), row(loss="L1Loss", check="legacy")], complete=complete)
    assert re.findall(r'class="empty".*?>(.*)\n', page(run).part('<section id="checks">')) == [sign]


def test_checks_stand_in_their_order_and_those_not_asked_are_named(page):
    made = page(synthetic([row(check=each) for each in ("legacy", "layout", None, "gradient")]))
    section = made.part('<section id="checks">')
    assert re.findall(r'scope="col">(.*?)</th>', section)[1:] == ["not run", "gradient", "layout", "legacy"]
    assert "Checks without rows in this run: value, second derivative," in section


def test_a_subject_has_a_matrix_of_its_own(page):
    section = page(synthetic([row(), failing(subject="mine")])).part('<section id="checks">')
    assert re.findall(r'rowgroup"><span>(\S+)', section) == ["mine", "torch.nn"]


def test_rows_that_differ_only_in_question_dtype_and_reduction_are_one_line(page):
    rows = [*layouts(), *layouts(dtype="float16", reduction="mean", grade="C", worst_ratio=3.5)]
    alone, (line,) = (made := page(synthetic(rows))).panel(made.check("layout"))
    assert alone == []
    told = ("<td>6<td>3.50", "<td>C", "float16, float32", "none, mean", "6,000", f"3 questions: {', '.join(LAYOUTS)}")
    assert [each for each in told if each not in line] == []


@pytest.mark.parametrize("change", [{"quantity": "grad_input"}, {"mode": "compile"}, {"message": "other"}])
def test_rows_that_say_something_else_are_another_line(page, change):
    made = page(synthetic([*layouts(), *layouts(**change)]))
    _, lines = made.panel(made.check("layout"))
    assert len(lines) == 2


def test_failures_and_known_rows_are_listed_each_in_both_matrices(page):
    odd = [failing(check="layout", question=each) for each in LAYOUTS]
    odd += [row(check="layout", verdict="known", deviation=["a"], question=each, grade="F") for each in LAYOUTS]
    made = page(synthetic([*odd, *layouts()], [deviation("a")]))
    for cell in (made.check("layout"), made.cell("float32")):
        alone, lines = made.panel(cell)
        assert len(alone) == 6
        assert ["fail" in each for each in alone] == [True] * 3 + [False] * 3
        assert [each in line for each, line in zip(LAYOUTS, alone, strict=False)] == [True] * 3
        assert len(lines) == 1


def test_a_single_row_has_its_question_behind_its_check(page):
    made = page(synthetic([row(check="layout", question="offset")]))
    assert "layout: offset<td>value" in made.panel(made.check("layout"))[1][0]


def test_questions_are_in_order_numbers_by_size(page):
    rows = [row(check="shape", question=each) for each in ("size-10", "wide", "size-9", None)]
    assert "size-9, size-10, wide" in page(synthetic(rows)).text


def test_a_page_of_12000_rows_is_small(page):
    made = page(synthetic(list(many(12_000)), [deviation(f"known-{each}") for each in range(100)]))
    assert len(made.text.encode()) < 4_000_000


def many(number):
    """Rows of 25 losses, 15 checks and 20 questions; one in eight is known, one in a hundred fails."""
    for index in range(number):
        loss, at = f"SomethingOrOtherLoss{index % 25}", index // 25
        check, question = grouping.CHECKS[at % 15], f"one-question-of-many-{at // 15 % 20}"
        quantity = ("value", "grad_input", "grad_target")[index % 3]
        dtype = ("float16", "bfloat16", "float32", "float64")[index // 7 % 4]
        like = row(loss=loss, check=check, question=question, quantity=quantity, dtype=dtype)
        if index % 100 == 1:
            yield like | failing() | {"loss": loss, "check": check, "question": question, "dtype": dtype}
        elif index % 8 == 0:
            yield like | {"verdict": "known", "deviation": [f"known-{index % 100}"], "witness": witness(20)}
        else:
            yield like
