"""Benign pictures: harmless until many change sides, ordinary to faults and reference alike."""

from dataclasses import replace

import numpy as np
import pytest

from core.decision.ood import conformal_p
from core.model.estimators.discriminants import FoldedCorruptions
from core.model.estimators.gate import fit_gate
from core.model.estimators.reference import widen_reference
from core.model.fitting.fit import fit
from core.model.fitting.table import FeatureTable
from core.model.fitting.variations import VariedFeatures, extend_measures, select_label_preserving
from tests.core.model.estimators.test_discriminants import clouds

GATED = 20


def benign_of(kind, strength, of, width=3):
    m = len(of)
    z = np.arange(m * width, dtype=np.float32).reshape(m, width)
    return VariedFeatures(
        names=("light", "turn"),
        pooled=z,
        asymmetry=np.zeros((m, 0), np.float32),
        foreground=np.zeros((m, 0), np.float32),
        kind=np.array(kind),
        strength=np.array(strength),
        of=np.array(of),
        measures={"size": np.arange(m, dtype=np.float64)},
    )


def test_a_variation_is_harmless_up_to_where_more_than_a_tenth_change_sides():
    strength = np.tile((np.arange(30) + 0.5) / 30, 2)
    variations = benign_of(np.repeat([0, 1], 30), strength, np.arange(60))
    before = np.arange(60) % 2 == 0
    after = before.copy()
    after[[2, 12, 22]] ^= True  # One in ten everywhere: still harmless.
    after[[32, 36, 55, 56, 58]] ^= True  # Turns: two of the first ten, and of thirty, five.
    kept, limits = select_label_preserving(variations, before, after)
    np.testing.assert_array_equal(np.flatnonzero(kept), np.arange(30))
    after[36] ^= True  # One of ten, one of twenty, four of thirty.
    kept, (shared,) = select_label_preserving(variations, before, after)
    np.testing.assert_array_equal(np.flatnonzero(kept), np.arange(50))
    np.testing.assert_array_equal(shared, kept)
    assert len(limits) == 1


def test_a_kind_that_changes_no_more_than_one_in_fifty_has_a_limit_of_its_own():
    strength = np.tile((np.arange(50) + 0.5) / 50, 3)
    names = replace(
        benign_of(np.repeat([0, 1, 2], 50), strength, np.arange(150)), names=("a", "b", "c")
    )
    before = np.arange(150) % 3 == 0
    after = before.copy()
    after[0] ^= True  # One of fifty, though one of the two weakest: by itself that means nothing.
    after[[60, 80, 99]] ^= True  # Three of fifty.
    kept, limits = select_label_preserving(names, before, after)
    assert kept.all()
    own_a, own_c, shared = (np.flatnonzero(rows) for rows in limits)
    np.testing.assert_array_equal(own_a, np.arange(50))
    np.testing.assert_array_equal(own_c, np.arange(100, 150))
    np.testing.assert_array_equal(shared, np.arange(50, 100))


def test_where_every_picture_is_called_alike_all_kinds_share_one_limit():
    variations = benign_of([0, 1] * 10, [0.5] * 20, np.arange(20))
    good = np.zeros(20, np.bool_)
    kept, (shared,) = select_label_preserving(variations, good, good)
    assert kept.all()
    assert shared.all()


def test_changing_sides_is_counted_from_the_side_of_the_picture_itself():
    variations = benign_of([0] * 4, [0.1] * 4, [3, 3, 1, 0])
    before = np.array([False, True, False, True])
    assert select_label_preserving(variations, before, before[variations.of])[0].all()
    assert not select_label_preserving(variations, before, np.zeros(4, np.bool_))[0].any()


def test_those_of_some_pictures_keep_their_place_among_these():
    variations = benign_of([0, 1, 0], [0.1, 0.2, 0.3], [0, 2, 3])
    kept = variations.among(np.array([False, True, True, True]))
    np.testing.assert_array_equal(kept.of, [1, 2])
    np.testing.assert_array_equal(kept.pooled, variations.pooled[1:])
    np.testing.assert_array_equal(kept.measures["size"], [1, 2])
    placed = kept.assign_folds(np.array([4, 2, 0]), np.float32([1, 0, 0]), np.float32([1, 2, 1]))
    np.testing.assert_array_equal(placed.fold, [2, 0])
    np.testing.assert_array_equal(placed.z[0], [2, 2, 5])


def drifted(seed, n, drift=6.0):
    """Ordinary features, the same after a harmless drift, and faults; folds of the first two."""
    rng = np.random.default_rng(seed)
    right, z, kind = clouds(rng, n, 3.0)
    right = np.hstack([right, rng.normal(size=(n, 12)).astype(np.float32)])
    z = np.hstack([z, right[:, 20:]])
    way = np.zeros(right.shape[1], np.float32)
    way[:GATED] = drift * right[:, 5].std() * np.eye(GATED, dtype=np.float32)[5]
    varied = right + way * rng.uniform(0, 1, (n, 1)).astype(np.float32)
    fold = np.arange(n) % 5
    return right, varied, FoldedCorruptions(("out of focus", "noisy"), z, kind, fold), fold


def test_a_gate_that_knows_a_harmless_drift_lets_new_drifted_pictures_in_and_no_more_ood_ones():
    right, varied, faulty, fold = drifted(0, 400)
    known = FoldedCorruptions(("light",), varied, np.zeros(400, np.int64), fold)
    plain, *_ = fit_gate(right, GATED, fold, 0, faulty)
    limits = (np.ones(400, np.bool_),)
    knowing, scores, _ = fit_gate(right, GATED, fold, 0, faulty, known, limits=limits)
    assert len(scores) == len(knowing.reference) == 400
    assert (knowing.reference >= np.sort(scores)).all()
    new, new_varied, _, _ = drifted(1, 400)
    far = new + np.float32(25.0)

    def held_out(gate, z):
        found = np.array([gate.score(one) for one in z])
        return float((conformal_p(found, gate.reference) <= 0.02).mean())

    assert held_out(plain, new_varied) > 0.2
    assert held_out(knowing, new_varied) < 0.08
    assert held_out(knowing, new) < 0.03
    assert held_out(knowing, far) == 1.0


@pytest.mark.parametrize("m", [7, 50, 300])
def test_the_p_value_is_that_among_training_pictures_or_a_third_of_that_among_varied_ones(m):
    rng = np.random.default_rng(m)
    own, varied = rng.normal(size=99), rng.normal(0.5, 0.7, m)
    asked = rng.normal(0.5, 1.5, 500)
    extend_measures = conformal_p(asked, own)
    both = np.maximum(extend_measures, conformal_p(asked, varied) / 3)
    got = conformal_p(asked, widen_reference(own, [varied]))
    assert (got >= extend_measures).all()
    # Ranks among the training pictures are whole ones, and seven varied pictures say no less than
    # an eighth: beyond all of them the training pictures alone are asked.
    inside = asked <= varied.max()
    assert (np.abs(got - both)[inside] <= 0.01 + 1e-9).all()
    assert (got[~inside] <= np.maximum(extend_measures, 0.02)[~inside]).all()
    # Nearly all pictures look varied here: what is asked of them counts.
    assert (both > extend_measures)[inside].any()


def test_a_loud_group_is_held_back_less_than_by_a_limit_of_all_together():
    rng = np.random.default_rng(0)
    own, quiet, loud = rng.normal(size=999), rng.normal(0, 1, 4000), rng.normal(3, 1, 4000)

    def held_out(reference, centre):
        return float((conformal_p(rng.normal(centre, 1, 4000), reference) <= 0.01).mean())

    together = widen_reference(own, [np.concatenate([quiet, loud])])
    apart = widen_reference(own, [quiet, loud, quiet[:0]])
    assert held_out(together, 3) > 0.045  # Nearly all of what both are allowed.
    # All that is kept for one kind of two: twice the nominal rate of both, four times its own.
    assert held_out(apart, 3) == pytest.approx(0.04, abs=0.01)
    assert held_out(apart, 3) < held_out(together, 3)
    assert (apart >= together).all()


def test_a_kind_far_beyond_the_others_does_not_open_the_gate_as_wide_as_itself():
    rng = np.random.default_rng(1)
    own, quiet, far = rng.normal(size=999), rng.normal(0, 1, 1900), rng.normal(9, 1, 100)
    asked = rng.normal(5, 1, 4000)
    shares = [
        float((conformal_p(asked, widen_reference(own, groups)) <= 0.05).mean())
        for groups in ([quiet], [quiet, far], [far])
    ]
    assert shares[0] > 0.98
    assert shares[1] > 0.95  # All together fail at a tenth, which is more than that kind is.
    assert shares[2] < 0.02


def test_one_group_has_the_limit_of_all():
    rng = np.random.default_rng(2)
    own, varied = rng.normal(size=200), rng.normal(1, 1, 90)
    wide = widen_reference(own, [varied])
    np.testing.assert_array_equal(wide, widen_reference(own, [varied, varied[:0]]))
    np.testing.assert_array_equal(widen_reference(own, []), np.sort(own))


def test_the_ends_of_a_measure_go_as_far_as_any_picture_went():
    variations = benign_of([0, 0], [0.5, 1.0], [1, 1])
    measures = extend_measures({"size": np.array([4.0, 5.0, 9.0])}, variations)
    # Row 1 went from 5 to 0 and to 1: nothing went up, something went down by 5.
    np.testing.assert_array_equal(measures["size"], [4, 5, 9, 0, 1, -1, 9])
    assert extend_measures({"size": np.ones(3)}, None)["size"].tolist() == [1, 1, 1]


def labelled(n=200, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    pooled = rng.normal(size=(n, 24)).astype(np.float32)
    pooled[:, 0] += 6 * labels
    return FeatureTable(
        pooled=pooled,
        labels=labels,
        groups=np.arange(n).astype(np.str_),
        measures={"size": np.full(n, 5.0)},
        sound=np.arange(n) % 50 != 7,
        gated=12,
    )


@pytest.mark.parametrize(("column", "by", "taken"), [(3, 4.0, True), (0, 6.0, False)])
def test_fitting_takes_in_what_does_not_change_the_class_and_nothing_that_does(column, by, taken):
    table = labelled()
    of = np.flatnonzero(table.sound)
    pooled = table.pooled[of].copy()
    pooled[:, column] += by * (1 - 2 * table.labels[of])  # Column 0 is the class.
    m = len(of)
    variations = VariedFeatures(
        names=("light",),
        pooled=pooled,
        asymmetry=np.zeros((m, 0), np.float32),
        foreground=np.zeros((m, 0), np.float32),
        kind=np.zeros(m, np.int64),
        strength=np.full(m, 0.1),
        of=of,
        measures={"size": np.full(m, 4.0)},
    )
    model = fit(table, ("good", "bad"), (False, True), variations=variations).model
    plain = fit(table, ("good", "bad"), (False, True)).model
    wider = model.gate.reference > plain.gate.reference + 1e-9
    # The highest third of the reference is where varied pictures are accepted.
    assert wider[-len(wider) // 4 :].mean() > 0.5 if taken else not wider.any()
    low, high = model.ranges["size"]
    assert low == pytest.approx(3.5 if taken else 4.5)
    assert high == pytest.approx(5.5)
