"""Are gradients without a pullback those of the formula: with a bound that holds, and with both slopes at a kink?"""

import numpy as np
import pytest

from reference.arithmetic.certified import Certified, certified_precision
from reference.arithmetic.dual import Dual, derivative
from reference.arithmetic.formats import FORMATS
from reference.arithmetic.rounded import Model, Rounded
from reference.derived import by_differences, by_mirror, confirmed, precision_for, step_by_step

MODEL = Model(FORMATS["float32"], kinks=True)


def softplus(x):
    return np.logaddexp(x, 0.0)


def norm(x):
    return np.sqrt(np.sum(np.square(x), axis=-1))


def bent(x):
    return np.sqrt(np.square(x))


def rounded(formula, x) -> Rounded:
    lifted = Rounded.exact(x, MODEL)
    return step_by_step(formula, ["x"])(Rounded.exact(np.ones(len(x)), MODEL), x=lifted)["x"]


def certified(formula, x) -> Certified:
    with certified_precision(precision_for([x])):
        return by_differences(formula, ["x"])(Certified.exact(np.ones(len(x))), x=Certified.exact(x))["x"]


def ends(formula, x):
    return certified(formula, x).bounds()


@pytest.mark.parametrize("x", [[0.0, 1.0, -3.5, 60.0, -60.0], [2.0**-1074, 1.0, -1e30, 3e-40, 700.0]])
def test_differences_and_steps_agree_on_a_smooth_function(x):
    own = rounded(softplus, np.array(x))
    settled, off = confirmed(own, *ends(softplus, np.array(x)))
    assert not off.any()
    assert not settled.spread.any()
    assert np.all(abs(settled.value - 1 / (1 + np.exp(-np.array(x)))) <= own.error)


def test_differences_are_far_below_one_unit_in_the_last_place_apart():
    x = np.array([0.3, -2.0, 1e-200, 5e10])
    low, high = ends(lambda x: np.square(x), x)
    assert np.all(low <= 2 * x)
    assert np.all(high >= 2 * x)
    assert np.all(high - low <= 2 * np.spacing(2 * abs(x)))  # of which they may be the neighbours


def test_every_core_element_has_a_slope():
    x = np.random.default_rng(0).standard_normal((5, 3, 2))
    low, high = ends(lambda x: np.sum(np.sum(x * x * x, axis=-1), axis=-1), x)
    assert np.all(abs(low - 3 * x * x) <= 4 * np.spacing(3 * x * x))
    assert np.all(high >= low)


def test_both_slopes_of_a_kink_are_right():
    """And little more: the radius of a ball has 30 bits."""
    low, high = ends(lambda x: abs(x), np.array([0.0, 2.0, -2.0]))
    assert -1 - 2.0**-26 <= low[0] <= -1
    assert 1 <= high[0] <= 1 + 2.0**-26
    assert low[1:].tolist() == high[1:].tolist() == [1.0, -1.0]


def test_a_kink_that_differentiation_does_not_see_is_found_by_differences():
    x = np.array([0.0, 3.0])
    own = rounded(bent, x)
    settled, _ = confirmed(own, *ends(bent, x))
    assert 1 <= settled.spread[0] <= 1 + 2.0**-26
    assert settled.spread[1] == 0


def test_at_the_end_of_a_domain_the_side_there_is_counts():
    low, high = ends(lambda x: x * np.sqrt(x), np.array([0.0, 4.0]))
    assert abs(low[0]) < 2.0**-90
    assert high[0] < 2.0**-90
    assert low[1] <= 3 <= high[1] <= low[1] + 2 * np.spacing(3.0)


def test_where_differences_are_not_tight_they_say_nothing():
    with certified_precision(16):
        found = by_differences(lambda x: np.exp(x), ["x"])(
            Certified.exact(np.ones(1)), x=Certified.exact(np.array([1.5]))
        )["x"]
    assert not found.finite.any()


def test_a_source_without_a_say_changes_nothing():
    own = rounded(softplus, np.array([0.5]))
    settled, off = confirmed(own, np.array([-np.inf]), np.array([np.inf]))
    assert settled.value == own.value
    assert not off.any()


def test_a_source_beyond_the_bound_contradicts():
    own = rounded(softplus, np.array([0.5]))
    _, off = confirmed(own, own.value * 1.01, own.value * 1.01)
    assert off.all()


def test_steps_can_be_differentiated_again():
    x = np.array([0.25, -1.0])
    moving = Dual(Rounded.exact(x, MODEL), Rounded.exact(np.ones(2), MODEL))
    gradient = step_by_step(softplus, ["x"])(Rounded.exact(np.ones(2), MODEL), x=moving)["x"]
    second = derivative(gradient)
    p = 1 / (1 + np.exp(-x))
    assert np.all(abs(second.value - p * (1 - p)) <= second.error)


def test_a_mirror_is_differentiated_in_float64_for_any_number_of_rows():
    jax = pytest.importorskip("jax")
    pull = by_mirror(lambda x, flag: jax.nn.softplus(x).sum(-1) if flag else x.sum(-1), ["x"])
    for rows in (0, 1, 7, 300):
        x = np.random.default_rng(rows).standard_normal((rows, 2))
        found = pull(np.full(rows, 2.0), x=x, flag=True)["x"]
        assert found.shape == x.shape
        assert np.all(abs(found - 2 / (1 + np.exp(-x))) <= 8 * np.spacing(2.0))
    assert not jax.config.jax_enable_x64 or jax.numpy.zeros(1).dtype == "float64"


def test_arguments_that_are_no_real_arrays_have_no_gradient():
    pull = step_by_step(lambda x, n, gamma: gamma * x, ["x", "n"])
    assert set(pull(np.ones(2), x=np.ones(2), n=np.arange(2), gamma=2.0)) == {"x"}
    assert set(pull(np.ones(2), x=np.ones(2), n=None, gamma=2.0)) == {"x"}
