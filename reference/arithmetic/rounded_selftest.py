"""Are the bounds of the running error analysis honest: do they enclose sound evaluations, and the truth?"""

import numpy as np
import pytest
from scipy import special

from reference.arithmetic.balls_selftest import LOWEST, named, operands_of, outside, sampled
from reference.arithmetic.certified import Certified, certified_precision
from reference.arithmetic.formats import FORMATS
from reference.arithmetic.rounded import Model, Rounded
from reference.arithmetic.rules import COMPARISONS, EXACT, LOOSE, ROUNDED, RULES

F16, F32, F64 = (FORMATS[name] for name in ("float16", "float32", "float64"))
OPERATIONS = sorted(RULES, key=named)
#: What float64 itself costs, which bounds for narrower formats leave out.
SLACK = 1 + 1e-6


def single(x, error=0.0, spread=None, **options):
    """A Rounded array in float32."""
    return Rounded(x, error, Model(F32, **options), spread)


def in_float32(operation, points, rng):
    """NumPy's float32 result; either neighbour of the true one where kernels differ."""
    with np.errstate(all="ignore"):
        if RULES[operation][0] in (EXACT, ROUNDED, LOOSE):
            return operation(*(p.astype(np.float32) for p in points)).astype(float)
        truth = operation(*points)
        near = truth.astype(np.float32)
        other = np.nextafter(near, np.where(near < truth, np.inf, -np.inf).astype(np.float32))
        return np.where((rng.random(near.shape) < 0.5) | (near == truth), near, other).astype(float)


def bounded(operation, parts, format=F32, kinks=False):
    """The operation on values with errors, and the interval of the answers that it allows."""
    out = operation(*(Rounded(m, r, Model(format, kinks)) for m, r in parts))
    spread = 0.0 if out.spread is None else out.spread
    width = SLACK * (out.error + spread)
    with np.errstate(invalid="ignore"):
        return out, out.value - width, out.value + width


@pytest.mark.parametrize("format", [F32, F64], ids=["float32", "float64"])
@pytest.mark.parametrize("operation", OPERATIONS, ids=named)
def test_points_within_the_operands_errors_map_within_the_results_error(operation, format):
    parts = operands_of(operation, np.random.default_rng(1))
    out, low, high = bounded(operation, parts, format)
    assert np.isfinite(out.error).mean() > 0.4
    for values in sampled(operation, parts):
        known = np.isfinite(values) & np.isfinite(out.error)
        assert not outside(values[known], low[known], high[known]).any()


@pytest.mark.parametrize("operation", OPERATIONS, ids=named)
def test_where_an_operation_has_a_pole_within_the_errors_the_result_is_boundless(operation):
    parts = operands_of(operation, np.random.default_rng(2))
    out, _, _ = bounded(operation, parts)
    inexact = np.logical_or.reduce([r > 0 for _, r in parts])
    for values in sampled(operation, parts):
        if operation not in (special.gammaln, np.sqrt):
            assert np.isinf(out.error[np.isinf(values) & inexact]).all()


@pytest.mark.parametrize("operation", OPERATIONS, ids=named)
def test_float32_evaluation_of_perturbed_float32_operands_lies_within_the_bound(operation):
    rng = np.random.default_rng(3)
    parts = [(F32.round(m), np.minimum(r, 0.1)) for m, r in operands_of(operation, rng, 4000)]
    out, low, high = bounded(operation, parts)
    for _ in range(10):
        points = [np.clip(F32.round(m + rng.uniform(-1, 1, m.size) * r), m - r, m + r) for m, r in parts]
        held = np.logical_and.reduce([F32.round(p) == p for p in points])
        actual = in_float32(operation, points, rng)
        known = held & np.isfinite(actual) & np.isfinite(out.error)
        assert known.mean() > 0.4
        assert ((low <= actual) & (actual <= high))[known].all()


@pytest.mark.parametrize("operation", OPERATIONS, ids=named)
def test_the_certified_value_lies_within_the_bound(operation):
    rng = np.random.default_rng(4)
    floors = LOWEST.get(operation, (None,) * operation.nin)
    scattered = [rng.normal(0, 1, 3000) * 10.0 ** rng.integers(-30, 3, 3000) for _ in floors]
    parts = [x if f is None else np.where(x > f, x, abs(x)) for x, f in zip(scattered, floors, strict=True)]
    for format in (F32, F64):
        values = [format.round(x) for x in parts]
        out, _, _ = bounded(operation, [(x, 0.0) for x in values], format)
        with certified_precision():
            truth = operation(*(Certified.exact(x) for x in values))
        known = np.isfinite(out.value) & truth.finite
        assert known.mean() > 0.4
        assert (truth.distance(np.where(known, out.value, 0))[known] <= SLACK * out.error[known]).all()


@pytest.mark.parametrize(
    ("operation", "value", "error"),
    [
        (np.exp, -800.0, 705.0),
        (np.expm1, -40.0, 39.0),
        (special.expit, 40.0, 50.0),
        (special.expit, -40.0, 45.0),
    ],
)
def test_errors_that_reach_out_of_a_flat_tail_are_not_lost(operation, value, error):
    out, low, high = bounded(operation, [(np.array([value]), np.array([error]))])
    ends = operation(np.array([value - error, value + error]))
    assert np.isinf(out.error) or (low <= ends.min() and ends.max() <= high)


def test_logaddexp_is_charged_for_the_cancellation_of_its_own_steps():
    x = np.log(np.linspace(1e-4, 1 - 1e-4, 2001)).astype(np.float32)
    y = np.log1p(-np.exp(x))  # so that the result is about zero
    out, low, high = bounded(np.logaddexp, [(x.astype(float), 0.0), (y.astype(float), 0.0)])
    top, gap = np.maximum(x, y), abs(x - y)
    steps = (top + np.log1p(np.exp(-gap))).astype(float)
    assert ((low <= steps) & (steps <= high)).all()
    assert (out.error < 40 * F32.unit * np.maximum(abs(top), F32.unit)).all()


@pytest.mark.parametrize("sequential", [False, True])
@pytest.mark.parametrize("n", [1, 2, 7, 64, 1000])
def test_float32_sums_lie_within_the_bound(n, sequential):
    rng = np.random.default_rng(n)
    x = F32.round(rng.normal(0, 1, (50, n)))
    out = np.sum(Rounded.exact(x, Model(F32, sequential=sequential)), axis=1)
    numbers = x.astype(np.float32)
    actual = np.cumsum(numbers, axis=1)[:, -1] if sequential else np.sum(numbers, axis=1)
    assert (abs(actual - out.value) <= SLACK * out.error).all()
    assert ((out.error == 0) == (n == 1)).all()


def test_a_sum_passes_on_the_errors_of_its_terms():
    assert np.sum(single([1.0, 2.0], [0.25, 0.5])).error >= 0.75


def test_maxima_of_points_within_errors_lie_within_the_error_of_the_maximum():
    rng = np.random.default_rng(5)
    m, r = rng.normal(0, 1, (40, 6)), rng.random((40, 6))
    for operation in (np.max, np.min):
        out = operation(single(m, r), axis=1)
        for t in rng.uniform(-1, 1, (20, 40, 6)):
            assert (abs(operation(m + t * r, axis=1) - out.value) <= out.error).all()


def test_reduce_goes_along_the_first_axis_and_refuses_what_it_would_ignore():
    x = single(np.arange(6.0).reshape(2, 3))
    np.testing.assert_array_equal(np.add.reduce(x).value, [3, 5, 7])
    with pytest.raises(TypeError):
        np.sum(x, where=np.zeros((2, 3), bool))


@pytest.mark.parametrize("comparison", sorted(COMPARISONS, key=named), ids=named)
def test_a_sure_comparison_holds_for_all_points(comparison):
    rng = np.random.default_rng(6)
    parts = [(rng.integers(-4, 5, 500) / 2.0, rng.choice([0.0, 0.25, 0.5, 1.0], 500)) for _ in range(2)]
    found = comparison(*(single(*part) for part in parts))
    assert 0.1 < (~found.unsure).mean() < 0.9
    for values in sampled(comparison, parts):
        np.testing.assert_array_equal(values[~found.unsure], found.truth[~found.unsure])


def test_signs_within_errors_lie_within_the_sign():
    m, r = np.array([0.5, 0.5, 0.0, -1.0]), np.array([0.5, 0.4, 0.1, 0.0])
    _, low, high = bounded(np.sign, [(m, r)])
    for values in sampled(np.sign, [(m, r)]):
        assert ((low <= values) & (values <= high)).all()


def test_an_unsure_where_is_the_midpoint_with_half_the_gap_as_spread():
    x = single([0.0, 1.0, -1.0], 0.5)
    out = np.where(x > 0, single([3.0] * 3, 0.125), single([-1.0] * 3, 0.25))
    assert out.value.tolist() == [1.0, 3.0, -1.0]
    assert out.spread.tolist() == [2.0, 0.0, 0.0]
    assert out.error.tolist() == [0.25, 0.125, 0.25]


def test_spreads_of_the_branches_survive_an_unsure_where():
    x = single(0.0, kinks=True)
    out = np.where(x > 0, single(3.0, 0.0, 1.0), single(1.0, 0.0, 0.25))
    assert (out.value - out.spread, out.value + out.spread) == (1.0, 4.0) or out.spread >= 2.0
    assert out.value - out.spread <= 0.75
    assert out.value + out.spread >= 4.0


def test_the_sign_at_a_kink_has_spread_one():
    out = np.sign(single([0.0, 2.0], kinks=True))
    assert (out.value.tolist(), out.spread.tolist()) == ([0.0, 1.0], [1.0, 0.0])
    assert np.sign(single([0.0, 2.0])).spread is None


def test_an_exact_tie_is_unsure_only_as_a_kink():
    for kinks in (False, True):
        assert (single(1.0, kinks=kinks) <= 1.0).unsure == kinks


def test_errors_that_just_touch_leave_a_comparison_unsure():
    assert (single(1.0, 0.5) < single(2.0, 0.5)).unsure
    assert np.sign(single(0.5, 0.5)).spread is not None


def test_a_step_that_could_overflow_the_format_is_boundless_and_so_is_what_follows():
    big = Rounded.exact([60000.0, 100.0], Model(F16))
    for out in (big + big, big * 2.0, big * big, np.exp(big), np.sum(big[None, :1] + big[:1], axis=1)):
        assert np.isinf(out.error.flat[0])
    assert np.isinf(((big + big) * 0.0 + 1.0).error[0])
    assert np.isfinite((big + big).error[1])
    assert np.isinf(np.sum(Rounded.exact([60000.0, 60000.0, -60000.0], Model(F16))).error)


def test_partial_sums_in_a_wide_accumulator_do_not_overflow():
    assert np.isfinite(np.sum(Rounded.exact([60000.0, 60000.0, -60000.0], Model(F16, wide=True))).error)


def test_nothing_divided_by_nothing_is_nan_for_sure():
    nothing = np.sum(Rounded.exact(np.zeros(0), Model(F32))) / 0.0
    assert np.isnan(nothing.value)
    assert nothing.error == 0


def test_an_exact_zero_stays_exact_in_products_and_underflow_is_charged_elsewhere():
    assert (single(0.0) * single([3.0, 1e30, -7.0], 0.5)).error.tolist() == [0.0] * 3
    assert (single(0.0) / 3.0).error == 0
    for function in (np.square, np.sqrt, np.expm1, np.log1p):
        assert function(single(0.0)).error == 0
    assert special.xlogy(single(0.0), single([0.0, 1.0], 0.5)).error.tolist() == [0.0, 0.0]
    assert (single(1e-30) * 1e-30).error >= 1e-60
    assert np.square(single(1e-40)).error >= 1e-80
    assert (single(1e-40) / 1e10).error >= F32.tiny / 2
    assert (single(1e-38) - single(0.9e-38)).error < F32.tiny


def branches(x, t):
    """The answers between the ends of the spread, error aside."""
    return x.value + t * (0.0 if x.spread is None else x.spread)


@pytest.mark.parametrize(
    "operation", [np.add, np.subtract, np.multiply, np.true_divide, np.maximum, np.power], ids=named
)
def test_spreads_through_two_operands_enclose_all_pairs_of_branches(operation):
    rng = np.random.default_rng(7)
    a = single(rng.normal(3, 1, 300), 0.0, rng.random(300))
    b = single(rng.uniform(1, 3, 300), 0.0, rng.random(300) * 0.9)
    a = abs(a) + 1.0 if operation is np.power else a
    out = operation(a, b)
    width = SLACK * (out.error + (0.0 if out.spread is None else out.spread))
    for s in (-1, 0, 1):
        for t in (-1, 0, 1):
            assert (abs(operation(branches(a, s), branches(b, t)) - out.value) <= width).all()


def test_spreads_are_kept_apart_from_errors_and_reach_exactly_both_branches():
    kink = np.sign(single([0.0], kinks=True))
    for out in (kink * 3.0, -kink * 3.0, kink + kink + kink, np.sum(kink[[0, 0, 0]]), kink * 6.0 / 2.0):
        assert (out.value, out.spread) == (0.0, 3.0)
        assert out.error <= 20 * F32.unit * 3.0
    assert ((kink + 5.0).value, (kink + 5.0).spread) == (5.0, 1.0)


def test_rounding_is_charged_at_the_far_end_of_a_spread():
    far = single([0.0, 0.0], 0.0, [1000.0, 1000.0])
    for out in (np.sum(far), far[0] + far[1]):
        assert out.error >= 0.9 * F32.unit * 2000
    assert far.stored(F16).error.min() >= 0.9 * F16.unit * 1000


def test_storing_in_a_narrower_format_is_one_more_rounding():
    x = np.random.default_rng(8).normal(0, 1, 1000) * 2.0 ** np.arange(-30, 10, 0.04)
    out = single(x).stored(F16)
    assert (abs(F16.round(x) - x) <= out.error).all()
    assert (out.error <= F16.unit * abs(x) * SLACK + F16.tiny / 2).all()


def test_a_result_that_is_exact_is_charged_one_rounding_when_it_is_stored_and_nothing_before():
    slope = single([3.0, -0.7, 0.0, np.inf]) * np.sign([1.0, -2.0, 5.0, 1.0])
    assert not slope.error.any()
    assert slope.stored(F32).error.tolist() == [3.0 * F32.unit, 0.7 * F32.unit, 0.0, 0.0]


def softmax_loss(x):
    shifted = x - np.max(x, axis=-1, keepdims=True)
    return np.log(np.sum(np.exp(shifted), axis=-1)) - np.sum(shifted * shifted, axis=-1) / x.shape[-1]


@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0])
def test_a_whole_formula_in_float32_and_its_true_value_lie_within_the_bound(scale):
    x = F32.round(np.random.default_rng(9).normal(0, scale, (300, 9)))
    out = softmax_loss(single(x))
    actual = softmax_loss(x.astype(np.float32)).astype(float)
    assert (abs(actual - out.value) <= SLACK * out.error).all()
    with certified_precision():
        assert (softmax_loss(Certified.exact(x)).farthest(out.value) <= SLACK * out.error).all()
