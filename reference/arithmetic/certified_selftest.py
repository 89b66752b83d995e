"""Does a certified array decide what it can, cover both branches where it cannot, and refuse the rest?"""

import flint
import numpy as np
import pytest
from scipy import special

from reference.arithmetic.balls_selftest import ball_array, named, one, outside, sampled, wide
from reference.arithmetic.certified import PRECISION, Certified, certified_precision
from reference.arithmetic.rules import COMPARISONS
from reference.arithmetic.unsure import Unsure


@pytest.fixture(autouse=True)
def _precision():
    with certified_precision():
        yield


@pytest.mark.parametrize("comparison", sorted(COMPARISONS, key=named), ids=named)
def test_a_decided_comparison_holds_for_all_points(comparison):
    rng = np.random.default_rng(4)
    parts = [wide(rng, 400), wide(rng, 400)]
    found = comparison(*(ball_array(*part) for part in parts))
    decided = ~found.unsure
    assert 0.1 < decided.mean() < 0.9
    for values in sampled(comparison, parts):
        np.testing.assert_array_equal(values[decided], found.truth[decided])


@pytest.mark.parametrize("reduction", [np.sum, np.max, np.min], ids=named)
@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_reductions_of_points_lie_inside_the_reduction_of_their_balls(reduction, axis, keepdims):
    middle, reach = (a.reshape(4, 5, 3) for a in wide(np.random.default_rng(6), 60))
    whole = Certified(ball_array(middle.ravel(), reach.ravel()).balls.reshape(4, 5, 3))
    low, high = reduction(whole, axis=axis, keepdims=keepdims).bounds()
    for t in np.random.default_rng(7).uniform(-1, 1, (20, 4, 5, 3)):
        values = reduction(middle + t * reach, axis=axis, keepdims=keepdims)
        assert values.shape == low.shape
        assert not outside(values, low, high).any()


def test_reduce_of_a_ufunc_goes_along_the_first_axis_as_in_numpy():
    x = np.arange(6.0).reshape(2, 3)
    for operation in (np.add, np.maximum, np.minimum):
        np.testing.assert_array_equal(operation.reduce(Certified.exact(x)).bounds()[0], operation.reduce(x))


def test_the_sum_of_nothing_is_zero():
    low, high = np.sum(Certified.exact(np.zeros((2, 0))), axis=1).bounds()
    assert (low == 0).all()
    assert (high == 0).all()


@pytest.mark.parametrize(
    "apply",
    [
        np.tanh, np.logical_not, special.erf, np.positive, np.rint, np.mean, np.cumsum, np.linalg.norm,
        np.asarray, np.add.accumulate, np.multiply.reduce, lambda x: np.arctan2(x, 1.0),
        lambda x: np.add(x, 1.0, where=np.array([True])), lambda x: np.sum(x, where=np.array([True])),
    ],
)  # fmt: skip
def test_an_operation_without_a_rule_raises(apply):
    with pytest.raises(TypeError):
        apply(one(1.0))


def test_the_error_names_the_operation():
    with pytest.raises(TypeError, match="tanh"):
        np.tanh(one(1.0))
    with pytest.raises(TypeError, match="mean"):
        np.mean(one(1.0))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_never_enters(bad):
    with pytest.raises(ValueError, match="finite"):
        Certified.exact(np.array([1.0, bad]))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_constant_that_is_not_finite_is_indeterminate(bad):
    x = one(1.0)
    assert not np.where(x > 2, x, bad).finite.any()
    assert np.where(x > 0, x, bad).finite.all()


def test_an_undecided_where_gives_the_union_of_both_branches():
    x = one(0.0, 1.0)
    low, high = np.where(x > 0, Certified.exact([3.0]), Certified.exact([-2.0])).bounds()
    assert (low[0], high[0]) == (pytest.approx(-2, rel=1e-8), pytest.approx(3, rel=1e-8))
    assert low[0] <= -2
    assert high[0] >= 3


def test_an_indeterminate_branch_matters_only_where_it_may_be_chosen():
    x = ball_array([1.0, 0.0, 0.1], [0.0, 0.0, 0.2])
    out = np.where(x > 0, np.log(x), 0.0)
    assert out.finite.tolist() == [True, True, False]


def test_an_exact_tie_is_decided_unless_ties_are_kinks():
    for kinks in (False, True):
        x = Certified.exact([1.0, 2.0], kinks)
        assert (x <= 1.0).unsure.tolist() == [kinks, False]
        assert (x == 1.0).unsure.tolist() == [kinks, False]
        low, high = np.where(x <= 1.0, 5.0, 7.0).bounds()
        assert low.tolist() == pytest.approx([5.0, 7.0], rel=1e-8)
        assert high.tolist() == pytest.approx([7.0 if kinks else 5.0, 7.0], rel=1e-8)


def test_the_sign_of_zero_is_zero_or_with_kinks_anything_between_the_signs():
    assert [b.tolist() for b in np.sign(Certified.exact([0.0, -3.0])).bounds()] == [[0, -1], [0, -1]]
    low, high = np.sign(Certified.exact([0.0, -3.0], True)).bounds()
    assert low.tolist() == pytest.approx([-1, -1], rel=1e-8)
    assert high.tolist() == pytest.approx([1, -1], rel=1e-8)


def test_kinks_survive_operations_with_plain_numbers_on_either_side():
    for x in (
        1 - one(1.0, kinks=True),
        one(1.0) * one(1.0, kinks=True),
        np.where([True], 1.0, one(1, 0, True)),
    ):
        assert x.kinks


def test_balls_that_touch_in_one_point_are_decided_where_the_point_does_not_matter():
    x, y = abs(one(0.0, 2.0)), abs(one(0.0, 2.0, kinks=True))  # from zero up
    assert not (x >= 0).unsure.any()
    assert (x > 0).unsure.all()
    assert (y >= 0).unsure.all()


def test_a_comparison_of_a_wide_ball_with_itself_is_undecided():
    x = one(1.0, 0.5)
    assert isinstance(x == x, Unsure)
    assert (x == x).unsure.all()
    assert (x <= x).unsure.all()


def test_shapes_follow_numpy():
    x = Certified.exact(np.arange(6.0).reshape(2, 3))
    assert (x.shape, x.ndim, x.size, len(x)) == ((2, 3), 2, 6, 2)
    assert x[0].shape == (3,)
    assert x[0, 0].shape == ()
    assert (x[0, 0] + 1).shape == ()
    assert np.max(x).shape == ()
    assert np.concatenate([x, np.ones((1, 3))]).shape == (3, 3)
    assert np.where(x[0, 0] < 1, x, 0.0).shape == (2, 3)
    assert np.take_along_axis(x, np.array([[1], [2]]), axis=-1).bounds()[0].tolist() == [[1], [5]]
    assert np.clip(x, 1, 4).bounds()[0].tolist() == [[1, 1, 2], [3, 4, 4]]
    assert np.zeros_like(x).bounds()[1].tolist() == [[0] * 3] * 2


def test_precision_is_restored():
    before = flint.ctx.prec
    with certified_precision(200):
        assert flint.ctx.prec == 200
        with pytest.raises(ZeroDivisionError), certified_precision(300):
            one(1 / 0)
        assert flint.ctx.prec == 200
    assert flint.ctx.prec == before == PRECISION
