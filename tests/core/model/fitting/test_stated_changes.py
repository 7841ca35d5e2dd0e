"""What a file states of its storage is taken out of its score; nothing else is."""

import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from core.decision.ood import conformal_p
from core.imaging.variations import VARIATIONS
from core.labelled import Row
from core.model.bundle.optional_parts import pack_stated, unpack_stated
from core.model.estimators.stated_changes import (
    LOSSLESS,
    SIZE,
    UNSTATED,
    StatedChange,
    StatedShift,
    read_facts,
)
from core.model.fitting.fit import fit
from core.model.fitting.stated_changes import (
    FEWEST,
    fit_stated_changes,
    fit_stated_shifts,
    unmoved,
)
from core.model.fitting.variations import VariedFeatures
from core.model.onnx.builder import Nodes
from core.model.onnx.stated_changes import add_adjusted, add_unmoved, of_size
from core.service.data.feature_table import table_of
from core.service.data.pictures import PictureFeatures
from core.types import NetworkOutput, Prepared

QUALITY = "JPEG quality"
NAMES = ("darker", "compressed", "smaller")
ENDS = np.array([0.0, 30.0, -math.log(0.6)])
NOTHING = np.zeros((0, 0), np.float32)
BLANK = Prepared(np.zeros((1, 1, 3), np.uint8), "", (300, 400))


def drawn(rng, n, side=300.0):
    """Scores of pictures as they are and varied: loss and shrinking move and spread them."""
    own = rng.standard_normal(n)
    kind, strength = rng.integers(0, 3, n), rng.uniform(size=n)
    distance = strength * ENDS[kind]
    scores = own + 0.1 * distance + rng.standard_normal(n) * 0.03 * distance
    scores[kind == 2] = own[kind == 2] + 4.0 * distance[kind == 2]
    nothing = np.zeros((n, 0), np.float32)
    variations = VariedFeatures(NAMES, nothing, nothing, kind, strength, np.arange(n), {}, nothing)
    facts = {QUALITY: np.full(n, LOSSLESS), SIZE: np.full(n, math.log(side))}
    return own, scores, variations, facts


def fit_changes(own, scores, variations, facts):
    """Fit how scores move where features do not."""
    nothing = np.zeros((len(scores), 0), np.float32)
    shifts = fit_stated_shifts(nothing, nothing, variations, facts)
    return fit_stated_changes(shifts, own, scores, variations, facts)


def change(name, usual, end, *rest, features=NOTHING, foreground=NOTHING):
    return StatedChange(StatedShift(name, usual, end, features, foreground), *rest)


def fitted(seed=0, n=1500):
    own, scores, variations, facts = drawn(np.random.default_rng(seed), n)
    return fit_changes(own, scores, variations, facts), own


def facts_of(kind, strength, side=300.0):
    change = strength * VARIATIONS[NAMES[kind]].end
    return {
        QUALITY: LOSSLESS - change if kind == 1 else LOSSLESS,
        SIZE: math.log(side) + (change if kind == 2 else 0.0),
    }


def test_harmless_changes_that_files_state_are_hardly_flagged():
    changes, reference = fitted()
    _own, scores, new, _facts = drawn(np.random.default_rng(1), 6000)
    before = conformal_p(scores, np.sort(reference))
    moved = []
    for score, kind, strength in zip(scores, new.kind, new.strength, strict=True):
        for one in changes:
            score = one.adjust(score, facts_of(kind, strength))
        moved.append(score)
    after = conformal_p(np.array(moved), np.sort(reference))

    assert [one.shift.name for one in changes] == ["compressed", "smaller"]
    for kind in (1, 2):
        strong = (new.kind == kind) & (new.strength > 0.8)
        assert (before[strong] <= 0.01).mean() > 0.2
        assert (after[strong] <= 0.01).mean() < 0.04
    dark = new.kind == 0
    np.testing.assert_array_equal(after[dark], before[dark])


def test_a_score_falls_no_further_than_training_pictures_showed_and_never_rises():
    (known_change, _), _own = fitted()
    known = [known_change.adjust(9.0, {QUALITY: 100.0 - loss, SIZE: 0.0}) for loss in range(31)]

    assert known[0] == 9.0  # as those of training
    assert all(a >= b for a, b in pairwise(known))
    assert known_change.adjust(9.0, {QUALITY: 5.0, SIZE: 0.0}) == pytest.approx(known[30], abs=0.05)
    assert known_change.adjust(-50.0, {QUALITY: 75.0, SIZE: 0.0}) == -50.0
    assert math.isnan(known_change.adjust(math.nan, {QUALITY: 75.0, SIZE: 0.0}))


def test_what_training_pictures_state_themselves_explains_nothing():
    own, scores, variations, facts = drawn(np.random.default_rng(0), 1500)
    facts = {QUALITY: np.where(np.arange(1500) == 7, 80.0, LOSSLESS), SIZE: facts[SIZE]}
    learned = fit_changes(own, scores, variations, facts)[0]

    assert learned.shift.usual == 80.0
    assert learned.adjust(9.0, {QUALITY: 80.0, SIZE: 0.0}) == 9.0
    assert learned.adjust(9.0, {QUALITY: 72.0, SIZE: 0.0}) < 9.0


def test_too_few_pictures_explain_nothing_and_neither_do_files_that_nobody_read():
    own, scores, variations, facts = drawn(np.random.default_rng(0), 1500)
    few = np.flatnonzero(variations.kind == 1)[: FEWEST - 1]
    kept = np.isin(np.arange(1500), few)

    assert fit_changes(own, scores[kept], variations.pick(kept), facts) == ()
    assert fit_changes(own, scores, variations, {}) == ()


def test_facts_are_the_stated_quality_and_the_shorter_side():
    saved = replace(BLANK, traits={QUALITY: 70.0, "camera": "A"})

    assert read_facts(BLANK) == {QUALITY: LOSSLESS, SIZE: math.log(300)}
    assert read_facts(saved)[QUALITY] == 70.0


def test_they_survive_as_metadata_and_nonsense_is_refused():
    changes, _own = fitted()
    features = np.arange(8, dtype=np.float32).reshape(2, 4)
    shift = StatedShift("larger", 5.0, 0.4, features, features[:, :3])
    arrays, words = pack_stated((*changes, changes[0]._replace(shift=shift)))
    found = unpack_stated(arrays, words)

    assert [one[1:] for one in found[:-1]] == [one[1:] for one in changes]
    assert [one.shift.usual for one in found[:-1]] == [one.shift.usual for one in changes]
    np.testing.assert_array_equal(found[-1].shift.features, features)
    np.testing.assert_array_equal(found[-1].shift.foreground, features[:, :3])
    assert unpack_stated({}, []) == ()
    for wrong in ({"name": "darker"}, {"usual": math.nan}, {"mean": [math.inf]}):
        with pytest.raises(ValueError, match="stated"):
            unpack_stated(arrays, [words[0] | wrong])
    with pytest.raises(ValueError, match="stated"):
        unpack_stated(arrays | {"stated.0.features": features * np.float32(np.nan)}, words)


def test_a_bundle_that_kept_no_features_moves_scores_alone():
    changes, _own = fitted()
    _arrays, words = pack_stated(changes)
    (old, *_) = unpack_stated({}, words)
    z = np.ones(7, np.float32)

    assert old.shift.unmoved(z, {QUALITY: 75.0}) is z
    assert old.shift.accepts(7)
    assert old.adjust(9.0, {QUALITY: 75.0}) == changes[0].adjust(9.0, {QUALITY: 75.0})


def test_features_go_back_to_where_they_were_and_no_further_than_was_seen():
    """A known move, linear and curved, in noise: what is left of it is that noise."""
    rng = np.random.default_rng(0)
    _own, _scores, variations, facts = drawn(rng, 1500)
    linear, curved = rng.standard_normal((2, 6)) * [[0.1], [0.005]]
    loss = np.where(variations.kind == 1, 30.0 * variations.strength, 0.0)[:, None]
    noise = rng.normal(scale=0.2, size=(1500, 6))
    moved = (loss * linear + loss**2 * curved + noise).astype(np.float32)
    shift, other = fit_stated_shifts(moved, moved[:, :2], variations, facts)
    z = np.zeros(6, np.float32)

    for lost in (5.0, 20.0, 30.0):
        expected = -(lost * linear + lost**2 * curved)
        found = shift.unmoved(z, {QUALITY: 100.0 - lost, SIZE: 0.0})
        np.testing.assert_allclose(found, expected, atol=0.1)
        np.testing.assert_allclose(
            shift.unmoved_foreground(z[:2], {QUALITY: 100.0 - lost}), found[:2], atol=1e-6
        )
    farthest = shift.unmoved(z, {QUALITY: 100.0 - shift.end})
    np.testing.assert_array_equal(shift.unmoved(z, {QUALITY: 3.0}), farthest)
    np.testing.assert_array_equal(shift.unmoved(z, {QUALITY: 100.0}), z)
    np.testing.assert_array_equal(shift.unmoved(z, UNSTATED), z)
    # As many varied pictures at once.
    back = unmoved(
        moved, [one.features for one in (shift, other)], (shift, other), variations, facts
    )
    np.testing.assert_allclose(back[variations.kind == 1].std(axis=0), 0.2, atol=0.02)
    np.testing.assert_array_equal(back[variations.kind == 0], moved[variations.kind == 0])


def test_a_graph_moves_and_adjusts_by_the_size_as_the_gate_does():
    rng = np.random.default_rng(0)
    coefficients = rng.standard_normal((3, 2, 4)).astype(np.float32)
    changes = (
        change("compressed", 100.0, 30.0, (0.0, 0.1, 0.0), (0.0, 1.0), 0.0, 1.0,
               features=coefficients[0]),
        change("smaller", math.log(300), 0.5, (1.0, 4.0, 0.2), (0.5, 0.9), 0.1, 0.8,
               features=coefficients[1]),
        change("larger", math.log(500), 0.4, (0.0, -1.0, 0.9), (0.0, 0.5), 0.1, 0.8,
               features=coefficients[2]),
    )  # fmt: skip
    nodes, moved, adjusted = Nodes(), "z", "score"
    for one in of_size(changes):
        moved = add_unmoved(nodes, one.shift, one.shift.features, moved, "size")
        adjusted = add_adjusted(nodes, one, adjusted, "size")
    nodes.name(moved, "moved")
    nodes.name(adjusted, "adjusted")
    kinds = {"z": [4], "score": [], "size": [], "moved": [4], "adjusted": []}
    ends = {n: helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in kinds.items()}
    made = [ends["moved"], ends["adjusted"]]
    graph = nodes.model([ends[n] for n in ("z", "score", "size")], made, {}).SerializeToString()
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    z = rng.standard_normal(4).astype(np.float32)
    for side in (100, 200, 299, 300, 400, 501, 900):
        for score in (-3.0, 0.2, 2.5):
            facts = {QUALITY: LOSSLESS, SIZE: math.log(side)}
            expected, features = score, z
            for one in changes:
                features = one.shift.unmoved(features, facts)
                expected = one.adjust(expected, facts)
            feed = {"z": z, "score": np.float32(score), "size": np.float32(facts[SIZE])}
            found = session.run(None, {name: np.asarray(value) for name, value in feed.items()})
            np.testing.assert_allclose(found[0], features, atol=1e-5)
            assert found[1] == pytest.approx(expected, abs=1e-5)


def labelled_pictures(n=240):
    """A picture each part, of two classes, as files that state quality 90 and 300 pixels."""
    rng = np.random.default_rng(0)
    pooled = rng.standard_normal((n, 12)).astype(np.float32)
    pooled[:, 0] += 6.0 * (np.arange(n) % 2)
    prepared = replace(BLANK, traits={QUALITY: 90.0})
    return [
        PictureFeatures(
            Row(Path(f"{at}.jpg"), ("good", "bad")[at % 2], "train", str(at)),
            prepared,
            NetworkOutput(one),
            b"",
        )
        for at, one in enumerate(pooled)
    ]


def test_training_learns_from_what_the_files_of_its_pictures_state():
    pictures = labelled_pictures()
    table = table_of(pictures, ("good", "bad"), 12)
    of = np.arange(len(pictures))
    strength = np.linspace(0.0, 1.0, len(of))
    moved = 4.5 * np.maximum(strength - 1 / 3, 0.0)  # below quality 90
    pooled = table.pooled + np.where(np.arange(12) == 5, moved[:, None], 0.0)
    nothing = np.zeros((len(of), 0), np.float32)
    kind = np.zeros(len(of), np.int64)
    variations = VariedFeatures(
        ("compressed",), pooled.astype(np.float32), nothing, kind, strength, of, {}, nothing
    )
    with_facts = fit(table, ("good", "bad"), (False, True), variations=variations).model
    without = fit(
        replace(table, stated={}), ("good", "bad"), (False, True), variations=variations
    ).model

    (learned,) = [one.shift for one in with_facts.gate.stated]
    assert (learned.name, learned.usual) == ("compressed", 90.0)
    assert learned.end == pytest.approx(20.0)  # from quality 90 down to 70
    assert without.gate.stated == ()
    # At quality 70 the sixth feature had moved by 3, in units of its deviation.
    by = learned.unmoved(np.zeros(12, np.float32), {QUALITY: 70.0}) * with_facts.scale
    np.testing.assert_allclose(by[5], -3.0, atol=0.2)
    np.testing.assert_allclose(np.delete(by, 5), 0.0, atol=1e-4)


def test_features_of_the_foreground_are_left_alone_where_the_gate_does_not_look_at_them():
    table = table_of(labelled_pictures(), ("good", "bad"), 12)
    of = np.arange(len(table.labels))
    nothing = np.zeros((len(of), 0), np.float32)
    kind, strength = np.zeros(len(of), np.int64), np.linspace(0.0, 1.0, len(of))
    variations = VariedFeatures(
        ("compressed",), table.pooled, nothing, kind, strength, of, {}, table.pooled[:, :4]
    )
    alone = replace(table, foreground=None)
    gate = fit(alone, ("good", "bad"), (False, True), variations=variations).model.gate

    assert gate.foreground is None
    assert [one.shift.foreground.shape for one in gate.stated] == [(2, 0)]


def test_a_prediction_goes_by_features_and_score_without_what_the_file_states(tiny_product):
    bundle, _ = tiny_product.opened()
    model = bundle.model
    away = np.zeros((1, len(model.centre)), np.float32)
    away[0, 3] = 0.5  # by the unit of quality lost
    by_score = change("compressed", 100.0, 30.0, (0.0, 50.0), (0.0, 1.0), 0.0, 1.0)
    by_features = change(
        "compressed", 100.0, 30.0, (0.0, 0.0), (0.0, 1.0), 0.0, 1.0,
        features=away, foreground=away[:, :0],
    )  # fmt: skip
    usual = NetworkOutput(model.centre)
    odd = NetworkOutput(model.centre + model.scale * (30.0 * away[0]))

    def p_of(known, output, quality):
        able = replace(model, gate=replace(model.gate, stated=(known,)))
        picture = replace(BLANK, traits={QUALITY: quality})
        return able.predict(able.evidence(output, picture), picture).ood_p

    assert p_of(by_features, odd, LOSSLESS) < p_of(by_features, usual, LOSSLESS)
    assert p_of(by_features, odd, 70.0) == p_of(by_features, usual, LOSSLESS)
    assert p_of(by_score, odd, LOSSLESS) < p_of(by_score, odd, 70.0) == 1.0
