"""Are the rules of differentiation right: against difference quotients, over all three arithmetics?"""

import numpy as np
import pytest
from flint import arb
from scipy import special

from reference.arithmetic import dual
from reference.arithmetic.balls_selftest import LOWEST, named, operands_of, outside, sampled
from reference.arithmetic.certified import Certified, certified_precision
from reference.arithmetic.dual import Dual, derivative
from reference.arithmetic.formats import FORMATS
from reference.arithmetic.plain import plain
from reference.arithmetic.rounded import Model, Rounded

F32 = FORMATS["float32"]
OPERATIONS = sorted([*dual.RULES, *dual.CHOICES], key=named)
every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=named)
#: The step of a difference quotient at 500 bits, whose error is nothing next to what float64 can hold.
STEP, BITS = arb(2) ** -200, 500


@pytest.fixture(autouse=True)
def _precision():
    with certified_precision(BITS):
        yield


def points(operation, seed, n=200):
    """Operands and directions, none of them at a kink."""
    rng = np.random.default_rng(seed)
    parts = [rng.normal(0, 2, n) for _ in range(operation.nin)]
    floors = LOWEST.get(operation, (None,) * operation.nin)
    parts = [x if f is None else f + abs(x - f) + 0.01 for x, f in zip(parts, floors, strict=True)]
    return parts, [rng.normal(0, 1, n) for _ in parts]


def quotient(operation, parts, along) -> Certified:
    """The difference quotient of the certified operation, two steps apart."""
    ends = []
    for sign in (1, -1):
        moved = [
            Certified.exact(x).balls + sign * STEP * Certified.exact(t).balls for x, t in zip(parts, along, strict=True)
        ]
        ends.append(operation(*map(Certified, moved)).balls)
    return Certified((ends[0] - ends[1]) / (2 * STEP))


def differentiated(operation, lift, parts, along):
    """The tangent of an operation on Duals."""
    return derivative(operation(*(Dual(lift(x), lift(t)) for x, t in zip(parts, along, strict=True))))


@every_operation
def test_the_certified_tangent_is_the_difference_quotient(operation):
    parts, along = points(operation, 1)
    found = differentiated(operation, Certified.exact, parts, along)
    near = np.asarray(np.vectorize(lambda x: float(x.mid()))(quotient(operation, parts, along).balls))
    assert found.finite.all()
    low, high = found.bounds()
    assert not outside(near, low, high).any()
    assert (high - low <= 1e-12 * np.maximum(abs(near), 1)).all()


@every_operation
def test_the_true_tangent_lies_within_the_running_bound(operation):
    parts, along = ([F32.round(x) for x in xs] for xs in points(operation, 2))
    out = differentiated(operation, lambda x: Rounded.exact(x, Model(F32)), parts, along)
    truth = differentiated(operation, Certified.exact, parts, along)
    assert np.isfinite(out.error).all()
    assert (truth.farthest(out.value) <= out.error + 1e-15 * abs(out.value)).all()
    np.testing.assert_array_less(out.error, 1e4 * F32.unit * np.maximum(abs(out.value), 1))


@every_operation
def test_in_float64_the_tangent_is_the_certified_one(operation):
    parts, along = points(operation, 3)
    truth = differentiated(operation, Certified.exact, parts, along)
    found = differentiated(operation, lambda x: x, parts, along)
    off = truth.distance(found)
    assert (off <= 1e-12 * np.maximum(abs(found), 1)).all()


@every_operation
def test_tangents_of_points_lie_inside_the_tangent_on_wide_balls(operation):
    rng = np.random.default_rng(4)
    parts = operands_of(operation, rng, 200)
    along = [rng.normal(0, 1, 200) for _ in parts]
    balls = [Certified([arb(m, r) for m, r in zip(*part, strict=True)]) for part in parts]
    out = derivative(operation(*(Dual(b, Certified.exact(t)) for b, t in zip(balls, along, strict=True))))
    low, high = out.bounds()

    def tangent(*at):
        return differentiated(operation, lambda x: x, at, along)

    for values in sampled(tangent, parts):
        known = np.isfinite(values) & out.finite
        assert not outside(values[known], low[known], high[known]).any()


def moving(x, t, kinks=False):
    """A Dual in float32, with or without kinks."""
    model = Model(F32, kinks=kinks)
    return Dual(Rounded.exact(np.asarray(x, float), model), Rounded.exact(np.asarray(t, float), model))


def test_both_slopes_are_right_at_a_kink():
    x = moving([0.0, 2.0], [1.0, 1.0], kinks=True)
    for out in (np.maximum(x, 0.0), np.minimum(x, 0.0), np.where(x > 0, x, 0.0)):
        assert (out.tangent.value[0], out.tangent.spread[0]) == (0.5, 0.5)
    assert (abs(x).tangent.value[0], abs(x).tangent.spread[0]) == (0.0, 1.0)
    assert abs(x).tangent.value[1] == 1.0


def test_the_largest_element_has_the_slopes_of_all_that_are_tied():
    x = moving([[1.0, 3.0, 3.0], [5.0, 3.0, 1.0]], [[9.0, 1.0, 2.0], [4.0, 5.0, 6.0]], kinks=True)
    out = np.max(x, axis=-1)
    assert out.shape == (2,)
    assert (out.tangent.value.tolist(), out.tangent.spread.tolist()) == ([1.5, 4.0], [0.5, 0.0])


def test_what_stands_still_has_no_tangent_even_at_a_pole():
    x = moving([0.0, 4.0], [0.0, 1.0])
    assert np.sqrt(x).tangent.value.tolist() == [0.0, 0.25]
    assert np.sqrt(x).tangent.error[0] == 0
    assert np.sqrt(Dual(x.primal)).tangent is None
    assert derivative(np.sign(x)).value.tolist() == [0.0, 0.0]


def test_sums_moves_and_joints_treat_both_alike():
    x = moving(np.arange(6.0).reshape(2, 3), np.ones((2, 3)))
    assert np.sum(x, axis=1).tangent.value.tolist() == [3.0, 3.0]
    assert np.add.reduce(x).tangent.value.tolist() == [2.0, 2.0, 2.0]
    assert np.transpose(x)[0].tangent.value.tolist() == [1.0, 1.0]
    joined = np.stack([x, np.zeros((2, 3))])
    assert joined.tangent.value.sum() == 6
    assert (np.expand_dims(x[:, 0], -1) + np.zeros((2, 5))).tangent.shape == (2, 5)
    assert np.clip(x, 1.0, 3.0).tangent.value.tolist() == [[0.0, 0.0, 1.0], [0.0, 0.0, 0.0]]


def test_numbers_that_stand_still_mix_with_those_that_move():
    x = moving([1.0, 2.0], [1.0, 1.0])
    still = Rounded.exact(np.array([3.0, 4.0]), Model(F32))
    for out in (x * still, still * x):
        assert out.tangent.value.tolist() == [3.0, 4.0]
    assert np.where(np.array([True, False]), still, x).tangent.value.tolist() == [0.0, 1.0]
    assert plain(x).tolist() == [1.0, 2.0]


def test_an_operation_without_a_rule_is_refused():
    with pytest.raises(TypeError):
        special.digamma(moving([1.0], [1.0]))
    with pytest.raises(TypeError):
        np.asarray(moving([1.0], [1.0]))
    with pytest.raises(TypeError):
        np.multiply.reduce(moving([1.0], [1.0]))
