"""The log ratios of forks: medians, intervals, significance, and what they would have found."""

import numpy as np
import pytest
from scipy.stats import binom

from perf.gate.statistics import MOST, Rule, detectable, rank, significance, summary

RULES = [(10, Rule(2.0, 0.06)), (12, Rule(3.0, 0.02))]


def forks(spread, middle=0.0, count=10):
    return tuple(np.random.default_rng(0).normal(middle, spread, count))


def test_a_slowdown_is_the_median_in_percent():
    assert summary([np.log(1.05)] * 9 + [1.0]).percent == pytest.approx(5)


@pytest.mark.parametrize("count", range(6, 40))
def test_the_interval_covers_the_median_in_95_of_100_samples_and_no_narrower_one_does(count):
    def covered(place):
        return 1 - 2 * binom.cdf(place, count, 0.5)

    assert covered(rank(count)) >= 0.95 > covered(rank(count) + 1)


def test_few_forks_have_the_widest_interval():
    found = summary([0.0, 0.1, 0.2])
    assert (found.low, found.high) == pytest.approx((0, 100 * (np.exp(0.2) - 1)))


def test_equal_sides_are_not_significant():
    assert summary([0.0] * 10).p > 0.06 or not Rule(2.0, 0.06).shows(summary([0.0] * 10))


def test_ten_slow_forks_have_the_least_p_of_ten_signs():
    assert significance(np.full((1, 10), 0.05) + np.arange(10) * 1e-3)[0] == pytest.approx(2.0**-10)


def test_a_speedup_never_shows():
    assert not Rule(2.0, 0.06).shows(summary(list(forks(0.001, -0.1))))


def test_what_is_detectable_is_above_the_threshold_and_grows_with_the_spread():
    quiet, noisy = (detectable(forks(s), RULES) for s in (0.002, 0.03))
    assert 3.0 <= quiet < 3.6 < noisy


def test_what_is_detectable_is_found_in_nine_runs_of_ten():
    spread = 0.02
    slow = np.log(1 + detectable(forks(spread, count=4000), RULES) / 100)
    rng = np.random.default_rng(1)
    found = [
        all(rule.shows(summary(list(rng.normal(slow, spread, count)))) for count, rule in RULES) for _ in range(400)
    ]
    assert 0.86 <= np.mean(found) <= 0.94


def test_noise_beyond_measure_detects_nothing():
    assert detectable(forks(5.0), RULES) == MOST
