from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from core.checking.nuisance_model import out_of_fold


def case(seed, n=400):
    rng = np.random.default_rng(seed)
    return rng, rng.normal(size=(n, 2)), rng.integers(0, 5, n)


@pytest.mark.parametrize(
    "rule",
    [
        lambda x: x[:, 0] + 0.3 * x[:, 1] > 0,
        lambda x: np.abs(x[:, 0]) > 0.7,
        lambda x: x[:, 0] * x[:, 1] > 0,
    ],
)
def test_slopes_bends_and_crossings_are_all_followed(rule):
    _, numbers, place = case(0)
    truth = rule(numbers)
    scores = out_of_fold(numbers, truth[:, None], place, 0)
    assert roc_auc_score(truth, scores[:, 0]) > 0.95


def test_noise_tells_nothing_on_average():
    areas = []
    for seed in range(20):
        rng, numbers, place = case(seed)
        truth = rng.random(len(numbers)) < 0.3
        areas.append(roc_auc_score(truth, out_of_fold(numbers, truth[:, None], place, 0)[:, 0]))
    # The mean of 20 areas of about 0.03 spread each; folds of unequal share pull slightly down.
    assert abs(np.mean(areas) - 0.5) < 0.03


def test_a_fold_s_own_labels_do_not_touch_its_scores():
    rng, numbers, place = case(1)
    truth = rng.random((len(numbers), 2)) < 0.5
    other = truth.copy()
    other[place == 2] ^= True
    before, after = (out_of_fold(numbers, t, place, 0) for t in (truth, other))
    assert np.allclose(before[place == 2], after[place == 2])
    assert not np.allclose(before[place != 2], after[place != 2])


def test_scale_and_outliers_of_a_column_say_nothing():
    _, numbers, place = case(2)
    truth = (numbers[:, 0] > 0)[:, None]
    stretched = np.exp(5.0 * numbers)
    assert np.allclose(
        out_of_fold(numbers, truth, place, 0), out_of_fold(stretched, truth, place, 0)
    )


def test_arrays_of_unequal_length_are_refused():
    with pytest.raises(ValueError, match="equal lengths"):
        out_of_fold(np.zeros((3, 1)), np.zeros((2, 1), np.bool_), np.zeros(3, np.int64), 0)
