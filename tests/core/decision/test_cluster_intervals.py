"""Intervals that allow for pictures of one group being alike."""

import numpy as np
import pytest
from scipy.stats import binom, binomtest, brunnermunzel, norm, t

from core.decision.cluster_intervals import auroc_interval, share_interval


def drawn(rng, groups, each, alike):
    """Scores of positives (first half of the groups) and negatives, alike within a group."""
    own, shared = rng.normal(size=(groups, each)), rng.normal(size=(groups, 1))
    positive = np.repeat(np.arange(groups) < groups // 2, each)
    scores = (np.sqrt(1 - alike) * own + np.sqrt(alike) * shared).ravel() + 1.2 * positive
    return scores, positive, np.repeat(np.arange(groups), each)


def test_a_picture_a_group_gives_the_clopper_pearson_interval_of_the_share():
    hit = np.arange(80) < 13
    exact = binomtest(13, 80).proportion_ci(0.95, "exact")
    assert share_interval(hit, np.arange(80)) == pytest.approx((exact.low, exact.high), abs=1e-9)


def test_a_picture_a_group_gives_the_interval_of_delong_by_its_kernel():
    scores, positive, group = drawn(np.random.default_rng(3), 60, 1, 0.0)
    ups, downs = scores[positive][:, None], scores[~positive][None]
    kernel = (ups > downs) + 0.5 * (ups == downs)
    variance = kernel.mean(1).var(ddof=1) / ups.size + kernel.mean(0).var(ddof=1) / downs.size
    area = kernel.mean()
    parts = np.array([kernel.mean(axis).var(ddof=1) / kernel.shape[1 - axis] for axis in (1, 0)])
    freedom = parts.sum() ** 2 / (parts**2 / (np.array(kernel.shape) - 1)).sum()
    p_value = 2 * t.sf((area - 0.5) / np.sqrt(variance), freedom)
    assert p_value == pytest.approx(brunnermunzel(ups.ravel(), downs.ravel()).pvalue)
    half = t.ppf(0.975, freedom) * np.sqrt(variance) / (area * (1 - area))
    ends = 1 / (1 + np.exp(-(np.log(area / (1 - area)) + np.array([-half, half]))))
    assert auroc_interval(scores, positive, group) == pytest.approx(tuple(ends), abs=1e-12)


def test_the_same_picture_taken_five_times_tells_nothing_more():
    scores, positive, group = drawn(np.random.default_rng(4), 40, 1, 0.0)
    five = [np.repeat(values, 5) for values in (scores, positive, group)]
    assert auroc_interval(*five) == pytest.approx(auroc_interval(scores, positive, group))
    hit = scores > 0.4
    once, often = share_interval(hit, group), share_interval(np.repeat(hit, 5), five[2])
    assert often == pytest.approx(once, abs=0.01)


@pytest.mark.parametrize("interval", [auroc_interval, None], ids=["auroc", "share"])
def test_grouped_intervals_cover_as_often_as_they_say_where_plain_ones_do_not(interval):
    rng, runs = np.random.default_rng(5), 300
    covered = np.zeros(2, int)
    for _ in range(runs):
        scores, positive, group = drawn(rng, 60, 6, 0.6)
        for place, units in enumerate((group, np.arange(group.size))):
            if interval:
                low, high = interval(scores, positive, units)
                covered[place] += low <= norm.cdf(1.2 / np.sqrt(2)) <= high
            else:
                low, high = share_interval(scores[positive] > 1.5, units[positive])
                covered[place] += low <= norm.sf(0.3) <= high
    assert covered[0] >= binom.ppf(1e-4, runs, 0.94)
    assert covered[1] <= binom.ppf(1e-4, runs, 0.94)


@pytest.mark.parametrize(("groups", "each", "alike"), [(8, 10, 0.7), (12, 10, 0.9)])
def test_the_interval_of_the_area_covers_with_few_groups(groups, each, alike):
    rng, runs = np.random.default_rng(6), 1000
    truth = norm.cdf(1.2 / np.sqrt(2))
    missed = 0
    for _ in range(runs):
        low, high = auroc_interval(*drawn(rng, groups, each, alike))
        missed += not low <= truth <= high
    assert missed <= binom.ppf(1 - 1e-3, runs, 0.05)


def test_perfect_order_of_a_few_groups_proves_little():
    scores, positive = np.arange(10.0), np.arange(10) >= 5
    low, high = auroc_interval(scores, positive, np.arange(10))
    assert (low**5, high) == (pytest.approx(0.025), 1.0)
    low, high = auroc_interval(-scores, positive, np.arange(10))
    assert (low, (1 - high) ** 5) == (0.0, pytest.approx(0.025))


def test_one_group_or_one_kind_tells_nothing():
    assert share_interval(np.ones(9, bool), np.zeros(9)) == (0.0, 1.0)
    assert share_interval(np.zeros(0, bool), np.zeros(0)) == (0.0, 1.0)
    assert np.isnan(auroc_interval(np.arange(3.0), np.ones(3, bool), np.arange(3))).all()
    one = auroc_interval(np.arange(4.0), np.array([0, 0, 0, 1], bool), np.arange(4))
    assert one == (0.0, 1.0)


def test_agreement_of_all_pictures_counts_groups_not_pictures():
    low, high = share_interval(np.ones(50, bool), np.repeat(np.arange(10), 5))
    assert (low, high) == (pytest.approx(0.025 ** (1 / 10)), 1.0)


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="expected equal"):
        share_interval(np.ones(3, bool), np.arange(2))
    with pytest.raises(ValueError, match="expected equal"):
        auroc_interval(np.ones(3), np.ones(3, bool), np.arange(2))


def test_the_order_of_pictures_changes_no_bit():
    rng = np.random.default_rng(0)
    for _ in range(300):
        n = rng.integers(3, 12)
        hit, group, order = rng.random(n) < 0.3, rng.integers(0, 4, n), rng.permutation(n)
        assert share_interval(hit, group) == share_interval(hit[order], group[order])
