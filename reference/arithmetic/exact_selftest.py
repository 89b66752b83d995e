"""An operation that is said to round nothing has the exact result, and those that plainly round nothing are said to."""

from fractions import Fraction

import numpy as np
import pytest

from reference.arithmetic.exact import is_exact
from reference.arithmetic.formats import FORMATS
from reference.arithmetic.rounded import Model, Rounded

FLOAT32 = FORMATS["float32"]
MODEL = Model(FLOAT32, exact=True)
OPERATIONS = {
    np.add: lambda a, b: a + b,
    np.subtract: lambda a, b: a - b,
    np.multiply: lambda a, b: a * b,
    np.true_divide: lambda a, b: a / b,
}


def operands(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    grid, other = (
        rng.integers(-64, 65, n) / 8.0,
        FLOAT32.round(rng.standard_normal(n) * 2.0 ** rng.integers(-60, 60, n)),
    )
    powers = 2.0 ** rng.integers(-40, 40, n)
    choose = [grid, other, powers]
    return tuple(np.where(rng.integers(0, 2, n) > 0, choose[i], choose[rng.integers(3)]) + 0.0 for i in (0, 2))


@pytest.mark.parametrize("ufunc", OPERATIONS)
def test_what_is_exact_has_the_exact_result(ufunc):
    a, b = operands(4000)
    b = np.where(b == 0, 1.0, b)
    out = ufunc(a, b)
    exact = is_exact(ufunc, out, (Rounded.exact(a, MODEL), Rounded.exact(b, MODEL)), FLOAT32)
    assert exact.any()
    for x, y, z in zip(a[exact], b[exact], out[exact], strict=True):
        assert OPERATIONS[ufunc](Fraction(x), Fraction(y)) == Fraction(z)
        assert FLOAT32.round(np.array(z)) == z


def test_a_difference_of_small_whole_numbers_is_exact_and_that_of_far_ones_is_not():
    a, b = Rounded.exact(np.array([3.0, 2.0**30]), MODEL), Rounded.exact(np.array([5.0, 1.0]), MODEL)
    assert (a - b).error.tolist() == [0.0, pytest.approx(2.0**6, rel=1e-3)]


def test_numbers_that_are_known_exactly_tie_only_under_this_model():
    x, y = np.array([[1.0, 3.0]]), np.array([[0.5, 3.5]])
    for model, spans in ((MODEL, False), (Model(FLOAT32), True)):
        left, right = (abs(Rounded.exact(v, model) - 2.0) for v in (x, y))
        chosen = np.where(left[:, 0] == right[:, 1] - 0.5, 1.0, 0.0)
        assert (getattr(chosen, "spread", None) is not None) == spans
