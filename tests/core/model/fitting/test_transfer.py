"""What another place's pictures bring: heads in this place's units, chosen by this place's."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from core.model.estimators import heads
from core.model.estimators.model import standardise
from core.model.fitting.fit import fit
from core.model.fitting.table import FeatureTable
from core.model.fitting.transfer import CORRECTED, RECALIBRATED, TOGETHER, TransferSource

D = 40
CLASSES, POSITIVE = ("bad", "good"), (True, False)


def a_place(rng, n, direction, noise=1.0, offset=0.0):
    """Pooled features ``n D`` whose label 0 (bad) lies along a direction."""
    labels = np.arange(n) % 2
    x = rng.normal(0, noise, (n, D)) + np.where(labels == 0, 1.0, -1.0)[:, None] * direction
    return (x * np.linspace(0.5, 3, D) + offset).astype(np.float32), labels.astype(np.int64)


def a_start(x, labels):
    centre, scale = x.mean(axis=0), x.std(axis=0) + np.float32(1e-6)
    return TransferSource(standardise(x, centre, scale), labels, centre, scale, 1 - labels)


def a_table(x, labels):
    groups = np.array([f"part {i}" for i in range(len(x))], np.str_)
    return FeatureTable(x, labels, groups, {}, np.ones(len(x), np.bool_), 10)


@pytest.fixture
def places():
    rng = np.random.default_rng(3)
    direction = rng.normal(0, 0.25, D)
    there, here = a_place(rng, 400, direction), a_place(rng, 24, direction, offset=2.0)
    return a_start(*there), there, here


def test_its_word_alone_is_its_own_logistic_score_in_other_units(places):
    start, (_, labels), (local, mine) = places
    centre, scale = local.mean(axis=0), local.std(axis=0)
    head = start.fitters(centre, scale, 2)[RECALIBRATED](standardise(local, centre, scale), mine, 2)
    reference = LogisticRegression(C=0.01, max_iter=2000, class_weight="balanced")
    reference.fit(start.z, labels)
    expected = reference.decision_function(standardise(local, start.centre, start.scale))
    result = [heads.logits(head, z) for z in standardise(local, centre, scale)]
    np.testing.assert_allclose([b - a for a, b in result], expected, atol=1e-4)


def test_the_correction_is_one_linear_head_of_features_and_its_word(places):
    start, _, (local, mine) = places
    z = standardise(local, local.mean(axis=0), local.std(axis=0))
    fitters = start.fitters(local.mean(axis=0), local.std(axis=0), 2)
    alone, head = fitters[RECALIBRATED](z, mine, 2), fitters[CORRECTED](z, mine, 2)
    word = np.array([heads.logits(alone, one) for one in z])
    stacked = np.hstack([z, 10 * word / word.std()])
    reference = LogisticRegression(C=0.01, max_iter=2000, class_weight="balanced")
    expected = reference.fit(stacked, mine).decision_function(stacked)
    result = np.array([heads.logits(head, one) for one in z])
    np.testing.assert_allclose(result[:, 1] - result[:, 0], expected, atol=1e-3)


def test_both_places_weigh_the_same_however_many_pictures_each_has(places):
    start, _, (local, mine) = places
    centre, scale = local.mean(axis=0), local.std(axis=0)
    z = standardise(local, centre, scale)
    once = start.fitters(centre, scale, 2)[TOGETHER](z, mine, 2)
    twice = replace(
        start,
        z=np.tile(start.z, (2, 1)),
        labels=np.tile(start.labels, 2),
        sides=np.tile(start.sides, 2),
    )
    again = twice.fitters(centre, scale, 2)[TOGETHER](z, mine, 2)
    np.testing.assert_allclose(once.weights, again.weights, atol=2e-3)
    np.testing.assert_allclose(once.bias, again.bias, atol=2e-3)


def nll_on(model, x, labels):
    result = []
    for z, label in zip(standardise(x, model.centre, model.scale), labels, strict=True):
        result.append(model._calibrated(heads.logits(model.head, z))[0][label])
    return -np.log(result).mean()


def test_a_start_that_knows_the_matter_speaks_and_predicts_better():
    rng = np.random.default_rng(5)
    direction = rng.normal(0, 0.25, D)
    there, here = a_place(rng, 400, direction), a_place(rng, 24, direction, offset=2.0)
    table, new = a_table(*here), a_place(rng, 500, direction, offset=2.0)
    started = fit(table, CLASSES, POSITIVE, source=a_start(*there))
    alone = fit(table, CLASSES, POSITIVE)
    assert started.head in (RECALIBRATED, CORRECTED, TOGETHER)
    assert nll_on(started.model, *new) < nll_on(alone.model, *new)


def test_a_start_of_other_labels_tells_the_sides_apart_for_a_head_of_three(places):
    start, (_, labels), (local, mine) = places
    mine = np.where(mine == 0, np.arange(len(mine)) // 2 % 2, 2)  # bad is one of two labels here
    centre, scale = local.mean(axis=0), local.std(axis=0)
    z = standardise(local, centre, scale)
    other = replace(start, labels=np.where(labels == 1, 2, -1))
    fitters = other.fitters(centre, scale, 3)
    assert fitters.keys() == {CORRECTED, TOGETHER}

    reference = LogisticRegression(C=0.01, max_iter=2000, class_weight="balanced")
    side = reference.fit(start.z, start.sides).decision_function(
        standardise(local, start.centre, start.scale)
    )
    word = np.stack([-side, side], axis=1) / 2
    stacked = np.hstack([z, 10 * word / word.std()])
    expected = reference.fit(stacked, mine).decision_function(stacked)
    result = np.array([heads.logits(fitters[CORRECTED](z, mine, 3), one) for one in z])
    np.testing.assert_allclose(result, expected, atol=1e-3)

    shared = labels == 1
    both = np.concatenate([start.z[shared], standardise(local, start.centre, start.scale)])
    names = np.concatenate([np.full(shared.sum(), 2), mine])
    weight = np.full(len(both), len(z) / shared.sum())
    for name in range(3):
        weight[shared.sum() :][mine == name] = len(z) / (3 * (mine == name).sum())
    plain = LogisticRegression(C=0.01, max_iter=2000).fit(both, names, sample_weight=weight)
    expected = plain.decision_function(both[shared.sum() :])
    result = np.array([heads.logits(fitters[TOGETHER](z, mine, 3), one) for one in z])
    np.testing.assert_allclose(result, expected, atol=1e-2)


def test_labels_that_no_picture_here_shares_leave_the_correction_alone():
    rng = np.random.default_rng(9)
    x, labels = a_place(rng, 60, rng.normal(0, 0.25, D))
    start = replace(a_start(x, labels), labels=np.full(60, -1))
    assert start.fitters(x.mean(axis=0), x.std(axis=0), 3).keys() == {CORRECTED}


def test_a_start_of_one_side_alone_is_only_learned_from_together():
    rng = np.random.default_rng(10)
    x, labels = a_place(rng, 60, rng.normal(0, 0.25, D))
    good = replace(a_start(x, labels), labels=np.ones(60, np.int64), sides=np.zeros(60, np.int64))
    assert good.fitters(x.mean(axis=0), x.std(axis=0), 2).keys() == {TOGETHER}
    assert fit(a_table(x, labels), CLASSES, POSITIVE, source=good).model.classes == CLASSES


def test_a_start_that_knows_the_opposite_is_not_heard():
    rng = np.random.default_rng(6)
    direction = rng.normal(0, 0.25, D)
    there, here = a_place(rng, 400, -direction), a_place(rng, 120, direction)
    fitted = fit(a_table(*here), CLASSES, POSITIVE, source=a_start(*there))
    assert fitted.head not in (RECALIBRATED, TOGETHER)
    assert len(fitted.model.gate.reference) == 120
