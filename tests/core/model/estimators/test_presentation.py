"""Wrong ways: each is named by its code, right pictures are flagged at the stated rate."""

from dataclasses import replace

import numpy as np
import pytest

from core.errors import BundleError
from core.model.bundle.serialization import pack_model, unpack_model
from core.model.estimators.discriminants import Discriminants, FoldedCorruptions
from core.model.estimators.presentation import FALSE_ALARMS, WrongPresentations, fit_presentations
from core.types import Reason
from tests.core.model.estimators.test_discriminants import NAMES, clouds


def _fit(rng, n=2000, shift=8.0):
    right, z, way = clouds(rng, n, shift)
    fold = np.arange(n) % 5
    return fit_presentations(right, FoldedCorruptions(NAMES, z, way, fold), fold), right, z, way


def test_new_right_pictures_are_flagged_at_most_at_the_stated_rate():
    shares = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        right, z, way = clouds(rng, 3000, 3.0)
        known, new = right[:1500], right[1500:]
        fold = np.arange(1500) % 5
        ways, flagged = fit_presentations(
            known, FoldedCorruptions(NAMES, z[:1500], way[:1500], fold), fold
        )
        shares.append(np.mean([bool(ways.findings(one)) for one in new]))
        assert flagged.mean() <= FALSE_ALARMS + 2 / 1500
    assert np.mean(shares) <= FALSE_ALARMS * 1.3


def test_each_way_is_named_by_its_own_code():
    (ways, _), _, z, way = _fit(np.random.default_rng(3), shift=12.0)
    result = [ways.findings(one) for one in z]
    assert np.mean([bool(s) for s in result]) > 0.99
    named = [(s[0].check, w) for s, w in zip(result, way, strict=True) if s]
    assert np.mean([check == NAMES[w] for check, w in named]) > 0.99
    assert all(s[0].reason is Reason.WRONG_INPUT for s in result if s)


def test_too_few_right_pictures_flag_nothing():
    (ways, flagged), _, z, _ = _fit(np.random.default_rng(4), n=60, shift=50.0)
    assert np.isinf(ways.limit)
    assert not flagged.any()
    assert ways.findings(z[0]) == ()


def test_a_bundle_whose_ways_take_fewer_features_than_there_are_is_refused(tiny_product):
    bundle, _ = tiny_product.opened()
    d = len(bundle.model.centre)
    for taken, whole in ((d + 3, True), (d, True), (d - 1, False)):
        discriminants = Discriminants(("a",), np.ones((1, taken), np.float32), np.zeros(1))
        model = replace(bundle.model, presentations=WrongPresentations(discriminants, 0.5))
        assert model.presentations.accepts(d) is whole
        if whole:
            assert unpack_model(*pack_model(model)).presentations.limit == 0.5
        else:
            with pytest.raises(BundleError, match="arrays disagree"):
                unpack_model(*pack_model(model))


def test_nothing_is_flagged_at_the_limit_itself():
    ways = WrongPresentations(Discriminants(("a",), np.ones((1, 1), np.float32), np.zeros(1)), 2.0)
    assert ways.findings(np.array([2.0], np.float32)) == ()
    assert ways.findings(np.array([2.5], np.float32))[0].check == "a"


@pytest.mark.parametrize("held_out", [-1, 7])
def test_wrong_pictures_of_no_fold_are_still_learned_from(held_out):
    right, z, way = clouds(np.random.default_rng(5), 1000, 12.0)
    placed = FoldedCorruptions(NAMES, z, way, np.full(1000, held_out))
    ways, _ = fit_presentations(right, placed, np.arange(1000) % 5)
    assert np.isfinite(ways.limit)
