"""Figures label by label, against scikit-learn and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics as theirs

from core.decision import label_metrics
from core.decision.label_metrics import average_precision, figures


@pytest.fixture(scope="module")
def answers():
    rng = np.random.default_rng(5)
    probabilities = rng.random((200, 3)).round(2)  # rounded: ties on purpose
    targets = rng.random((200, 3)) < probabilities * [0.3, 1.0, 0.9]
    return probabilities, targets


def test_every_figure_of_a_label_is_scikit_learns(answers):
    for p, has in zip(answers[0].T, answers[1].T, strict=True):
        found = figures(p, has, seed=0)
        assert (found["n"], found["positives"]) == (200, has.sum())
        assert found["auroc"] == pytest.approx(theirs.roc_auc_score(has, p))
        assert found["average_precision"] == pytest.approx(theirs.average_precision_score(has, p))
        assert found["sensitivity"] == pytest.approx(theirs.recall_score(has, p >= 0.5))
        expected = theirs.recall_score(has, p >= 0.5, pos_label=0)
        assert found["specificity"] == pytest.approx(expected)


def test_means_over_labels_are_scikit_learns_macro_averages(answers):
    p, has = answers
    found = label_metrics.by_label(p, has, ("a", "b", "c"), seed=0)
    assert list(found["each"]) == ["a", "b", "c"]
    assert found["mean"]["auroc"] == pytest.approx(theirs.roc_auc_score(has, p, average="macro"))
    expected = theirs.average_precision_score(has, p, average="macro")
    assert found["mean"]["average_precision"] == pytest.approx(expected)


def test_a_label_that_no_picture_has_leaves_the_means_to_the_others(answers):
    p, has = answers
    none = np.column_stack([has[:, :2], np.zeros(200, bool)])
    found = label_metrics.by_label(p, none, ("a", "b", "c"), seed=0)
    for name in ("auroc", "average_precision", "sensitivity"):
        assert math.isnan(found["each"]["c"][name])
        two = [found["each"][label][name] for label in "ab"]
        assert found["mean"][name] == pytest.approx(np.mean(two))
    assert found["each"]["c"]["specificity"] == pytest.approx((p[:, 2] < 0.5).mean())


def test_calibrated_labels_lie_at_their_floor_and_overconfident_ones_above():
    rng = np.random.default_rng(6)
    p = rng.uniform(0.05, 0.95, 3000)
    has = rng.random(3000) < p
    fair = figures(p, has, seed=1)
    assert fair["ece"] < 2 * fair["ece_floor"]
    bold = figures((p > 0.5) * 0.98 + 0.01, has, seed=1)
    assert bold["ece"] > 10 * bold["ece_floor"]


def test_no_picture_gives_figures_that_are_not_numbers():
    empty = label_metrics.by_label(np.zeros((0, 2)), np.zeros((0, 2), bool), ("a", "b"), seed=0)
    assert all(math.isnan(value) for value in empty["mean"].values())


def test_scores_that_are_not_numbers_are_refused():
    with pytest.raises(ValueError, match="without NaN"):
        average_precision(np.array([0.1, math.nan]), np.array([True, False]))
