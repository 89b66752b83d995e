"""Does the bound of a product whose factors may come in any order enclose every order, also where some underflow?"""

from functools import reduce
from itertools import permutations

import numpy as np
import pytest

from reference.arithmetic.formats import FORMATS, Format
from reference.arithmetic.rounded import Model, Rounded

COUNT = 4000


def factors(format: Format, seed: int) -> list[np.ndarray]:
    """Three numbers and a divisor whose product is an ordinary number, though those of some of them underflow."""
    rng = np.random.default_rng(seed)
    scale = -format.emin
    exponents = rng.uniform(-0.8, 0.1, (2, COUNT)) * scale
    third, divisor = rng.uniform(0.2, 0.8, COUNT) * scale, rng.uniform(-0.5, 0.0, COUNT) * scale
    parts = [*exponents, third, divisor]
    return [format.round(np.sign(rng.normal(size=COUNT)) * np.exp2(e)) for e in parts]


def in_order(format: Format, steps) -> np.ndarray:
    """The product, every step rounded to the format."""
    with np.errstate(all="ignore"):
        return reduce(lambda x, step: format.round(step(x)), steps, np.float64(1.0))


def every_order(format: Format, values) -> list[np.ndarray]:
    """The product in all orders that do not begin by dividing, which is a rounding more."""
    *multiplied, divisor = values
    division = lambda x: x / divisor  # noqa: E731
    steps = [lambda x, v=v: x * v for v in multiplied] + [division]
    return [in_order(format, order) for order in permutations(steps) if order[0] is not division]


def bound(format: Format, values, **options) -> Rounded:
    a, b, c, divisor = (Rounded.exact(v, Model(format, **options)) for v in values)
    return a * c * (b / divisor)


@pytest.mark.parametrize("name", ["float16", "float32", "float64"])
def test_every_order_of_the_factors_is_within_the_bound(name):
    format, lost = FORMATS[name], 0
    values = factors(format, 1)
    plain, any_order = bound(format, values), bound(format, values, reordered=True)
    a, b, c, divisor = (v.astype(np.longdouble) for v in values)  # whose exponents are large enough
    truth = a * b * c / divisor
    ordinary = np.isfinite(any_order.error) & (abs(truth) > format.normal)
    for found in every_order(format, values):
        checked = ordinary & np.isfinite(found)
        error = abs(found[checked] - truth[checked])
        assert (error <= any_order.error[checked] * (1 + 1e-9)).all()
        lost += int((error > plain.error[checked]).sum())
    assert lost > 100, "no order loses more than the formula's own"


def test_where_nothing_underflows_the_order_costs_nothing():
    values = [np.array([0.3]), np.array([7.0]), np.array([1e-3]), np.array([3.0])]
    format = FORMATS["float32"]
    assert bound(format, values).error == bound(format, values, reordered=True).error
