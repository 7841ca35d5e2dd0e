"""The reliability diagram shows what was seen, and its band what a perfect predictor shows."""

import re

import numpy as np
import pytest
from scipy.stats import binom
from sklearn.calibration import calibration_curve

from core.decision.metrics import ece
from core.report.reliability import draw_probabilities, draw_reliability, reliability


def predicted(n=1500, seed=0):
    rng = np.random.default_rng(seed)
    p = rng.beta(0.6, 1.0, n)
    return p, rng.random(n) < p


def test_bins_are_those_of_scikit_learn_by_quantiles():
    p, true = predicted()
    observed, stated = calibration_curve(true, p, n_bins=15, strategy="quantile")
    found = reliability(p, true)
    np.testing.assert_allclose(found.stated, stated, atol=1e-12)
    np.testing.assert_allclose(found.observed, observed, atol=1e-12)


def test_gaps_weighted_by_pictures_are_the_calibration_error():
    p, true = predicted(n=777)
    p = p.round(2)
    found = reliability(p, true)
    gaps = np.abs(found.stated - found.observed) @ found.count / p.size
    assert gaps == pytest.approx(ece(np.stack([1 - p, p], 1), true.astype(int)))


def test_a_perfect_predictor_leaves_the_band_as_often_as_it_may():
    outside = total = 0
    for seed in range(12):
        found = reliability(*predicted(seed=seed), seed=99)
        outside += int(((found.observed < found.low) | (found.observed > found.high)).sum())
        total += found.count.size
    # At most 5 % a bin, less where few outcomes are possible.
    assert outside <= binom.ppf(1 - 1e-6, total, 0.05)
    assert outside > 0


def test_an_overconfident_predictor_leaves_the_band(read):
    p, true = predicted()
    sure = 1 / (1 + np.exp(-3 * np.log(p / (1 - p))))
    found = reliability(sure, true)
    assert ((found.observed < found.low) | (found.observed > found.high)).sum() >= 6


def test_the_drawing_holds_the_numbers(read):
    p, true = predicted()
    found = reliability(p, true)
    drawing = read(draw_reliability("r", found, "positive"))
    expected = np.stack([found.stated, found.observed], 1)
    np.testing.assert_allclose(drawing.points("line accent"), expected, atol=1e-4)
    np.testing.assert_allclose(drawing.dots("accent"), expected, atol=1e-4)
    band = drawing.points("band defer")
    np.testing.assert_allclose(band[: found.low.size, 1], found.low, atol=1e-4)
    np.testing.assert_allclose(band[found.low.size :, 1], found.high[::-1], atol=1e-4)


def test_histogram_bars_add_up_to_the_pictures_of_each_side():
    p, true = predicted()
    svg = draw_probabilities("h", p, true, ((0.1, "PASS"), (None, "FAIL")), ("bad", "good"))
    for kind, count in (("positive", true.sum()), ("negative", (~true).sum())):
        heights = [float(h) for h in re.findall(rf'height="([\d.]+)" class="bar {kind}"', svg)]
        side = p[true if kind == "positive" else ~true]
        most = np.histogram(side, np.linspace(0, 1, 26))[0].max()
        assert sum(heights) / max(heights) * most == pytest.approx(count, rel=1e-3)
    assert "PASS" in svg
    assert "FAIL" not in svg
