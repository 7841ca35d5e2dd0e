"""Discriminants: those of scikit-learn, honest out of fold, altered pictures in their folds."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from core.model.estimators.discriminants import (
    CorruptedFeatures,
    FoldedCorruptions,
    fit_discriminants,
    out_of_fold,
)

NAMES = ("rotated", "mirrored")


def clouds(rng, n, shift, width=20):
    """Ordinary features, and two kinds that lie ``shift`` away; kinds take turns."""
    wide = np.linalg.qr(rng.normal(size=(width, width)))[0] * np.linspace(1, 3, width)
    right = (rng.normal(size=(n, width)) @ wide).astype(np.float32)
    moves = np.zeros((2, width))
    moves[0, 0], moves[1, 1] = shift, -shift
    kind = np.arange(n) % 2
    z = ((rng.normal(size=(n, width)) + moves[kind]) @ wide).astype(np.float32)
    return right, z, kind.astype(np.int64)


def test_they_equal_those_of_scikit_learn():
    right, z, kind = clouds(np.random.default_rng(0), 4000, 2.0)
    discriminants = fit_discriminants(right, z, kind, NAMES)
    reference = LinearDiscriminantAnalysis(solver="lsqr", priors=[1 / 3] * 3)
    reference.fit(np.concatenate([right, z]), np.concatenate([np.zeros(len(right)), kind + 1]))
    theirs = reference.decision_function(right)
    theirs = theirs[:, 1:] - theirs[:, :1]
    middle = reference.decision_function(reference.means_)
    theirs /= np.diag(middle[1:, 1:] - middle[1:, :1])
    ours = np.array([discriminants.scores(one) for one in right])
    # Both shrink next to nothing at 4,000 pictures in 20 dimensions.
    assert np.corrcoef(ours[:, 0], theirs[:, 0])[0, 1] > 0.999
    assert np.median(np.abs(ours - theirs)) < 0.05 * np.std(theirs)


def test_the_scale_runs_from_the_mean_ordinary_picture_to_the_mean_altered_one():
    right, z, kind = clouds(np.random.default_rng(1), 300, 3.0)
    discriminants = fit_discriminants(right, z, kind, NAMES)
    np.testing.assert_allclose(discriminants.scores(right.mean(axis=0)), [-1, -1], atol=1e-4)
    for k in (0, 1):
        assert discriminants.scores(z[kind == k].mean(axis=0))[k] == pytest.approx(1, abs=1e-4)


def test_out_of_fold_a_group_is_scored_as_if_it_and_its_altered_copies_had_never_been_seen():
    right, z, kind = clouds(np.random.default_rng(2), 200, 3.0)
    fold = np.arange(200) % 5
    placed = FoldedCorruptions(NAMES, z, kind, fold)
    scores = out_of_fold(right, placed, fold)
    without = fit_discriminants(right[fold != 3], z[fold != 3], kind[fold != 3], NAMES)
    expected = [without.scores(one) for one in right[fold == 3]]
    np.testing.assert_allclose(scores[fold == 3], expected, atol=1e-5)
    other = z.copy()
    other[fold == 3] += 100
    again = out_of_fold(right, FoldedCorruptions(NAMES, other, kind, fold), fold)
    np.testing.assert_array_equal(again[fold == 3], scores[fold == 3])


def test_altered_pictures_go_to_the_fold_of_their_group_and_to_none_where_it_has_none():
    altered = CorruptedFeatures(
        NAMES,
        np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], np.float32),
        np.array([0, 1, 0]),
        np.array(["b", "refused", "a"]),
        np.array([[7.0], [8.0], [9.0]], np.float32),
    )
    centre, scale = np.array([1.0, 2.0], np.float32), np.array([2.0, 4.0], np.float32)
    groups, fold = np.array(["a", "b", "b"]), np.array([4, 2, 2])
    placed = altered.assign_folds(groups, fold, centre, scale)
    np.testing.assert_array_equal(placed.fold, [2, -1, 4])
    np.testing.assert_allclose(placed.z, [[0, 0, 7], [1, 0.5, 8], [2, 1, 9]])
    # Without the fold of "a" there would be no mirrored picture left.
    uneven = replace(altered, groups=np.array(["b", "a", "b"]))
    assert uneven.assign_folds(groups, fold, centre, scale) is None


def test_arrays_that_disagree_do_not_fit():
    right, z, kind = clouds(np.random.default_rng(4), 60, 3.0)
    discriminants = fit_discriminants(right, z, kind, NAMES)
    assert discriminants.accepts(20)
    assert not discriminants.accepts(19)
    assert not replace(discriminants, bias=discriminants.bias[:1]).accepts(20)
    assert not replace(discriminants, names=(*NAMES, "third")).accepts(20)
