"""Does the certified arithmetic enclose every value that it should, and decide what it can?"""

from fractions import Fraction

import flint
import numpy as np
import pytest
from flint import arb
from scipy import special

from reference.arithmetic import balls, rounded
from reference.arithmetic.certified import PRECISION, Certified, certified_precision
from reference.arithmetic.unsure import Unsure

#: Where the operations that are not defined on all real numbers take their operands, and their arity.
LOWEST = {
    np.sqrt: (0.0,), np.log: (0.0,), np.log1p: (-1.0,), special.gammaln: (0.0,), special.digamma: (0.0,),
    np.power: (0.0, None), special.xlogy: (None, 0.0),
}  # fmt: skip
OPERATIONS = sorted(balls.RULES, key=lambda f: f.__name__)
COMPARISONS = sorted(rounded.COMPARISONS, key=lambda f: f.__name__)
SPOTS = (0.0, 1.0, -1.0, 0.5, 2.0, 1.4616, -3.0, 7.0, -20.0, 30.0)
POSITIONS = np.linspace(-1, 1, 9)


@pytest.fixture(autouse=True)
def _precision():
    with certified_precision():
        yield


def named(operation):
    return operation.__name__


def wide(rng, n, lowest=None):
    """Midpoints and radii of balls: random ones, ones around the spots where rules change, and points."""
    middle = np.where(rng.random(n) < 0.5, rng.choice(SPOTS, n), rng.normal(0, 4, n))
    reach = rng.choice([0.0, 1e-9, 0.1, 0.5, 1.0, 5.0], n)
    if lowest is not None:
        middle = lowest + abs(middle - lowest) + 1e-3
        inside = rng.random(n) < 0.8
        reach = np.where(inside, np.minimum(reach, (middle - lowest) * 0.999), reach)
    return middle, reach


def ball_array(middle, reach, kinks=False):
    pairs = zip(np.atleast_1d(middle).tolist(), np.atleast_1d(reach).tolist(), strict=True)
    out = np.empty(np.size(middle), object)
    out[:] = [arb(m, r) for m, r in pairs]
    return Certified(out, kinks)


def one(middle, reach=0.0, kinks=False):
    return ball_array([middle], [reach], kinks)


def operands_of(operation, rng, n=400):
    floors = LOWEST.get(operation, (None,) * operation.nin)
    return [wide(rng, n, floor) for floor in floors]


def sampled(operation, parts):
    """What float64 makes of points inside the operands, ends included: NaN where it is undefined."""
    with np.errstate(all="ignore"):
        grid = np.meshgrid(*[POSITIONS] * len(parts))
        yield from (
            operation(*(m + t * r for (m, r), t in zip(parts, ts, strict=True)))
            for ts in np.reshape(grid, (len(parts), -1)).T
        )


def outside(values, low, high):
    slack = 1e-12 * np.maximum(1, abs(values))
    return (values < low - slack) | (values > high + slack)


@pytest.mark.parametrize("operation", OPERATIONS, ids=named)
def test_points_inside_the_operands_map_inside_the_result(operation):
    parts = operands_of(operation, np.random.default_rng(1))
    low, high = operation(*(ball_array(*part) for part in parts)).bounds()
    for values in sampled(operation, parts):
        assert not outside(values[~np.isnan(values)], low[~np.isnan(values)], high[~np.isnan(values)]).any()


@pytest.mark.parametrize("operation", OPERATIONS, ids=named)
def test_where_an_operation_is_undefined_on_part_of_a_ball_the_result_is_indeterminate(operation):
    parts = operands_of(operation, np.random.default_rng(2))
    finite = operation(*(ball_array(*part) for part in parts)).finite
    for values in sampled(operation, parts):
        if operation is not special.gammaln:  # defined below zero too, but not by the rule
            assert not finite[~np.isfinite(values)].any()
    assert finite.mean() > 0.5


@pytest.mark.parametrize("operation", OPERATIONS, ids=named)
def test_the_result_on_a_wide_ball_is_not_wildly_wider_than_its_values(operation):
    parts = operands_of(operation, np.random.default_rng(3))
    out = operation(*(ball_array(*part) for part in parts))
    low, high = out.bounds()
    with np.errstate(all="ignore"):
        values = np.array(list(sampled(operation, parts)))
        widening = (high - low) / (values.max(axis=0) - values.min(axis=0))
    assert np.median(widening[out.finite & np.isfinite(widening)]) < 4


@pytest.mark.parametrize("comparison", COMPARISONS, ids=named)
def test_a_decided_comparison_holds_for_all_points(comparison):
    rng = np.random.default_rng(4)
    parts = [wide(rng, 400), wide(rng, 400)]
    found = comparison(*(ball_array(*part) for part in parts))
    decided = ~found.unsure
    assert 0.1 < decided.mean() < 0.9
    for values in sampled(comparison, parts):
        np.testing.assert_array_equal(values[decided], found.truth[decided])


@pytest.mark.parametrize("kinks", [False, True])
def test_signs_of_points_lie_inside_the_sign_of_their_ball(kinks):
    middle, reach = wide(np.random.default_rng(5), 400)
    low, high = np.sign(ball_array(middle, reach, kinks)).bounds()
    for values in sampled(np.sign, [(middle, reach)]):
        assert not outside(values, low, high).any()


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


def test_certified_and_rounded_know_the_same_operations():
    assert set(balls.RULES) == set(rounded.RULES)


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
    with pytest.raises(ValueError, match="finite"):
        one(1.0) + bad


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


def test_even_powers_and_magnitudes_are_not_negative():
    x = one(0.25, 1.0)
    for out in (abs(x), np.square(x), x**2, x**4, abs(x) ** 0.5, np.sqrt(abs(x))):
        assert (out >= 0).truth.all()
        assert not (out >= 0).unsure.any()


@pytest.mark.parametrize(
    ("base", "exponent"), [(-2, 3), (-2, 2), (0, 2), (0, 0), (0, 0.5), (-2, -3), (4, 0.5), (2, 0)]
)
def test_powers_of_points_are_numpys(base, exponent):
    low, high = (one(float(base)) ** exponent).bounds()
    assert low[0] <= float(base) ** exponent <= high[0]
    assert high[0] - low[0] <= 1e-15 * max(1, abs(high[0]))


def test_odd_powers_of_a_ball_around_zero_go_by_its_ends():
    low, high = (one(0.0, 2.0) ** 3).bounds()
    assert (low[0], high[0]) == (pytest.approx(-8, rel=1e-6), pytest.approx(8, rel=1e-6))


@pytest.mark.parametrize(
    ("operation", "x", "series"),
    [
        (np.expm1, 1e-30, lambda x: x + x * x / 2),
        (np.log1p, -1e-30, lambda x: x - x * x / 2),
        (special.expit, -1e-30, lambda x: Fraction(1, 2) + x / 4),
        (lambda x: np.logaddexp(x, 0.0) - np.log(Certified.exact([2.0])), 1e-12, lambda x: x / 2 + x * x / 8),
    ],
)
def test_nothing_cancels_near_zero(operation, x, series):
    low, high = operation(one(x)).bounds()
    truth = float(series(Fraction(x)))
    assert (low[0], high[0]) == (
        pytest.approx(truth, rel=4e-16, abs=0),
        pytest.approx(truth, rel=4e-16, abs=0),
    )


def test_large_arguments_do_not_overflow():
    def ends(x):
        return tuple(float(b[0]) for b in x.bounds())

    assert ends(np.log(np.exp(one(1e4)))) == (np.nextafter(1e4, 0), np.nextafter(1e4, 2e4))
    assert ends(special.expit(one(1e4))) == (np.nextafter(1, 0), np.nextafter(1, 2))
    assert ends(np.log(special.expit(one(-1e4)))) == (np.nextafter(-1e4, -2e4), np.nextafter(-1e4, 0))
    assert ends(special.expit(one(-1e300))) in [(0.0, 5e-324), (-5e-324, 5e-324)]
    assert ends(np.logaddexp(one(1e300), 0.0)) == (np.nextafter(1e300, 0), np.nextafter(1e300, np.inf))
    assert ends(np.logaddexp(one(-1e300), 0.0))[1] <= 5e-324


def test_functions_that_grow_keep_wide_balls_determinate():
    x = ball_array([2.0, 1.5, 3.0], [1.999, 1.4, 2.5])
    for operation in (special.gammaln, special.digamma, np.log, np.sqrt):
        assert operation(x).finite.all()
    assert np.sqrt(abs(one(0.0, 2.0))).finite.all()
    assert special.expit(one(0.0, 1e300)).finite.all()


def test_xlogy_is_zero_at_zero():
    low, high = special.xlogy(Certified.exact([0.0, 0.0]), ball_array([0.0, 0.1], [0.0, 0.2])).bounds()
    assert not np.any([low, high])


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
