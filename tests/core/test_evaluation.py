"""The figures of `assay evaluate`, against figures worked out by other means."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, brier_score_loss, recall_score

from core.evaluation import LabelledVerdicts, by_column, measure_ood, sensitivities, summarise

NEGATIVE, POSITIVE, DEFER = "negative", "positive", "defer"


def cases(n=200, seed=0, *, is_multilabel=False):
    """LabelledVerdicts pictures of the classes good, dent and scratch, two to a group."""
    rng = np.random.default_rng(seed)
    labels = np.eye(3, dtype=bool)[rng.integers(0, 3, n)]
    if is_multilabel:
        labels[labels[:, 1], 2] = rng.random(labels[:, 1].sum()) < 0.5
    raw = np.exp(rng.normal(size=(n, 3)) + 2.0 * labels)
    p = raw / (1 + raw) if is_multilabel else raw / raw.sum(axis=1, keepdims=True)
    score = p[:, 1:].max(axis=1) if is_multilabel else p[:, 1:].sum(axis=1)
    made = np.where(score < 0.2, NEGATIVE, np.where(score > 0.8, POSITIVE, DEFER))
    return LabelledVerdicts(
        probabilities=p,
        positive_probability=score,
        label_set=labels if not is_multilabel else np.zeros_like(labels),
        labels=labels,
        positive=np.array([False, True, True]),
        is_multilabel=is_multilabel,
        disposition=made,
        reason=np.where(made == DEFER, "AMBIGUOUS", ""),
        ood_score=rng.random(n),
        group=np.arange(n) // 2,
    )


def test_figures_of_single_labels_agree_with_scikit_learn():
    c = cases()
    y, predicted = c.labels.argmax(1), c.probabilities.argmax(1)
    f = summarise(c)
    assert f["accuracy"] == pytest.approx(accuracy_score(y, predicted))
    assert f["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(y, predicted))
    for number, (name, rate) in enumerate(sensitivities(c, ("good", "dent", "scratch")).items()):
        own = recall_score(y, predicted, labels=[number], average="macro")
        assert rate["rate"] == pytest.approx(own), name
        assert rate["low"] < own < rate["high"]
        assert rate["n"] == (y == number).sum()


def test_figures_of_several_labels_agree_with_scikit_learn():
    c = cases(is_multilabel=True)
    f, predicted = summarise(c), c.predicted
    assert predicted.any(axis=1).all()
    assert f["accuracy"] == pytest.approx(accuracy_score(c.labels, predicted))
    each = [balanced_accuracy_score(c.labels[:, i], predicted[:, i]) for i in range(3)]
    assert f["balanced_accuracy"] == pytest.approx(np.mean(each))
    assert f["brier"] == pytest.approx(brier_score_loss(c.labels.ravel(), c.probabilities.ravel()))
    assert sensitivities(c, ("good", "dent", "scratch"))["scratch"]["rate"] == pytest.approx(
        recall_score(c.labels[:, 2], predicted[:, 2])
    )


def test_several_labels_roll_up_to_positive_when_any_of_them_is():
    c = cases(is_multilabel=True)
    assert (c.truth == (c.labels[:, 1] | c.labels[:, 2])).all()


def test_a_group_errs_once_however_many_of_its_pictures_do():
    c = cases(n=8)
    c = replace(
        c,
        labels=np.eye(3, dtype=bool)[[1, 1, 2, 2, 0, 0, 0, 0]],
        disposition=np.array([NEGATIVE, NEGATIVE, DEFER, DEFER] + [POSITIVE] + [NEGATIVE] * 3),
    )
    f = summarise(c)
    assert (f["escape"]["k"], f["escape"]["n"]) == (1, 2)
    assert (f["overkill"]["k"], f["overkill"]["n"]) == (1, 2)
    assert f["automation"] == 1 - f["deferred"] == 0.75


def test_unread_pictures_count_as_deferred_and_in_no_probability():
    c = cases()
    gone = np.arange(len(c.labels)) < 20
    unread = replace(
        c,
        probabilities=np.where(gone[:, None], np.nan, c.probabilities),
        positive_probability=np.where(gone, np.nan, c.positive_probability),
        disposition=np.where(gone, DEFER, c.disposition),
        reason=np.where(gone, "UNREADABLE", c.reason),
    )
    whole, rest = summarise(unread), summarise(c.pick(~gone))
    for name in ("auroc", "accuracy", "balanced_accuracy", "ece", "brier", "nll"):
        assert whole[name] == rest[name]
    assert whole["n"] == len(c.labels)
    assert whole["deferred"] == np.mean(unread.disposition == DEFER)
    assert not unread.reached[gone].any()


def test_nothing_readable_gives_figures_that_say_so():
    c = cases(n=6)
    blind = replace(
        c,
        probabilities=np.full((6, 3), np.nan),
        positive_probability=np.full(6, np.nan),
        disposition=np.full(6, DEFER),
        reason=np.full(6, "UNREADABLE"),
    )
    for is_multilabel in (False, True):
        f = summarise(replace(blind, is_multilabel=is_multilabel))
        assert all(np.isnan(f[name]) for name in ("auroc", "accuracy", "ece", "nll", "brier"))
        assert f["deferred"] == 1.0


def test_slices_are_the_figures_of_their_rows_alone():
    c = cases()
    columns = [{"site": "ab"[i % 2], "file": str(i), "line": "1"} for i in range(len(c.labels))]
    by = by_column(c, columns)
    assert set(by) == {"site"}
    even = c.pick(np.arange(len(c.labels)) % 2 == 0)
    assert by["site"]["a"] == summarise(even)


def test_the_gate_is_measured_with_the_interval_of_its_count():
    found = measure_ood(np.arange(10.0), np.arange(8.0, 12.0), [True, True, True, False])
    assert found["flagged"] == 0.75
    assert found["low"] == pytest.approx(0.1941, abs=1e-4)
    assert found["high"] == pytest.approx(0.9937, abs=1e-4)


def test_the_coverage_of_label_sets_is_counted_where_there_is_one():
    whole = cases(n=200)
    listed = whole.label_set.copy()
    listed[:20] = False
    listed[20:30] = ~whole.labels[20:30]
    found = summarise(replace(whole, label_set=listed))["label_sets"]

    assert (found["k"], found["n"]) == (170, 180)
    assert found["low"] < 170 / 180 < found["high"]
    assert found["size"] == pytest.approx((170 + 2 * 10) / 180)
    assert summarise(cases(is_multilabel=True))["label_sets"]["n"] == 0
