"""A rate's change, against the same method elsewhere and by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from core.decision.change import rate_change
from core.decision.rate import Rate


def by_wilson(k, n):
    return Rate(k, n, *proportion_confint(k, n, method="wilson"))


@pytest.mark.parametrize("counts", [((5, 50), (9, 60)), ((0, 20), (3, 25)), ((17, 17), (8, 20))])
def test_with_wilsons_intervals_it_is_newcombes_method(counts):
    later, earlier = counts
    found = rate_change(by_wilson(*later), by_wilson(*earlier))
    low, high = confint_proportions_2indep(*later, *earlier, method="newcomb", compare="diff")
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.value == pytest.approx(later[0] / later[1] - earlier[0] / earlier[1])


@pytest.mark.parametrize("rates", [(0.02, 0.02), (0.3, 0.1), (0.5, 0.9)])
def test_the_interval_covers_the_true_change(rates):
    draws = np.random.default_rng(5).binomial((80, 40), rates, size=(2000, 2))
    truth = rates[0] - rates[1]
    found = [
        rate_change(Rate.independent(int(a), 80), Rate.independent(int(b), 40)) for a, b in draws
    ]
    covered = np.mean([one.low <= truth <= one.high for one in found])
    assert covered >= 0.95


def test_it_is_called_a_difference_only_where_the_interval_leaves_out_none():
    same = rate_change(Rate.independent(5, 50), Rate.independent(5, 50))
    assert not same.is_shown
    assert same.describe().startswith("no difference shown: +0.0 points")
    other = rate_change(Rate.independent(30, 50), Rate.independent(5, 50))
    assert other.is_shown
    assert other.describe().startswith("+50.0 points (")


def test_without_an_earlier_count_nothing_is_compared():
    found = rate_change(Rate.independent(5, 50), Rate.independent(0, 0))
    assert math.isnan(found.value)
    assert not found.is_shown
    assert found.describe() == "nothing to compare with"
