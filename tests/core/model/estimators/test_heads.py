"""Heads as plain arrays, against scikit-learn and against finite differences."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from core.model.estimators import heads
from core.model.fitting import head_fitting


@pytest.fixture(scope="module")
def clouds():
    rng = np.random.default_rng(7)
    labels = rng.integers(0, 3, 150)
    z = (rng.normal(size=(150, 6)) + 1.2 * labels[:, None]).astype(np.float32)
    return z, labels


def test_binary_svm_scores_are_scikit_learns_decision_function(clouds):
    z, labels = clouds
    sides = (labels == 2).astype(np.int64)
    head = head_fitting.fit_svm(z, sides, 2)
    ours = np.array([heads.logits(head, row) for row in z])
    theirs = SVC(C=3.0, gamma=1 / 6, class_weight="balanced").fit(z, sides).decision_function(z)
    np.testing.assert_allclose(ours[:, 1] - ours[:, 0], theirs, atol=1e-4)


def test_multiclass_svm_scores_one_class_against_the_rest(clouds):
    z, labels = clouds
    head = head_fitting.fit_svm(z, labels, 3)
    ours = np.array([heads.logits(head, row) for row in z])
    for side in range(3):
        alone = SVC(C=3.0, gamma=1 / 6, class_weight="balanced").fit(z, labels == side)
        np.testing.assert_allclose(ours[:, side], alone.decision_function(z), atol=1e-4)


@pytest.mark.parametrize("k", [2, 3])
def test_logistic_logits_give_scikit_learns_probabilities(clouds, k):
    z, labels = clouds
    sides = labels if k == 3 else (labels > 0).astype(np.int64)
    head = head_fitting.fit_logistic(z, sides, k)
    ours = np.array([heads.logits(head, row) for row in z])
    chances = np.exp(ours) / np.exp(ours).sum(axis=1, keepdims=True)
    twin = LogisticRegression(C=0.01, max_iter=2000, class_weight="balanced").fit(z, sides)
    np.testing.assert_allclose(chances, twin.predict_proba(z), atol=1e-5)


def test_ridge_of_two_classes_is_scikit_learns_kernel_ridge_weighted_by_class(clouds):
    z, labels = clouds
    sides = labels > 0
    head = head_fitting.fit_ridge(z, sides.astype(np.int64), 2)
    ours = np.array([heads.logits(head, row) for row in z])
    weight = np.where(sides, 0.5 / sides.mean(), 0.5 / (~sides).mean())
    twin = KernelRidge(alpha=0.3, kernel="rbf", gamma=1.0 / z.shape[1])
    twin.fit(z, np.where(sides, 1.0, -1.0), sample_weight=weight)
    np.testing.assert_allclose(ours[:, 1] - ours[:, 0], twin.predict(z), atol=1e-4)


def test_ridge_of_several_classes_is_scikit_learns_around_the_classes_mean(clouds):
    z, labels = clouds
    head = head_fitting.fit_ridge(z, labels, 3)
    ours = np.array([heads.logits(head, row) for row in z])
    signs = np.where(labels[:, None] == np.arange(3), 1.0, -1.0)
    weight = len(z) / (3 * np.bincount(labels))[labels]
    middle = np.full(3, -1 / 3)  # classes weigh the same: one in three is the side's own
    twin = KernelRidge(alpha=0.3, kernel="rbf", gamma=1.0 / z.shape[1])
    twin.fit(z, signs - middle, sample_weight=weight)
    np.testing.assert_allclose(ours, twin.predict(z) + middle, atol=1e-4)


def test_a_committee_adds_its_members_scores_times_their_shares(clouds):
    z, labels = clouds
    shares = {"logistic": np.array([2.0]), "svm": np.array([0.5, 1.0, 3.0]), "ridge": np.ones(3)}
    head = head_fitting.fit_head(head_fitting.ENSEMBLE, z, labels, 3, shares)
    alone = {name: head_fitting.fit_head(name, z, labels, 3, {}) for name in shares}
    for row in z[:20]:
        expected = sum(share * heads.logits(alone[name], row) for name, share in shares.items())
        np.testing.assert_allclose(heads.logits(head, row), expected, rtol=1e-4, atol=1e-4)


def test_kernel_heads_of_other_pictures_are_not_joined(clouds):
    z, labels = clouds
    one, other = (head_fitting.fit_ridge(part, labels[:75], 3) for part in (z[:75], z[75:]))
    with pytest.raises(ValueError, match="every picture of part in whole"):
        heads.add_kernels(one, other)


def make_committee(z, labels, k):
    shares = dict.fromkeys(head_fitting.affordable_heads(len(z)), np.ones(1))
    return head_fitting.fit_head(head_fitting.ENSEMBLE, z, labels, k, shares)


@pytest.mark.parametrize("fit", [head_fitting.fit_svm, head_fitting.fit_logistic, make_committee])
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


@pytest.fixture(scope="module")
def flags(clouds):
    rng = np.random.default_rng(8)
    second = clouds[0][:, 2] + rng.normal(size=150) > 1.5
    return np.column_stack([clouds[1] == 0, clouds[1] > 0, second])


def test_svm_scores_of_several_labels_are_those_of_one_machine_a_label(clouds, flags):
    z = clouds[0]
    head = head_fitting.fit_svm(z, flags, 3)
    ours = np.array([heads.logits(head, row) for row in z])
    for column in range(3):
        alone = SVC(C=3.0, gamma=1 / 6, class_weight="balanced").fit(z, flags[:, column])
        np.testing.assert_allclose(ours[:, column], alone.decision_function(z), atol=2e-3)


def test_logistic_scores_of_several_labels_are_those_of_one_fit_a_label(clouds, flags):
    z = clouds[0]
    head = head_fitting.fit_logistic(z, flags, 3)
    ours = np.array([heads.logits(head, row) for row in z])
    for column in range(3):
        alone = LogisticRegression(C=0.01, max_iter=2000, class_weight="balanced")
        alone.fit(z, flags[:, column])
        np.testing.assert_allclose(ours[:, column], alone.decision_function(z), atol=1e-5)


@pytest.mark.parametrize(
    "fit", [head_fitting.fit_ridge, head_fitting.fit_svm, head_fitting.fit_logistic]
)
def test_a_label_that_all_or_no_pictures_have_scores_the_same_everywhere(clouds, flags, fit):
    z = clouds[0]
    some = np.column_stack([flags, np.zeros(150, bool), np.ones(150, bool)])
    head = fit(z, some, 5)
    ours = np.array([heads.logits(head, row) for row in z])
    assert (ours[:, 3:] == head_fitting.ABSENT).all()
    assert np.ptp(ours[:, :3], axis=0).min() > 0.5


def test_a_class_without_training_pictures_never_wins(clouds):
    z, labels = clouds
    only = labels < 2
    head = head_fitting.fit_svm(z[only], labels[only], 3)
    assert all(heads.logits(head, row).argmax() < 2 for row in z)


@pytest.mark.parametrize("name", [*head_fitting.HEAD_FITTERS, head_fitting.ENSEMBLE])
def test_pictures_of_one_class_teach_nothing(clouds, name):
    z, labels = clouds
    shares = {one: np.ones(1) for one in ("ridge", "svm", "logistic")}
    head = head_fitting.fit_head(name, z[labels == 1], labels[labels == 1], 3, shares)
    assert not np.any([heads.logits(head, row) for row in z])
