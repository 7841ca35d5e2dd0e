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
from core.model.estimators.stated_changes import LOSSLESS, SIZE, StatedChange, read_facts
from core.model.fitting.fit import fit
from core.model.fitting.stated_changes import FEWEST, fit_stated_changes
from core.model.fitting.variations import VariedFeatures
from core.model.onnx.builder import Nodes
from core.model.onnx.stated_changes import add_stated_changes
from core.service.data.feature_table import table_of
from core.service.data.pictures import PictureFeatures
from core.types import Evidence, NetworkOutput, Prepared

QUALITY = "JPEG quality"
NAMES = ("darker", "compressed", "smaller")
ENDS = np.array([0.0, 30.0, -math.log(0.6)])
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


def fitted(seed=0, n=1500):
    own, scores, variations, facts = drawn(np.random.default_rng(seed), n)
    return fit_stated_changes(own, scores, variations, facts), own


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
        for change in changes:
            score = change.adjust(score, facts_of(kind, strength))
        moved.append(score)
    after = conformal_p(np.array(moved), np.sort(reference))

    assert [change.name for change in changes] == ["compressed", "smaller"]
    for kind in (1, 2):
        strong = (new.kind == kind) & (new.strength > 0.8)
        assert (before[strong] <= 0.01).mean() > 0.2
        assert (after[strong] <= 0.01).mean() < 0.04
    dark = new.kind == 0
    np.testing.assert_array_equal(after[dark], before[dark])


def test_a_score_falls_no_further_than_training_pictures_showed_and_never_rises():
    (change, _), _own = fitted()
    known = [change.adjust(9.0, {QUALITY: 100.0 - loss, SIZE: 0.0}) for loss in range(31)]

    assert known[0] == 9.0  # as those of training
    assert all(a >= b for a, b in pairwise(known))
    assert change.adjust(9.0, {QUALITY: 5.0, SIZE: 0.0}) == pytest.approx(known[30], abs=0.05)
    assert change.adjust(-50.0, {QUALITY: 75.0, SIZE: 0.0}) == -50.0
    assert math.isnan(change.adjust(math.nan, {QUALITY: 75.0, SIZE: 0.0}))


def test_what_training_pictures_state_themselves_explains_nothing():
    own, scores, variations, facts = drawn(np.random.default_rng(0), 1500)
    facts = {QUALITY: np.where(np.arange(1500) == 7, 80.0, LOSSLESS), SIZE: facts[SIZE]}
    change = fit_stated_changes(own, scores, variations, facts)[0]

    assert change.usual == 80.0
    assert change.adjust(9.0, {QUALITY: 80.0, SIZE: 0.0}) == 9.0
    assert change.adjust(9.0, {QUALITY: 72.0, SIZE: 0.0}) < 9.0


def test_too_few_pictures_explain_nothing_and_neither_do_files_that_nobody_read():
    own, scores, variations, facts = drawn(np.random.default_rng(0), 1500)
    few = np.flatnonzero(variations.kind == 1)[: FEWEST - 1]
    kept = np.isin(np.arange(1500), few)

    assert fit_stated_changes(own, scores[kept], variations.pick(kept), facts) == ()
    assert fit_stated_changes(own, scores, variations, {}) == ()


def test_facts_are_the_stated_quality_and_the_shorter_side():
    saved = replace(BLANK, traits={QUALITY: 70.0, "camera": "A"})

    assert read_facts(BLANK) == {QUALITY: LOSSLESS, SIZE: math.log(300)}
    assert read_facts(saved)[QUALITY] == 70.0


def test_they_survive_as_metadata_and_nonsense_is_refused():
    changes, _own = fitted()
    words = pack_stated(changes)

    assert unpack_stated(words) == changes
    assert unpack_stated([]) == ()
    for wrong in ({"name": "darker"}, {"usual": math.nan}, {"mean": [math.inf]}):
        with pytest.raises(ValueError, match="stated"):
            unpack_stated([words[0] | wrong])


def test_a_graph_adjusts_by_the_size_as_the_model_does():
    changes = (
        StatedChange("compressed", 100.0, 30.0, (0.0, 0.1, 0.0), (0.0, 1.0), 0.0, 1.0),
        StatedChange("smaller", math.log(300), 0.5, (1.0, 4.0, 0.2), (0.5, 0.9), 0.1, 0.8),
        StatedChange("larger", math.log(500), 0.4, (0.0, -1.0, 0.9), (0.0, 0.5), 0.1, 0.8),
    )
    nodes = Nodes()
    nodes.name(add_stated_changes(nodes, changes, "score", "size"), "adjusted")
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, []) for n in ("score", "size")]
    made = helper.make_tensor_value_info("adjusted", TensorProto.FLOAT, [])
    graph = nodes.model(ends, [made], {}).SerializeToString()
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    for side in (100, 200, 299, 300, 400, 501, 900):
        for score in (-3.0, 0.2, 2.5):
            expected, size = score, math.log(side)
            for change in changes:
                expected = change.adjust(expected, {QUALITY: LOSSLESS, SIZE: size})
            feed = {"score": np.array(score, np.float32), "size": np.array(size, np.float32)}
            assert session.run(None, feed)[0] == pytest.approx(expected, abs=1e-5)


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
    pooled = table.pooled + np.where(np.arange(12) == 5, 3.0 * strength[:, None], 0.0)
    nothing = np.zeros((len(of), 0), np.float32)
    kind = np.zeros(len(of), np.int64)
    variations = VariedFeatures(
        ("compressed",), pooled.astype(np.float32), nothing, kind, strength, of, {}, nothing
    )
    with_facts = fit(table, ("good", "bad"), (False, True), variations=variations).model
    without = fit(
        replace(table, stated={}), ("good", "bad"), (False, True), variations=variations
    ).model

    assert [(one.name, one.usual) for one in with_facts.gate.stated] == [("compressed", 90.0)]
    assert with_facts.gate.stated[0].end == pytest.approx(20.0)  # from quality 90 down to 70
    assert without.gate.stated == ()


def test_a_prediction_compares_a_score_without_what_the_file_states(tiny_product):
    bundle, _ = tiny_product.opened()
    known = StatedChange("compressed", 100.0, 30.0, (0.0, 50.0), (0.0, 1.0), 0.0, 1.0)
    model = replace(bundle.model, gate=replace(bundle.model.gate, stated=(known,)))
    z = np.zeros(len(model.centre), np.float32)
    score = float(model.gate.reference[-1]) + 1.0
    found = Evidence(z, np.array([2.0, -2.0]), score)

    least = 1 / (len(model.gate.reference) + 1)
    assert model.predict(found, BLANK).ood_p == pytest.approx(least)
    assert model.predict(found, replace(BLANK, traits={QUALITY: 70.0})).ood_p == 1.0
