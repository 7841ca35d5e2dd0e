import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn import metrics as reference

from core.model.finetune.figures import figures


def test_the_figures_of_classes_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    logits, true = 2 * rng.normal(size=(200, 4)), rng.integers(0, 4, 200)
    result = logits.argmax(axis=1)
    epoch, table = figures(3, 0.7, logits, np.eye(4)[true], is_multilabel=False)
    precision, recall, f1, _ = reference.precision_recall_fscore_support(
        true, result, average="macro"
    )
    assert (epoch.number, epoch.learning) == (3, 0.7)
    assert epoch.loss == pytest.approx(reference.log_loss(true, softmax(logits, axis=1)))
    assert epoch.accuracy == pytest.approx(reference.accuracy_score(true, result))
    assert (epoch.precision, epoch.recall, epoch.f1) == pytest.approx((precision, recall, f1))
    assert epoch.confidence == pytest.approx(softmax(logits, axis=1).max(axis=1).mean())
    assert np.array_equal(table, reference.confusion_matrix(true, result))


def test_the_figures_of_several_labels_are_those_of_scikit_learn():
    rng = np.random.default_rng(1)
    logits, true = rng.normal(size=(200, 3)), rng.random((200, 3)) < 0.3
    result = logits > 0
    epoch, table = figures(1, 0.0, logits, true.astype(float), is_multilabel=True)
    precision, recall, f1, _ = reference.precision_recall_fscore_support(
        true, result, average="macro"
    )
    p = expit(logits)
    assert (epoch.precision, epoch.recall, epoch.f1) == pytest.approx((precision, recall, f1))
    assert epoch.loss == pytest.approx(-np.log(np.where(true, p, 1 - p)).mean())
    assert epoch.confidence == pytest.approx(np.maximum(p, 1 - p).mean())
    assert epoch.accuracy == pytest.approx((result == true).mean())
    assert np.array_equal(table, reference.multilabel_confusion_matrix(true, result))


def test_an_uncertain_label_is_fitted_best_by_its_own_probability():
    targets = np.array([[0.3, 0.7]])
    losses = {
        p: figures(1, 0.0, np.log([[1 - p, p]]), targets, is_multilabel=False)[0].loss
        for p in (0.5, 0.7, 0.9)
    }
    assert min(losses, key=losses.__getitem__) == 0.7


def test_a_class_that_no_picture_shows_counts_only_when_it_is_said():
    logits = np.array([[5.0, 0.0, 0.0], [0.0, 5.0, 0.0]])
    epoch, _ = figures(1, 0.0, logits, np.eye(3)[[0, 1]], is_multilabel=False)
    assert (epoch.precision, epoch.recall, epoch.f1) == (1.0, 1.0, 1.0)
    wrong, _ = figures(1, 0.0, logits[:, ::-1], np.eye(3)[[0, 1]], is_multilabel=False)
    assert wrong.recall == pytest.approx(0.5)
    assert wrong.precision == pytest.approx(1 / 3)
