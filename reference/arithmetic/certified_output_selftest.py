"""Are the float64 numbers that leave the certified arithmetic on the right side, and correctly rounded?"""

from fractions import Fraction

import numpy as np
import pytest
from flint import arb, fmpq

from reference.arithmetic.certified import Certified, certified_precision
from reference.arithmetic.formats import FORMATS

FORMAT_LIST = list(FORMATS.values())


def named(format):
    return format.name


def enclosing(fractions, reach=0):
    """Narrow balls, of about 120 bits, around the numbers, ``reach`` wider."""
    with certified_precision(120):
        out = np.empty(len(fractions), object)
        out[:] = [arb(fmpq(f.numerator, f.denominator)) + arb(0, reach) for f in fractions]
        return Certified(out)


def rounded_by_hand(x: Fraction, format) -> float:
    """Round to nearest, ties to even, with integers only."""
    if x == 0:
        return 0.0
    size, exponent = abs(x), format.emin
    while size >= Fraction(2) ** (exponent + 1):
        exponent += 1
    gap = Fraction(2) ** (exponent - format.precision + 1)
    steps = round(size / gap)  # Python rounds ties of fractions to even
    size = steps * gap
    sign = 1 if x > 0 else -1
    return sign * float("inf") if size > Fraction(format.max) else sign * float(size)


def hard_cases(format):
    """Numbers at, and a hair beside, the boundaries between neighbours: normal, subnormal, overflowing."""
    tiny, top, hair = Fraction(format.tiny), Fraction(format.max), Fraction(1, 2**100)
    gap = Fraction(2) ** (format.emax - format.precision + 1)
    spots = [tiny / 2, tiny * 3 / 2, tiny * 5 / 2, tiny, top + gap / 2, top, top + gap, 4 * top]
    spots += [1 + Fraction(format.unit) * k for k in range(5)] + [Fraction(2) ** format.emin - tiny / 2]
    spots += [tiny / 2 + tiny / 2**60, Fraction(1, 3), top * 2**60]
    beside = [s * (1 + sign * h) for s in spots for sign in (-1, 1) for h in (hair, 2**15 * hair)]
    return [sign * s for s in spots + beside for sign in (1, -1)]


@pytest.mark.parametrize("format", FORMAT_LIST, ids=named)
def test_what_is_decided_is_correctly_rounded(format):
    fractions = hard_cases(format)
    value, decided = enclosing(fractions).nearest(format)
    by_hand = np.array([rounded_by_hand(f, format) for f in fractions])
    np.testing.assert_array_equal(value[decided], by_hand[decided])


@pytest.mark.parametrize("format", FORMAT_LIST, ids=named)
def test_a_hair_beside_a_tie_is_decided_and_so_is_an_exact_tie(format):
    fractions = hard_cases(format)
    assert enclosing(fractions).nearest(format)[1].all()


@pytest.mark.parametrize("format", FORMAT_LIST, ids=named)
def test_a_ball_over_a_boundary_is_undecided(format):
    tie = 1 + Fraction(format.unit)
    assert not enclosing([tie], reach=2.0**-80).nearest(format)[1].any()
    overflow = Fraction(format.max) * (1 + Fraction(format.unit) / 2)
    assert not enclosing([overflow], reach=format.max * format.unit).nearest(format)[1].any()


def test_an_indeterminate_ball_decides_nothing_and_is_boundless():
    out = np.log(Certified.exact([0.0]))
    assert not out.nearest(FORMATS["float32"])[1].any()
    assert [float(b[0]) for b in out.bounds()] == [-np.inf, np.inf]
    assert out.farthest([1.0]).tolist() == [np.inf]
    assert out.distance([1.0]).tolist() == [0.0]


def test_bounds_are_the_next_float64_outward():
    fractions = hard_cases(FORMATS["float64"])
    low, high = enclosing(fractions).bounds()
    with np.errstate(over="ignore"):
        assert (high <= np.nextafter(np.nextafter(low, np.inf), np.inf)).all()
    for x, a, b in zip(fractions, low.tolist(), high.tolist(), strict=True):
        assert a == -np.inf or Fraction(a) <= x
        assert b == np.inf or x <= Fraction(b)
    exact = np.array([0.1, 5e-324, 1e308, -0.0])
    for bound in Certified.exact(exact).bounds():
        np.testing.assert_array_equal(bound, exact)


def test_distance_is_that_to_the_ball_and_rounded_up():
    third = Fraction(1, 3)
    actual = np.array([1 / 3, 0.5, 0.0, -1e300])
    truth = np.array([abs(Fraction(a) - third) for a in actual.tolist()])
    for found in (
        enclosing([third] * 4).distance(actual),
        enclosing([third] * 4).farthest(actual),
    ):
        for got, exact in zip(found.tolist(), truth, strict=True):
            assert exact * (1 - Fraction(1, 2**100)) <= Fraction(got) <= exact * (1 + Fraction(1, 2**50))


def test_distance_is_zero_inside_a_wide_ball_and_farthest_reaches_across_it():
    ball = Certified(np.array([arb(1.0, 0.5)] * 3, object))
    near, far = ball.distance([1.25, 1.75, 0.0]), ball.farthest([1.25, 1.75, 0.0])
    assert near.tolist() == pytest.approx([0.0, 0.25, 0.5], rel=1e-8)
    assert far.tolist() == pytest.approx([0.75, 1.25, 1.5], rel=1e-8)
    assert (near <= [0.0, 0.25, 0.5]).all()
    assert (far >= [0.75, 1.25, 1.5]).all()


def test_what_is_not_finite_is_infinitely_far():
    assert Certified.exact([1.0] * 3).distance([np.inf, -np.inf, np.nan]).tolist() == [np.inf] * 3
    assert Certified.exact([1.0] * 3).farthest([np.inf, -np.inf, np.nan]).tolist() == [np.inf] * 3
