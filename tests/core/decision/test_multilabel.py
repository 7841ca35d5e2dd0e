"""Independent probabilities: how they are fitted, and the labels they predict."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import check_grad
from scipy.special import expit
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression

from core.decision import multilabel
from core.decision.multilabel import Sigmoids, apply, choose_labels, fit, nll, rarest, with_roll_up


def scored(n, scale, bias, seed=0):
    """Scores with labels that follow sigmoid(scale * score + bias), a column each."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(0, 1.5, (n, len(scale)))
    return scores, rng.random(scores.shape) < expit(np.array(scale) * scores + np.array(bias))


def test_each_column_alone_is_scikit_learns_platt_scaling():
    scores, targets = scored(300, (0.6, 2.0, 1.0), (0.5, -2.0, -3.0))
    ours = apply(fit(scores, targets, shrinkage=0.0), scores)
    for column in range(3):
        # A logistic regression of weight 1 whose decision function is the score itself.
        plain = LogisticRegression().fit([[-1.0], [1.0]], [0, 1])
        plain.coef_, plain.intercept_ = np.array([[1.0]]), np.zeros(1)
        one = scores[:, [column]]
        theirs = CalibratedClassifierCV(FrozenEstimator(plain), method="sigmoid")
        expected = theirs.fit(one, targets[:, column]).predict_proba(one)[:, 1]
        np.testing.assert_allclose(ours[:, column], expected, atol=2e-4)


def test_with_many_pictures_the_pull_is_forgotten_and_the_truth_is_found():
    scale, bias = (0.5, 1.0, 3.0), (1.0, -1.0, -2.0)
    found = fit(*scored(40_000, scale, bias))
    np.testing.assert_allclose(found.scale, scale, rtol=0.05)
    np.testing.assert_allclose(found.bias, bias, atol=0.1)


def test_the_mean_probability_of_a_label_is_how_common_it_is():
    scores, targets = scored(500, (1.0, 0.2, 2.0), (-4.5, 0.0, -1.0))
    observed = targets.sum(axis=0)
    smoothed = (
        observed * (observed + 1) / (observed + 2) + (500 - observed) / (502 - observed)
    ) / 500
    found = apply(fit(scores, targets), scores)
    np.testing.assert_allclose(found.mean(axis=0), smoothed, atol=1e-6)


@pytest.mark.parametrize("place", [200, 398])
def test_a_label_with_few_pictures_borrows_the_scale_of_the_others(place):
    scores, targets = scored(400, (1.0, 1.2, 0.9, 1.0), (0.0, -0.5, 0.3, 0.0))
    # Two pictures, in the middle (alone they say the score is worth nothing) or at the top (all).
    rank = scores[:, 3].argsort().argsort()
    targets[:, 3] = (rank >= place) & (rank < place + 2)
    alone, together = fit(scores, targets, shrinkage=0.0), fit(scores, targets)
    common = np.mean(alone.scale[:3])
    assert abs(together.scale[3] - common) < 0.75 * abs(alone.scale[3] - common)
    np.testing.assert_allclose(together.scale[:3], alone.scale[:3], rtol=0.03)


@pytest.mark.parametrize("n", [0, 1, 7])
def test_labels_never_or_always_seen_and_silent_scores_give_finite_probabilities(n):
    rng = np.random.default_rng(1)
    scores = np.column_stack([rng.normal(size=n), np.zeros(n), rng.normal(size=n)])
    targets = np.column_stack([np.zeros(n), np.ones(n), rng.random(n) < 0.5]).astype(bool)
    found = apply(fit(scores, targets), scores)
    assert ((found > 0.0) & (found < 1.0)).all()
    assert (found[:, 0] < 0.5).all()
    assert (found[:, 1] > 0.5).all()


def test_scores_that_mislead_are_not_turned_round():
    scores, targets = scored(300, (2.0, 1.0), (0.0, 0.0))
    found = fit(np.column_stack([-scores[:, 0], scores[:, 1]]), targets)
    assert (found.scale > 0.0).all()
    assert np.ptp(apply(found, scores)[:, 0]) < 0.5


def test_an_unreadable_row_becomes_nan_alone_and_teaches_nothing():
    scores, targets = scored(100, (1.0, 1.0), (0.0, 0.0))
    more = np.vstack([scores, [[math.nan, 0.0], [0.0, math.inf]]])
    found = fit(more, np.vstack([targets, np.ones((2, 2), bool)]))
    np.testing.assert_array_equal(found.scale, fit(scores, targets).scale)
    out = apply(found, more)
    assert np.isnan(out[-2:]).all()
    assert not np.isnan(out[:-2]).any()
    np.testing.assert_array_equal(apply(found, np.array([[1e308, -1e308]])), [[1.0, 0.0]])


@pytest.mark.parametrize("scales", [1, 3])
def test_the_gradient_is_the_slope_of_the_loss(scales):
    scores, targets = scored(40, (1.0, 2.0, 0.5), (0.0, 1.0, -1.0))
    soft = multilabel._smoothed(targets)
    point = np.abs(np.random.default_rng(2).normal(size=scales + 3))
    error = check_grad(
        lambda x: multilabel._loss(x, scores, soft, 4.0)[0],
        lambda x: multilabel._loss(x, scores, soft, 4.0)[1],
        point,
    )
    assert error < 1e-6


def test_likelihood_counts_the_roll_up_as_much_as_all_labels_together():
    probabilities = np.array([[0.5, 0.9, 0.8], [0.5, 0.2, 0.4]])
    targets = np.array([[True, True, True], [False, False, False]])
    labels = (-math.log(0.5) - math.log(0.9) / 2 - math.log(0.8) / 2) / 2
    roll_up = -(math.log(0.8) + math.log(0.6)) / 2
    assert nll(probabilities, targets) == pytest.approx((labels + roll_up) / 2)


def test_a_picture_is_balanced_by_its_rarest_label_which_tells_its_side():
    # good, scratch, stain
    targets = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 1], [0, 1, 0], [1, 0, 0], [0, 0, 1]], bool)
    positive = np.array([False, True, True])
    np.testing.assert_array_equal(rarest(targets), [0, 1, 2, 1, 0, 2])
    np.testing.assert_array_equal(positive[rarest(targets)], with_roll_up(targets, positive)[:, -1])
    labels = np.random.default_rng(3).integers(0, 5, 50)
    np.testing.assert_array_equal(rarest(np.eye(5, dtype=bool)[labels]), labels)


def test_all_labels_are_predicted_of_the_side_from_one_half_on_or_the_best():
    # good, scratch, stain
    p = np.array([[0.6, 0.7, 0.5], [0.6, 0.7, 0.5], [0.6, 0.2, 0.3]])
    found = choose_labels(p, np.array([True, False, True]), np.array([False, True, True]))
    np.testing.assert_array_equal(found, [[0, 1, 1], [1, 0, 0], [0, 0, 1]])


@pytest.mark.parametrize(
    ("scale", "bias"),
    [([1.0, 0.0], [0.0, 0.0]), ([1.0], [0.0, 0.0]), ([1.0], [math.nan]), ([math.inf], [0.0])],
)
def test_sigmoids_that_give_no_probabilities_are_refused(scale, bias):
    with pytest.raises(ValueError, match="scale, bias"):
        Sigmoids(np.array(scale), np.array(bias))


def test_shapes_that_do_not_belong_together_are_refused():
    with pytest.raises(ValueError, match="expected \\(n, 2\\)"):
        apply(Sigmoids(np.ones(2), np.zeros(2)), np.zeros((4, 3)))
    with pytest.raises(ValueError, match="targets bool"):
        fit(np.zeros((4, 2)), np.zeros((4, 2), np.int64))
