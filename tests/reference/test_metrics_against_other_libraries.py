"""Metrics and calibration against scikit-learn and torchmetrics."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.calibration import _SigmoidCalibration, calibration_curve
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    brier_score_loss,
    log_loss,
    roc_auc_score,
    roc_curve,
)
from torchmetrics.functional.classification import (
    binary_auroc,
    binary_calibration_error,
    multiclass_calibration_error,
)

from core.decision.calibration import apply, fit
from core.decision.metrics import (
    accuracy,
    auroc,
    balanced_accuracy,
    brier,
    ece,
    fpr_at_tpr,
    nll,
)


@pytest.fixture(params=[0, 1, 2])
def rng(request):
    return np.random.default_rng(request.param)


def binary(p):
    return np.stack([1 - p, p], axis=1)


def test_auroc_is_that_of_sklearn_and_torchmetrics(rng):
    positive = rng.random(300) < 0.2
    scores = np.round(rng.random(300) + 0.3 * positive, 2)
    assert auroc(scores, positive) == pytest.approx(roc_auc_score(positive, scores), abs=1e-12)
    other = binary_auroc(torch.tensor(scores / 2), torch.tensor(positive.astype(int)))
    assert auroc(scores, positive) == pytest.approx(float(other), abs=1e-6)


def test_accuracies_are_those_of_sklearn(rng):
    labels = rng.choice(4, 200, p=[0.6, 0.2, 0.15, 0.05])
    predicted = np.where(rng.random(200) < 0.7, labels, rng.integers(0, 4, 200))
    assert accuracy(labels, predicted) == pytest.approx(accuracy_score(labels, predicted))
    expected = balanced_accuracy_score(labels, predicted)
    assert balanced_accuracy(labels, predicted) == pytest.approx(expected)


@pytest.mark.parametrize("classes", [2, 5])
def test_brier_and_nll_are_those_of_sklearn(rng, classes):
    probabilities = rng.dirichlet(np.ones(classes), 150)
    labels = rng.integers(0, classes, 150)
    known = list(range(classes))
    scored = probabilities if classes > 2 else probabilities[:, 1]
    expected = brier_score_loss(labels, scored, labels=known)
    assert brier(probabilities, labels) == pytest.approx(expected)
    assert nll(probabilities, labels) == pytest.approx(
        log_loss(labels, probabilities, labels=known)
    )


def test_ece_is_that_of_torchmetrics_where_equal_mass_is_equal_width(rng):
    p = (np.arange(1500) + 0.5) / 1500
    labels = (rng.random(1500) < p**1.5).astype(int)
    other = binary_calibration_error(torch.tensor(p), torch.tensor(labels), n_bins=15)
    assert ece(binary(p), labels) == pytest.approx(float(other), abs=1e-6)


def test_ece_of_the_top_label_is_that_of_torchmetrics(rng):
    top = 0.4 + 0.6 * (np.arange(1200) + 0.5) / 1200
    probabilities = np.stack([top, (1 - top) * 0.6, (1 - top) * 0.4], axis=1)
    labels = np.where(rng.random(1200) < top**2, 0, rng.integers(1, 3, 1200))
    # Fifteen equal widths over [0, 1]: nine of them hold the range [0.4, 1] in equal shares.
    other = multiclass_calibration_error(
        torch.tensor(probabilities), torch.tensor(labels), num_classes=3, n_bins=15
    )
    assert ece(probabilities, labels, bins=9) == pytest.approx(float(other), abs=1e-6)


def test_ece_of_skewed_scores_is_that_of_sklearns_quantile_curve(rng):
    p = rng.beta(0.5, 3, 1500)
    labels = (rng.random(1500) < p).astype(int)
    frequency, stated = calibration_curve(labels, p, n_bins=15, strategy="quantile")
    assert ece(binary(p), labels) == pytest.approx(np.abs(frequency - stated).mean(), abs=5e-4)


def test_fpr_at_tpr_is_read_off_sklearns_curve(rng):
    ordinary, ood = rng.normal(0, 1, 200), rng.normal(2, 1, 100)
    kept = np.concatenate([np.ones(200), np.zeros(100)])
    fpr, tpr, _ = roc_curve(kept, -np.concatenate([ordinary, ood]), drop_intermediate=False)
    assert fpr_at_tpr(ordinary, ood) == fpr[np.argmax(tpr >= 0.95)]


def test_platt_is_that_of_sklearn(rng):
    scores = rng.normal(0, 2, 400)
    labels = (rng.random(400) < 1 / (1 + np.exp(0.7 - 1.4 * scores))).astype(int)
    columns = np.stack([-scores / 2, scores / 2], axis=1)
    ours = apply(fit("platt", columns, labels), columns)[:, 1]
    theirs = _SigmoidCalibration().fit(scores, labels).predict(scores)
    np.testing.assert_allclose(ours, theirs, atol=2e-4)
