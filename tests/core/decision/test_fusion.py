"""Fusion: known mixtures are found again, useless experts are silenced."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from core.decision.fusion import choose_weights, fit_weights, fuse


def two_sided(margin):
    return np.stack([-margin / 2, margin / 2], axis=-1)


def drawn(n=4000, seed=0):
    """Two experts that each see one half of what decides, and one that sees nothing."""
    rng = np.random.default_rng(seed)
    one, other, nothing = rng.normal(size=(3, n))
    labels = (rng.random(n) < 1 / (1 + np.exp(-(3 * one + 1 * other)))).astype(np.int64)
    return two_sided(np.stack([one, other, nothing])), labels


def test_the_ratio_of_two_experts_is_the_one_they_were_drawn_with():
    scores, labels = drawn()
    weights = fit_weights(scores, labels)
    assert weights.sum() == pytest.approx(1.0)
    assert weights[0] / weights[1] == pytest.approx(3.0, rel=0.15)
    assert weights[2] < 0.03


def test_the_ratio_does_not_depend_on_the_scale_an_expert_speaks_in():
    scores, labels = drawn()
    loud = scores * np.array([1.0, 50.0, 1.0])[:, None, None]
    plain, scaled = fit_weights(scores, labels), fit_weights(loud, labels)
    assert scaled[1] / scaled[0] * 50.0 == pytest.approx(plain[1] / plain[0], rel=0.02)


def test_two_classes_agree_with_logistic_regression_on_the_margins():
    scores, labels = drawn(800)
    margins = (scores[:2, :, 1] - scores[:2, :, 0]).T
    reference = LogisticRegression(C=1e6).fit(margins, labels).coef_[0]
    weights = fit_weights(scores[:2], labels)
    assert weights[0] / weights[1] == pytest.approx(reference[0] / reference[1], rel=0.02)


def test_an_expert_that_contradicts_the_truth_gets_no_say():
    scores, labels = drawn(1000)
    weights = fit_weights(np.stack([scores[0], -scores[1]]), labels)
    assert weights[1] == 0.0


def test_a_silenced_expert_may_say_anything():
    scores = np.stack([np.ones((3, 2)), np.full((3, 2), np.nan)])
    np.testing.assert_array_equal(fuse(scores, np.array([2.0, 0.0])), np.full((3, 2), 2.0))


def test_the_best_expert_alone_is_kept_when_the_others_add_noise_only():
    scores, labels = drawn(300, seed=3)
    weights = choose_weights(scores[[2, 0]], labels, np.arange(300), seed=0)
    assert weights[1] > 0.95 * weights.sum()


def test_all_together_win_where_each_knows_a_part():
    scores, labels = drawn(1000)
    weights = choose_weights(scores[:2], labels, np.arange(1000), seed=0)
    assert weights.min() > 0.1


def test_too_few_groups_of_a_class_fall_back_on_the_first():
    scores, labels = drawn(40)
    groups = np.where(labels == 1, 0, np.arange(40))
    np.testing.assert_array_equal(choose_weights(scores, labels, groups, 0), [1.0, 0.0, 0.0])


def test_a_third_class_of_one_group_does_not_silence_the_better_expert():
    scores, labels = drawn(300, seed=3)
    wide = np.pad(scores[[2, 0]], ((0, 0), (0, 0), (0, 1)), constant_values=-3.0)
    labels = labels.copy()
    labels[0] = 2
    weights = choose_weights(wide, labels, np.arange(300), seed=0)
    assert weights[1] > 0.5 * weights.sum()


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match=r"expected \(e, n, k\)"):
        fit_weights(np.zeros((3, 2)), np.zeros(3, np.int64))
