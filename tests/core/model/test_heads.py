"""Heads as plain arrays, against scikit-learn and against finite differences."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from core.model import fitting, heads


@pytest.fixture(scope="module")
def clouds():
    rng = np.random.default_rng(7)
    labels = rng.integers(0, 3, 150)
    z = (rng.normal(size=(150, 6)) + 1.2 * labels[:, None]).astype(np.float32)
    return z, labels


def test_binary_svm_scores_are_scikit_learns_decision_function(clouds):
    z, labels = clouds
    sides = (labels == 2).astype(np.int64)
    head = fitting.fit_svm(z, sides, 2)
    ours = np.array([heads.logits(head, row) for row in z])
    theirs = SVC(C=3.0, gamma=1 / 6, class_weight="balanced").fit(z, sides).decision_function(z)
    np.testing.assert_allclose(ours[:, 1] - ours[:, 0], theirs, atol=1e-4)


def test_multiclass_svm_scores_one_class_against_the_rest(clouds):
    z, labels = clouds
    head = fitting.fit_svm(z, labels, 3)
    ours = np.array([heads.logits(head, row) for row in z])
    for side in range(3):
        alone = SVC(C=3.0, gamma=1 / 6, class_weight="balanced").fit(z, labels == side)
        np.testing.assert_allclose(ours[:, side], alone.decision_function(z), atol=1e-4)


@pytest.mark.parametrize("k", [2, 3])
def test_logistic_logits_give_scikit_learns_probabilities(clouds, k):
    z, labels = clouds
    sides = labels if k == 3 else (labels > 0).astype(np.int64)
    head = fitting.fit_logistic(z, sides, k)
    ours = np.array([heads.logits(head, row) for row in z])
    chances = np.exp(ours) / np.exp(ours).sum(axis=1, keepdims=True)
    twin = LogisticRegression(C=0.01, max_iter=2000, class_weight="balanced").fit(z, sides)
    np.testing.assert_allclose(chances, twin.predict_proba(z), atol=1e-5)


@pytest.mark.parametrize("k", [2, 3])
def test_discriminant_logits_give_scikit_learns_probabilities(clouds, k):
    z, labels = clouds
    sides = labels if k == 3 else (labels > 0).astype(np.int64)
    head = fitting.fit_discriminant(z, sides, k)
    ours = np.array([heads.logits(head, row) for row in z])
    chances = np.exp(ours) / np.exp(ours).sum(axis=1, keepdims=True)
    twin = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=[1 / k] * k)
    np.testing.assert_allclose(chances, twin.fit(z, sides).predict_proba(z), atol=1e-4)


@pytest.mark.parametrize("fit", [fitting.fit_svm, fitting.fit_logistic])
def test_gradient_is_the_slope_of_the_logits(clouds, fit):
    z, labels = clouds
    head = fit(z, labels, 3)
    direction = np.array([1.0, -0.5, 0.25])
    point = z[11].astype(np.float64)

    def along(x):
        return float(direction @ heads.logits(head, x.astype(np.float32)))

    slope = approx_fprime(point, along, 3e-3)
    np.testing.assert_allclose(
        heads.gradient(head, z[11], direction), slope, atol=0.02 * np.abs(slope).max()
    )


def test_a_class_without_training_pictures_never_wins(clouds):
    z, labels = clouds
    only = labels < 2
    head = fitting.fit_svm(z[only], labels[only], 3)
    assert all(heads.logits(head, row).argmax() < 2 for row in z)
