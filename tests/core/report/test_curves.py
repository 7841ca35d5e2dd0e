"""ROC and risk against automation, recomputed by other means and read back from the drawing."""

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import roc_curve

from core.report.curves import draw_risk, draw_roc, risk_coverage, roc


def scored(n=300, seed=1):
    rng = np.random.default_rng(seed)
    positive = rng.random(n) < 0.3
    return np.clip(0.35 * positive + rng.random(n) * 0.65, 0, 1).round(2), positive


def test_the_roc_curve_is_that_of_scikit_learn_ties_included():
    scores, positive = scored()
    alarms, hits = roc(scores, positive)
    theirs = roc_curve(positive, scores, drop_intermediate=False)
    np.testing.assert_allclose(alarms, theirs[0])
    np.testing.assert_allclose(hits, theirs[1])


def test_the_roc_drawing_holds_the_numbers(read):
    curve = roc(*scored())
    marked = [(0.2, 0.7, "FAIL limit", "positive")]
    drawing = read(draw_roc("roc", curve, marked, ("bad", "good")))
    np.testing.assert_allclose(drawing.points("line accent"), np.stack(curve, 1), atol=1e-4)
    np.testing.assert_allclose(drawing.dots("positive"), [(0.2, 0.7)], atol=1e-4)


def test_risk_at_every_coverage_is_that_of_the_surest_pictures():
    p, positive = scored()
    curve = risk_coverage(p, positive, np.arange(p.size), total=400)
    confidence = np.maximum(p, 1 - p)
    for share, risk, low, high in zip(curve.x, curve.y, curve.low, curve.high, strict=True):
        n = round(share * 400)
        surest = confidence >= np.sort(confidence)[::-1][n - 1]
        assert surest.sum() == n
        wrong = (p[surest] >= 0.5) != positive[surest]
        assert risk == pytest.approx(wrong.mean())
        if n > 1:
            exact = binomtest(int(wrong.sum()), n).proportion_ci(0.95, "exact")
            assert (low, high) == pytest.approx((exact.low, exact.high), abs=1e-9)
    assert curve.x[-1] == p.size / 400


def test_the_risk_drawing_holds_the_curve_and_the_policy(read):
    p, positive = scored()
    curve = risk_coverage(p, positive, np.arange(p.size), total=p.size)
    drawing = read(draw_risk("risk", curve, (0.4, 0.05, 0.02, 0.11)))
    expected = np.stack([curve.x, curve.y], 1)
    np.testing.assert_allclose(drawing.points("line accent"), expected, atol=1e-4)
    np.testing.assert_allclose(drawing.dots("ink"), [(0.4, 0.05)], atol=1e-4)
    assert "this policy" not in draw_risk("risk", curve, None)
