"""Metrics against hand counts and properties; tests/reference compares with other libraries."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.decision.metrics import (
    accuracy,
    auroc,
    balanced_accuracy,
    brier,
    ece,
    ece_floor,
    fpr_at_tpr,
    nll,
)

SCORED = st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=30)


def binary(p):
    p = np.asarray(p, float)
    return np.stack([1 - p, p], axis=1)


@settings(deadline=None)
@given(scored=SCORED)
def test_the_auroc_is_the_share_of_pairs_in_the_right_order(scored):
    ups = [s for s, positive in scored if positive]
    downs = [s for s, positive in scored if not positive]
    pairs = [(u > d) + 0.5 * (u == d) for u in ups for d in downs]
    expected = sum(pairs) / len(pairs) if pairs else math.nan
    scores, positive = (np.array(v) for v in zip(*scored, strict=True))
    assert auroc(scores.astype(float), positive) == pytest.approx(expected, nan_ok=True)


def test_balanced_accuracy_weighs_the_classes_that_occur_alike():
    labels, predicted = np.array([0, 0, 0, 0, 2]), np.array([0, 0, 0, 1, 1])
    assert accuracy(labels, predicted) == pytest.approx(3 / 5)
    assert balanced_accuracy(labels, predicted) == pytest.approx((3 / 4 + 0) / 2)


def test_ece_of_known_bins():
    p = np.repeat([0.1, 0.9], 50)
    labels = np.concatenate([np.arange(50) < 15, np.arange(50) < 45]).astype(int)
    assert ece(binary(p), labels, bins=2) == pytest.approx(0.5 * 0.2 + 0.5 * 0.0)


@settings(deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=2, max_size=40),
    data=st.data(),
)
def test_ece_does_not_depend_on_the_order_of_ties(rows, data):
    p, labels = np.array(rows, float).T
    order = np.array(data.draw(st.permutations(range(len(rows)))))
    probabilities, labels = binary(p / 4), labels.astype(int)
    assert ece(probabilities[order], labels[order]) == pytest.approx(ece(probabilities, labels))
    assert ece(probabilities[:, ::-1], 1 - labels) == pytest.approx(ece(probabilities, labels))


def test_ece_of_many_classes_judges_the_most_probable_one():
    probabilities = np.tile([0.7, 0.2, 0.1], (10, 1))
    labels = np.array([0] * 4 + [1] * 6)
    assert ece(probabilities, labels) == pytest.approx(0.3)


def test_the_floor_is_what_a_perfect_predictor_shows_and_shrinks_with_n():
    rng = np.random.default_rng(0)
    for n, few in ((200, 0.12), (20_000, 0.012)):
        probabilities = binary(rng.beta(0.4, 0.8, n))
        floor = ece_floor(probabilities, seed=1)
        shown = [
            ece(probabilities, (rng.random(n) < probabilities[:, 1]).astype(int)) for _ in range(30)
        ]
        assert floor == pytest.approx(np.mean(shown), rel=0.15)
        assert 0 < floor < few
    skewed = ece(probabilities, (rng.random(n) < probabilities[:, 1] ** 2).astype(int))
    assert skewed > 5 * floor


def test_the_floor_is_repeatable():
    probabilities = np.random.default_rng(0).dirichlet([1, 1, 1], 50)
    assert ece_floor(probabilities, seed=4) == ece_floor(probabilities, seed=4)
    assert ece_floor(probabilities, seed=4) != ece_floor(probabilities, seed=5)


def test_certain_and_right_costs_nothing_and_certain_and_wrong_stays_finite():
    probabilities = binary([0.0, 1.0])
    assert nll(probabilities, np.array([0, 1])) == 0.0
    assert nll(probabilities, np.array([1, 0])) == pytest.approx(36.04, abs=0.01)
    assert brier(probabilities, np.array([1, 1])) == 0.5


def test_fpr_at_tpr_keeps_exactly_the_ordinary_share_asked_for():
    ordinary = np.arange(1.0, 101)
    assert fpr_at_tpr(ordinary, np.array([94.9, 95.0, 95.1, 500.0])) == 0.5
    assert fpr_at_tpr(ordinary, ordinary, tpr=1.0) == 1.0
    assert math.isnan(fpr_at_tpr(np.zeros(0), ordinary))


@pytest.mark.parametrize("metric", [ece, brier, nll])
def test_no_image_gives_no_number_and_bad_input_is_refused(metric):
    assert math.isnan(metric(np.zeros((0, 2)), np.zeros(0, int)))
    for probabilities, labels in [
        (np.zeros((2, 1)), np.zeros(2, int)),
        (np.full((1, 2), math.nan), np.zeros(1, int)),
        (binary([0.5]), np.array([2])),
        (binary([0.5]), np.zeros(2, int)),
    ]:
        with pytest.raises(ValueError, match="expected"):
            metric(probabilities, labels)


def test_scores_with_nan_have_no_ranking():
    with pytest.raises(ValueError, match="NaN"):
        auroc(np.array([math.nan, 1.0]), np.array([True, False]))
    with pytest.raises(ValueError, match="NaN"):
        fpr_at_tpr(np.array([math.nan]), np.zeros(1))
