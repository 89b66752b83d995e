"""Do figures become part of a page: its colours, no ids twice, nothing but text, axes that can be read?"""

import re

import pytest

from reports.drawing import BLUE, canvas, finite, label, logarithmic, percents, plain_number, svg
from reports.synthetic import HOSTILE, Page


def drawn(name="a", title="", numbers=(1, 2, 3)):
    figure, axes = canvas(300, 200)
    axes.plot(numbers, [1, 2, 3], color=BLUE)
    axes.set_title(label(title))
    return svg(figure, name, "told")


def test_colours_are_those_of_the_page():
    found = drawn()
    assert "var(--a)" in found
    assert "var(--quiet)" in found
    assert not re.search("#0000[0-9a-f]{2}", found)


def test_two_figures_share_no_id():
    page = Page(drawn("a") + drawn("b"))
    assert page.ids
    assert len(page.ids) == len(set(page.ids))


def test_what_is_referred_to_is_there():
    found = drawn()
    assert set(re.findall(r"url\(#([^)]*)\)", found)) <= set(Page(found).ids)


def test_a_figure_has_no_style_comment_or_address_of_its_own():
    found = drawn()
    assert not [each for each in ("<style", "<!--", "http", "<metadata", "<?xml") if each in found]


def test_the_same_figure_is_the_same_text():
    assert drawn() == drawn()


@pytest.mark.parametrize(
    "title", [HOSTILE, "$x_1^2$", "$", "\ud800 \x00 \x1b[31m", "☃ 漢字 \u202e", "a\nb", "%d {0} \\frac"]
)
def test_any_text_is_text(title):
    page = Page(drawn(title=title))
    assert not page.all("img") + page.all("script")
    assert page.text.startswith("<svg")
    page.text.encode()


@pytest.mark.parametrize("numbers", [[0.0], [-0.4, 2.5], [8.0, 900.0], [-99.9, 1e14], []])
def test_an_axis_of_percent_has_room_and_few_marks(numbers):
    figure, axes = canvas(350, 100)
    percents(axes.xaxis, numbers)
    low, high = axes.get_xlim()
    assert all(low < x < high for x in numbers)
    shown = [x for x in axes.get_xticks() if low <= x <= high]
    assert 2 <= len(shown) <= 11
    svg(figure, "a", "")


@pytest.mark.parametrize("ends", [(1, 3), (0.5, 40), (1e-3, 1e3), (1, 1e9), (7, 7)])
def test_a_logarithmic_axis_has_round_numbers(ends):
    figure, axes = canvas(350, 100)
    axes.plot(ends, [0, 1])
    axes.set_xscale("log")
    logarithmic(axes.xaxis)
    low, high = axes.get_xlim()
    shown = [plain_number(x) for x in axes.get_xticks() if low <= x <= high]
    assert 1 <= len(shown) <= 9
    assert all(re.fullmatch(r"[\d,.]+(e-?\d+)?", each) for each in shown)
    assert "mathdefault" not in svg(figure, "a", "")


def test_what_cannot_be_drawn_is_left_out():
    assert finite([1, "2.5", "inf", "nan", None, True, 1e300]) == [1.0, 2.5]
