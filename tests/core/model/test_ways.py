"""Wrong ways: known shifts are told apart, and right pictures are flagged at the stated rate."""

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from core.model.ways import FALSE_ALARMS, Ways, Wrong, fit_ways
from core.types import Reason


def _clouds(rng, n, shift):
    wide = np.linalg.qr(rng.normal(size=(20, 20)))[0] * np.linspace(1, 3, 20)
    right = (rng.normal(size=(n, 20)) @ wide).astype(np.float32)
    moves = np.zeros((2, 20))
    moves[0, 0], moves[1, 1] = shift, -shift
    way = np.arange(n) % 2
    wrong = ((rng.normal(size=(n, 20)) + moves[way]) @ wide).astype(np.float32)
    return right, wrong, way.astype(np.int64)


def _fit(rng, n=2000, shift=8.0):
    right, z, way = _clouds(rng, n, shift)
    groups = np.arange(n).astype(np.str_)
    wrong = Wrong(("rotated", "mirrored"), z, way, groups)
    fold = np.arange(n) % 5
    return fit_ways(right, wrong, z, fold, fold), right, z, way


def test_discriminants_equal_those_of_scikit_learn():
    (ways, _), right, z, way = _fit(np.random.default_rng(0), n=4000, shift=2.0)
    reference = LinearDiscriminantAnalysis(solver="lsqr", priors=[1 / 3] * 3)
    reference.fit(np.concatenate([right, z]), np.concatenate([np.zeros(len(right)), way + 1]))
    theirs = reference.decision_function(right)
    theirs = theirs[:, 1:] - theirs[:, :1]
    middle = reference.decision_function(reference.means_)
    theirs /= np.diag(middle[1:, 1:] - middle[1:, :1])
    ours = np.array([ways.scores(one) for one in right])
    # Both shrink next to nothing at 4,000 pictures in 20 dimensions.
    assert np.corrcoef(ours[:, 0], theirs[:, 0])[0, 1] > 0.999
    assert np.median(np.abs(ours - theirs)) < 0.05 * np.std(theirs)


def test_new_right_pictures_are_flagged_at_most_at_the_stated_rate():
    shares = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        right, z, way = _clouds(rng, 3000, 3.0)
        known, new = right[:1500], right[1500:]
        wrong = Wrong(("a", "b"), z[:1500], way[:1500], np.arange(1500).astype(np.str_))
        fold = np.arange(1500) % 5
        ways, flagged = fit_ways(known, wrong, z[:1500], fold, fold)
        shares.append(np.mean([bool(ways.findings(one)) for one in new]))
        assert flagged.mean() <= FALSE_ALARMS + 2 / 1500
    assert np.mean(shares) <= FALSE_ALARMS * 1.3


def test_each_way_is_named_by_its_own_code():
    (ways, _), _, z, way = _fit(np.random.default_rng(3), shift=12.0)
    said = [ways.findings(one) for one in z]
    assert np.mean([bool(s) for s in said]) > 0.99
    named = [(s[0].check, w) for s, w in zip(said, way, strict=True) if s]
    assert np.mean([check == ("rotated", "mirrored")[w] for check, w in named]) > 0.99
    assert all(s[0].reason is Reason.WRONG_INPUT for s in said if s)


def test_too_few_right_pictures_flag_nothing():
    (ways, flagged), _, z, _ = _fit(np.random.default_rng(4), n=60, shift=50.0)
    assert np.isinf(ways.limit)
    assert not flagged.any()
    assert ways.findings(z[0]) == ()


def test_nothing_is_flagged_at_the_limit_itself():
    ways = Ways(("a",), np.ones((1, 1), np.float32), np.zeros(1), 2.0)
    assert ways.findings(np.array([2.0], np.float32)) == ()
    assert ways.findings(np.array([2.5], np.float32))[0].check == "a"


@pytest.mark.parametrize("held_out", [-1, 7])
def test_wrong_pictures_of_no_fold_are_still_learned_from(held_out):
    rng = np.random.default_rng(5)
    right, z, way = _clouds(rng, 1000, 12.0)
    wrong = Wrong(("a", "b"), z, way, np.arange(1000).astype(np.str_))
    ways, _ = fit_ways(right, wrong, z, np.arange(1000) % 5, np.full(1000, held_out))
    assert np.isfinite(ways.limit)
