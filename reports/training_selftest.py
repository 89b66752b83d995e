"""Does the page plot the curves of a training run, and say where the subject first was wrong?"""

import re

import pytest

from reports import words
from reports.synthetic import curves, full, row, synthetic
from reports.training import plots


def trained(**changes):
    return row(check="training", curves=curves(**changes))


def plot(**changes):
    (found,) = plots([trained(**changes) | {"home": "torch.nn"}])
    return found


def test_a_run_without_training_has_no_such_section(page):
    assert 'id="training"' not in page(synthetic([row()])).text


def test_each_training_run_has_a_plot_of_its_curves_and_the_oracles(page):
    shown = page(synthetic([trained(), trained() | {"loss": "L1Loss"}])).part('<section id="training">')
    assert shown.count("<figure>") == 2
    assert shown.count("<polyline") == 8
    assert set(re.findall(r'polyline class="curve (\S+) (\S+)"', shown)) == {
        (kind, who) for kind in ("train", "validation") for who in ("subject", "oracle")
    }


def test_the_first_wrong_step_is_marked_and_told(page):
    right, wrong = (page(synthetic([trained(parted=n)])).part('<section id="training">') for n in (None, 20))
    assert "never beyond the bound" in right
    assert "first beyond the bound at step 20" in wrong
    assert right.count('class="parted"') + 1 == wrong.count('class="parted"')


def test_points_lie_inside_the_plot_and_a_lower_loss_lower():
    lines = {(kind, who): points for kind, who, points in plot().lines}
    places = [tuple(map(float, point.split(","))) for points in lines.values() for point in points.split()]
    assert all(46 <= x <= 332 and 10 <= y <= 172 for x, y in places)
    falling = [float(point.split(",")[1]) for point in lines["train", "subject"].split()]
    assert falling == sorted(falling)


@pytest.mark.parametrize("last", ["nan", "inf", None, "abc"])
def test_a_line_ends_where_there_is_no_number(last):
    run = {"subject": [1.0, 0.5, last], "oracle": [1.0, 0.5, 0.25]}
    lines = {(kind, who): points for kind, who, points in plot(train=run).lines}
    assert len(lines["train", "subject"].split()) == 2
    assert len(lines["train", "oracle"].split()) == 3


@pytest.mark.parametrize(
    "runs", [{}, {"subject": [], "oracle": []}, {"subject": "x"}, {"subject": [2.0], "oracle": [2.0]}]
)
def test_runs_without_numbers_or_with_one_have_a_plot(page, runs):
    assert page(synthetic([trained(train=runs, validation=runs)])).part('<section id="training">')


def test_how_far_the_curves_are_apart_is_told():
    run = {"subject": [1.0, 0.51], "oracle": [1.0, 0.5]}
    assert words.number(plot(train=run, validation=run).apart) == "0.0200"


def test_the_section_is_part_of_the_full_page(page):
    run = full()
    run["rows"].append(trained())
    made = page(run)
    assert '<a href="#training">' in made.text
    assert len(made.ids) == len(set(made.ids))
