"""Conformal p-values, their limit, and the fusion of detectors."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import betabinom, binom

from core.decision.certificate import interval
from core.decision.ood import conformal_p, conformal_p_one, false_alarm

SCORES = st.lists(st.integers(0, 12).map(float), max_size=25).map(lambda v: np.array(v, float))
ALPHAS = st.integers(0, 100).map(lambda percent: percent / 100)


@settings(deadline=None)
@given(scores=SCORES, reference=SCORES)
def test_a_p_value_counts_the_reference_scores_at_least_as_high(scores, reference):
    by_hand = [(1 + sum(r >= s for r in reference)) / (len(reference) + 1) for s in scores]
    np.testing.assert_array_equal(conformal_p(scores, reference), by_hand)


@settings(deadline=None)
@given(n=st.integers(1, 60), percent=st.integers(0, 100))
def test_flagging_is_exactly_the_sort_and_index_rule(n, percent):
    """k = ceil((n + 1)(1 - alpha)); above the k-th smallest is flagged, nothing when k > n."""
    reference = np.arange(n, dtype=np.float64)
    k = math.ceil(Fraction(n + 1) * (1 - Fraction(percent, 100)))
    limit = math.inf if k > n else -math.inf if k == 0 else reference[k - 1]
    scores = np.arange(-0.5, n + 1, 0.5)
    counts = np.array([np.sum(reference >= score) + 1 for score in scores])
    flagged = [Fraction(int(c), n + 1) <= Fraction(percent, 100) for c in counts]
    np.testing.assert_array_equal(flagged, scores > limit)
    np.testing.assert_allclose(conformal_p(scores, reference), counts / (n + 1))


def test_a_nan_score_is_the_strangest_and_an_empty_reference_flags_nothing_else():
    np.testing.assert_array_equal(conformal_p(np.array([math.nan, 1e9]), np.zeros(0)), [0.0, 1.0])


def test_a_reference_with_nan_is_refused():
    with pytest.raises(ValueError, match="reference"):
        conformal_p(np.zeros(1), np.array([math.nan]))


def test_the_false_alarms_of_a_calibrated_gate_follow_their_beta_binomial_law():
    rng = np.random.default_rng(7)
    m, n, alpha = 199, 400, 0.05
    law = betabinom(n, 10, 190)  # 10 = floor(alpha (m + 1)) ranks are flagged
    low, high = law.ppf(1e-6), law.ppf(1 - 1e-6)
    counts = [
        int((conformal_p(rng.normal(size=n), rng.normal(size=m)) <= alpha).sum())
        for _ in range(200)
    ]
    assert all(low <= count <= high for count in counts)
    assert np.mean(counts) / n == pytest.approx(alpha, abs=0.005)


def test_the_false_alarm_rate_of_single_pictures_comes_with_its_exact_interval():
    ood_p = np.array([0.01, 0.02, math.nan, 0.5, 0.9])
    rate, low, high, n = false_alarm(ood_p, 0.01, np.arange(5))
    assert (rate, n) == (0.4, 5)
    assert (low, high) == pytest.approx(interval(2, 5), abs=1e-9)
    assert false_alarm(np.zeros(0), 0.01, np.zeros(0)) == (0.0, 0.0, 1.0, 0)


@pytest.mark.parametrize(("groups", "together"), [(60, 1.0), (60, 0.5), (300, 1.0)])
def test_the_false_alarm_interval_covers_where_pictures_come_in_groups_of_five(groups, together):
    """The gate flags 3 % of pictures: whole groups at once, or half the pictures of twice as many.

    An interval that takes the pictures for independent misses the rate in a third of the draws.
    """
    rng, rate, draws, missed = np.random.default_rng(0), 0.03, 2000, 0
    group = np.repeat(np.arange(groups), 5)
    for _ in range(draws):
        flagged = (rng.random(groups) < rate / together)[group]
        flagged &= rng.random(group.size) < together
        _, low, high, _ = false_alarm(np.where(flagged, 0.001, 0.5), 0.01, group)
        missed += not low <= rate <= high
    assert missed <= binom.ppf(1 - 1e-5, draws, 0.05)


@given(
    reference=st.lists(st.floats(-5, 5), max_size=30),
    score=st.floats(-6, 6) | st.just(math.nan) | st.just(math.inf),
)
def test_one_score_gets_the_p_value_that_it_gets_among_many(reference, score):
    ordered = np.sort(np.array(reference))
    assert conformal_p_one(score, ordered) == conformal_p(np.array([score]), ordered)[0]
