"""Does every rule on balls enclose the values of its operation, as tightly as it should?"""

from fractions import Fraction

import numpy as np
import pytest
from flint import arb
from scipy import special

from reference.arithmetic import balls, rounded
from reference.arithmetic.certified import Certified, certified_precision

#: Where the operations that are not defined on all real numbers take their operands, and their arity.
LOWEST = {
    np.sqrt: (0.0,), np.log: (0.0,), np.log1p: (-1.0,), special.gammaln: (0.0,), special.digamma: (0.0,),
    np.power: (0.0, None), special.xlogy: (None, 0.0),
}  # fmt: skip
OPERATIONS = sorted(balls.RULES, key=lambda f: f.__name__)
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


@pytest.mark.parametrize("kinks", [False, True])
def test_signs_of_points_lie_inside_the_sign_of_their_ball(kinks):
    middle, reach = wide(np.random.default_rng(5), 400)
    low, high = np.sign(ball_array(middle, reach, kinks)).bounds()
    for values in sampled(np.sign, [(middle, reach)]):
        assert not outside(values, low, high).any()


def test_certified_and_rounded_know_the_same_operations():
    assert set(balls.RULES) == set(rounded.RULES)


def test_even_powers_and_magnitudes_are_not_negative():
    x = one(0.25, 1.0)
    for out in (abs(x), np.square(x), x**2, x**4, abs(x) ** 0.5, np.sqrt(abs(x))):
        assert (out >= 0).truth.all()
        assert not (out >= 0).unsure.any()


@pytest.mark.parametrize(("base", "exponent"), [(-2, 3), (-2, 2), (0, 2), (0, 0), (0, 0.5), (-2, -3), (4, 0.5), (2, 0)])
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


def test_log_gamma_of_a_wide_ball_reaches_down_to_the_minimum():
    out = special.gammaln(ball_array([1.5, 2.0, 40.0], [1.4999, 1.9999, 39.9]))
    assert out.finite.all()
    assert (out.bounds()[0] <= -0.12148629053584961).all()
