"""Certificates against MAPIE's Learn-then-Test controller and SciPy's exact binomial test."""

from __future__ import annotations

import numpy as np
import pytest
from mapie.risk_control import BinaryClassificationController, BinaryRisk
from scipy.stats import binom, binomtest

from core.decision.certificate import interval, upper_bound
from core.decision.policy import Cases, certify
from core.types import Targets


def scored(n, seed):
    rng = np.random.default_rng(seed)
    positive = rng.random(n) < 0.35
    p = np.where(positive, rng.beta(4, 1.2, n), rng.beta(1.2, 4, n))
    return Cases(p, np.ones(n), np.ones(n, bool), positive, np.arange(n).astype(str))


def single_columns(x):
    """Serve a column of positive probabilities as MAPIE's predict_proba."""
    return np.hstack([1 - x, x])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("alpha", [0.05, 0.1, 0.2])
def test_mapie_certifies_the_same_escape_limit(seed, alpha):
    """MAPIE calls positive what is >= its limit, we let through what is <= ours: q = 1 - p.

    On q, "called" means let through, and MAPIE's risk P(called | positive) is our escape rate.
    """
    cal, oof = scored(400, seed), scored(150, seed + 100)
    policy = certify(cal, oof, Targets(escape=alpha, overkill=1e-9, confidence=0.9), bundle="b")
    limits = np.unique(np.concatenate([[0.0, 1.0], oof.positive_probability]))
    escape = BinaryRisk(
        risk_occurrence=lambda y_true, y_pred: y_pred == 1,
        risk_condition=lambda y_true, y_pred: y_true == 1,
        higher_is_better=False,
    )
    controller = BinaryClassificationController(
        single_columns,
        escape,
        target_level=alpha,
        confidence_level=0.9,
        best_predict_param_choice=escape,
        list_predict_params=1 - limits,
        fwer_method="fixed_sequence",
    )
    controller.calibrate(1 - cal.positive_probability[:, None], cal.positive.astype(int))
    assert policy.t_neg == pytest.approx(1 - controller.valid_predict_params.min(), abs=1e-12)
    k_below = (cal.positive & (cal.positive_probability <= policy.t_neg)).sum()
    assert policy.escape.k == k_below


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("alpha", [0.02, 0.1])
def test_mapie_certifies_the_same_overkill_limit(seed, alpha):
    cal, oof = scored(500, seed), scored(150, seed + 100)
    policy = certify(cal, oof, Targets(escape=1e-9, overkill=alpha, confidence=0.95), bundle="b")
    controller = BinaryClassificationController(
        single_columns,
        "fpr",
        target_level=alpha,
        confidence_level=0.95,
        list_predict_params=np.unique(np.concatenate([[0.0, 1.0], oof.positive_probability])),
        fwer_method="fixed_sequence",
    )
    controller.calibrate(cal.positive_probability[:, None], cal.positive.astype(int))
    assert policy.t_pos == controller.valid_predict_params.min()


@pytest.mark.parametrize("n", [1, 10, 59, 300, 2995])
def test_bounds_match_scipys_exact_binomial_test(n):
    for k in {0, 1, n // 10, n // 2, n - 1, n}:
        two_sided = binomtest(k, n).proportion_ci(0.95, method="exact")
        assert interval(k, n) == pytest.approx((two_sided.low, two_sided.high), abs=1e-9)
        one_sided = binomtest(k, n, alternative="less").proportion_ci(0.9, method="exact")
        assert upper_bound(k, n, 0.9) == pytest.approx(one_sided.high, abs=1e-9)


@pytest.mark.parametrize("rate", [0.003, 0.05, 0.3])
def test_the_bound_covers_the_true_rate_at_least_as_often_as_stated(rate):
    for n in (5, 60, 400):
        k = np.arange(n + 1)
        covered = np.array([upper_bound(int(i), n, 0.9) >= rate for i in k])
        assert binom.pmf(k, n, rate)[covered].sum() >= 0.9 - 1e-12
