"""Conformal p-values, their limit, and the fusion of detectors."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import betabinom

from core.decision.certificate import interval
from core.decision.ood import Fusion, conformal_p, false_alarm, fit_fusion, fuse, threshold

SCORES = st.lists(st.integers(0, 12).map(float), max_size=25).map(lambda v: np.array(v, float))
ALPHAS = st.integers(0, 100).map(lambda percent: percent / 100)


@settings(deadline=None)
@given(scores=SCORES, reference=SCORES)
def test_a_p_value_counts_the_reference_scores_at_least_as_high(scores, reference):
    by_hand = [(1 + sum(r >= s for r in reference)) / (len(reference) + 1) for s in scores]
    np.testing.assert_array_equal(conformal_p(scores, reference), by_hand)


@settings(deadline=None)
@given(scores=SCORES, reference=SCORES, alpha=ALPHAS)
def test_the_limit_and_the_p_value_flag_the_same_images(scores, reference, alpha):
    flagged = conformal_p(scores, reference) <= alpha
    np.testing.assert_array_equal(flagged, scores > threshold(reference, alpha))


@settings(deadline=None)
@given(n=st.integers(1, 60), percent=st.integers(0, 100))
def test_the_limit_is_the_sorted_score_with_the_exact_rank(n, percent):
    reference = np.arange(1.0, n + 1)
    k = -((n + 1) * (percent - 100) // 100)
    expected = math.inf if k > n else (float(k) if k > 0 else -math.inf)
    assert threshold(reference, percent / 100) == expected


def test_a_nan_score_is_the_strangest_and_an_empty_reference_flags_nothing_else():
    np.testing.assert_array_equal(conformal_p(np.array([math.nan, 1e9]), np.zeros(0)), [0.0, 1.0])
    assert threshold(np.zeros(0), 0.05) == math.inf


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


def test_the_false_alarm_rate_comes_with_its_exact_interval():
    ood_p = np.array([0.01, 0.02, math.nan, 0.5, 0.9])
    assert false_alarm(ood_p, 0.01, 0.9) == (0.4, *interval(2, 5, 0.9), 5)
    assert false_alarm(np.zeros(0), 0.01) == (0.0, 0.0, 1.0, 0)


def test_fusion_learns_mean_and_spread_of_log_scores_from_finite_rows():
    logs = np.array([[0.0, 4.0], [2.0, 4.0]])
    fusion = fit_fusion(np.vstack([np.exp(logs), [[math.nan, 1.0]]]))
    np.testing.assert_allclose(fusion.location, [1.0, 4.0])
    np.testing.assert_allclose(fusion.scale, [1.0, 1.0])


def test_the_fused_score_is_the_loudest_detector_whatever_its_unit():
    rng = np.random.default_rng(1)
    ordinary = np.exp(rng.normal(size=(300, 2)))
    images = np.array([[math.exp(5), 1.0], [1.0, math.exp(5)], [1.0, 1.0], [1.0, math.nan]])
    fused = fuse(fit_fusion(ordinary), images)
    assert fused[0] == pytest.approx(fused[1], rel=0.2)
    assert fused[0] > 4 > fused[2]
    assert math.isnan(fused[3])
    unit = np.array([1000.0, 0.01])
    np.testing.assert_allclose(fuse(fit_fusion(ordinary * unit), images * unit), fused, rtol=1e-9)


def test_a_distance_of_zero_is_ordinary_and_no_fault():
    fused = fuse(fit_fusion(np.array([[1.0], [2.0]])), np.array([[0.0], [1.5]]))
    assert fused[0] < fused[1]


def test_a_fusion_that_cannot_divide_or_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="positive"):
        Fusion(np.zeros(2), np.array([1.0, 0.0]))
    with pytest.raises(ValueError, match="finite row"):
        fit_fusion(np.full((2, 1), math.nan))
    with pytest.raises(ValueError, match=r"\(n, 1\)"):
        fuse(Fusion(np.zeros(1), np.ones(1)), np.zeros((3, 2)))
