"""The gate's score, its level on ordinary pictures, and what it does as pictures get worse."""

import math

import numpy as np
import pytest
from scipy.stats import betabinom
from sklearn.covariance import LedoitWolf
from sklearn.metrics.pairwise import cosine_distances

from core.decision.ood import conformal_p
from core.decision.splits import folds
from core.imaging.decode import decode
from core.model.estimators.gate import NEIGHBOURS, fit_gate
from core.types import Frame
from tests.benchmarks.shifts import LADDERS, shifted, suits

GATED = 8


def features(n, seed, width=40):
    """Two quarters, the second three times as wide; correlated, as features are."""
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(99).normal(size=(width, width)) / math.sqrt(width)
    wild = rng.random(n) < 0.3
    own = rng.normal(size=(n, width)) * np.where(wild, 3.0, 1.0)[:, None]
    own[:, GATED:] += 4.0 * np.where(wild, 1.0, -1.0)[:, None]
    return (own @ mixing + own).astype(np.float32), wild


def fitted(z, seed=0):
    names = np.arange(len(z)).astype(np.str_)
    fold = folds(np.zeros(len(z), np.int64), names, 5, seed)
    return *fit_gate(z, GATED, fold, seed)[:2], fold


def by_hand(train, asked):
    """Both distances of each picture asked about, and its neighbours among those of train."""
    middle = LedoitWolf().fit(train[:, :GATED].astype(np.float64))
    squared = middle.mahalanobis(asked[:, :GATED].astype(np.float64)) / GATED
    late = train[:, GATED:].astype(np.float64)
    directions = np.linalg.svd(late, full_matrices=False)[2][:128]
    apart = cosine_distances(asked[:, GATED:] @ directions.T, late @ directions.T)
    nearest = np.argsort(apart, axis=1)[:, :NEIGHBOURS]
    return np.log(squared) + 0.5 * np.log(np.sort(apart, 1)[:, :NEIGHBOURS].mean(1)), nearest


def test_the_score_is_that_of_an_independent_implementation():
    z, _ = features(120, 1)
    gate, scores, fold = fitted(z)
    own = np.zeros(len(z))
    beside = np.zeros((len(z), NEIGHBOURS), np.intp)
    for held_out in range(5):
        rest = np.flatnonzero(fold != held_out)
        own[fold == held_out], nearest = by_hand(z[rest], z[fold == held_out])
        beside[fold == held_out] = rest[nearest]
    np.testing.assert_allclose(scores, own - 0.5 * own[beside].mean(axis=1), atol=1e-4)
    np.testing.assert_array_equal(gate.reference, np.sort(scores))
    new, _ = features(30, 2)
    alone, nearest = by_hand(z, new)
    expected = alone - 0.5 * own[nearest].mean(axis=1)
    np.testing.assert_allclose([gate.score(row) for row in new], expected, atol=1e-4)


def test_ordinary_pictures_are_flagged_at_the_level_asked_for():
    m, n, alpha = 199, 150, 0.05
    law = betabinom(n, 10, 190)  # 10 = floor(alpha (m + 1)) ranks are flagged
    counts = []
    for seed in range(20):
        gate, _, _ = fitted(features(m, 2 * seed)[0], seed)
        new = features(n, 2 * seed + 1)[0]
        p = conformal_p(np.array([gate.score(row) for row in new]), gate.reference)
        counts.append(np.count_nonzero(p <= alpha))
    assert max(counts) <= law.ppf(1 - 1e-6)
    assert 0.2 * alpha < np.mean(counts) / n < alpha + 3 * law.std() / n / math.sqrt(20)


def test_a_shift_in_a_calm_quarter_shows_although_a_wild_one_spreads_wider():
    z, _ = features(400, 5)
    gate, _, _ = fitted(z)
    new, wild = features(200, 6)
    way = np.where(np.arange(40) % 2, 8.0, -8.0) * (np.arange(40) < GATED)
    moved = new[~wild] + way.astype(np.float32)
    limit = np.quantile(gate.reference, 0.95)
    relative = np.mean([gate.score(row) > limit for row in moved])
    plain = LedoitWolf().fit(z[:, :GATED])
    plain_limit = np.quantile(plain.mahalanobis(z[:, :GATED]), 0.95)
    absolute = np.mean(plain.mahalanobis(moved[:, :GATED]) > plain_limit)
    assert relative > absolute + 0.3


def test_a_picture_that_is_known_scores_low_and_nan_is_passed_on():
    z, _ = features(60, 8)
    gate, scores, _ = fitted(z)
    assert gate.score(z[3]) < scores[3]
    assert math.isnan(gate.score(np.where(np.arange(40) == 20, np.nan, z[3]).astype(np.float32)))
    assert math.isnan(gate.score(np.where(np.arange(40) == 2, np.nan, z[3]).astype(np.float32)))


def test_a_backbone_with_nothing_but_gate_features_is_gated_by_all_of_them():
    z, _ = features(60, 9, width=GATED)
    gate, _, _ = fitted(z)
    assert gate.accepts(GATED)
    assert not gate.accepts(GATED + 1)
    far = gate.score(np.full(GATED, 40.0, np.float32))
    assert far > gate.reference[-1]


def test_five_pictures_are_enough_to_fit_it():
    z, _ = features(5, 3)
    gate, scores, _ = fitted(z)
    assert np.isfinite(scores).all()
    assert np.isfinite(gate.score(features(1, 4)[0][0]))


@pytest.fixture(scope="module")
def climbed(tiny_product):
    """The mean score and the share flagged at 5 % of plates on every step of every ladder."""
    bundle, _ = tiny_product.opened()
    plates = [decode(p.read_bytes(), 10**6, 0) for p in tiny_product.pictures("test", "good")[:5]]
    found = {}
    for ladder in LADDERS:
        if not suits(ladder, plates[0].pixels):
            continue
        for step in (0, 1, 3, 5):
            scores = np.array([_score(bundle, plate, ladder, step) for plate in plates])
            p = conformal_p(scores, bundle.model.gate.reference)
            found[ladder, step] = float(scores.mean()), float(np.mean(p <= 0.05))
    return found


def _score(bundle, plate: Frame, ladder, step):
    pixels = plate.pixels
    if step:
        pixels = shifted(pixels, ladder, step, np.random.default_rng(1))
    ready = bundle.pack.prepare(Frame(pixels, 8, "", plate.source_size), bundle.backbone.size)
    return bundle.model.evidence(bundle.network.extract(ready.pixels), ready).ood_score


def test_detection_grows_with_severity_on_every_ladder(climbed):
    for ladder in {ladder for ladder, _ in climbed}:
        still, low, middle, high = (climbed[ladder, step] for step in (0, 1, 3, 5))
        # Not at every step: past recognition a picture may resemble what was learned a little less.
        assert still[0] < middle[0], ladder
        assert low[0] < high[0], ladder
        assert still[1] <= middle[1] <= high[1], ladder


def test_gross_shifts_are_flagged_and_untouched_plates_are_not(climbed):
    assert {climbed[ladder, 5][1] for ladder in ("blur", "noise", "rotation", "JPEG")} == {1.0}
    assert climbed["blur", 0][1] <= 0.2
