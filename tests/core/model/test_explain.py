"""Explanations: the heat map lies where the score's gradient says, known cases are the nearest."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from core.decision.calibration import Calibrator
from core.decision.multilabel import Sigmoids
from core.model.estimators import heads
from core.model.estimators.gate import Gate
from core.model.estimators.heads import LinearHead
from core.model.estimators.model import Model
from core.model.explain import Known, heat_map, nearest
from core.model.network.backbone import Tap
from core.types import NetworkOutput, Prepared

BLANK = Prepared(np.zeros((1, 1, 3), np.uint8), "", (1, 1))


@pytest.fixture(scope="module")
def bundle(tiny_product):
    return tiny_product.opened()[0]


def look(bundle, file, size=224):
    prepared = bundle.pack.prepare(bundle.pack.read(file.read_bytes(), 10**7, size), size)
    return prepared.pixels, bundle.model.evidence(bundle.network.extract(prepared.pixels), prepared)


def test_heat_is_warmer_on_the_scratch_than_beside_it(bundle, tiny_product):
    """A plain scratch is the darkest thing on a plate: its place is known from the pixels."""
    wins = []
    for file in tiny_product.pictures("test", "scratched"):
        pixels, evidence = look(bundle, file)
        heat = heat_map(
            bundle.model,
            bundle.known,
            evidence,
            bundle.backbone.taps,
            bundle.network.maps(pixels),
            224,
        )
        smooth = cv2.GaussianBlur(pixels[:, :, 0].astype(np.float32), (0, 0), 2)
        scratch = smooth < np.percentile(smooth, 1.5)
        wins.append(heat[scratch].mean() > heat[~scratch].mean())
    assert np.mean(wins) >= 0.8


def one_channel_model(by_mean, by_deviation):
    """A model of one map with one channel and a head that reads its mean and its deviation."""
    weights = np.array([[0.0, 0.0], [by_mean, by_deviation]], np.float32)
    one = np.eye(2, dtype=np.float32)
    return Model(
        classes=("good", "bad"),
        positive=(False, True),
        centre=np.zeros(2, np.float32),
        scale=np.ones(2, np.float32),
        head=LinearHead(weights, np.zeros(2)),
        calibrator=Calibrator("identity", 1.0, np.zeros(2)),
        gate=Gate(one[0], one, one, one, np.zeros(2), np.zeros(1)),
        ranges={},
    )


@pytest.mark.parametrize(("by_mean", "by_deviation"), [(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0)])
def test_heat_of_a_known_map_is_its_share_of_the_pooled_statistics(by_mean, by_deviation):
    rng = np.random.default_rng(1)
    stage = rng.normal(1.0, 0.1, (1, 8, 8)).astype(np.float32)
    stage[0, 2, 5] += 3.0
    model = one_channel_model(by_mean, by_deviation)
    known = Known(np.array([[1.0, 0.1], [9, 9]], np.float32), ("good", "bad"), ("a", "b"), ())
    evidence = model.evidence(
        NetworkOutput(np.array([stage.mean(), stage.std()], np.float32)), BLANK
    )
    heat = heat_map(model, known, evidence, [Tap("only", 1)], [stage], 8)
    spread = stage.std()
    expected = by_mean * (stage[0] - 1.0)
    expected += by_deviation * ((stage[0] - stage.mean()) ** 2 / spread - 0.1)
    np.testing.assert_allclose(heat, expected, atol=1e-4)
    peak = heat.argmin() if by_mean < 0 else heat.argmax()
    assert np.unravel_index(peak, heat.shape) == (2, 5)


def test_heat_of_a_maximum_lies_where_it_is_and_nowhere_else():
    stage = np.random.default_rng(2).uniform(0.0, 1.0, (2, 8, 8)).astype(np.float32)
    stage[0, 2, 5], stage[1, 6, 1] = 4.0, 0.5
    stage[1] = np.minimum(stage[1], 0.5)
    model = one_channel_model(2.0, -1.0)
    known = Known(np.array([[1.0, 0.75], [9, 9]], np.float32), ("good", "bad"), ("a", "b"), ())
    output = NetworkOutput(stage.max(axis=(1, 2)))
    tap = Tap("only", 2, mean=False, deviation=False, maximum=True)
    heat = heat_map(model, known, model.evidence(output, BLANK), [tap], [stage], 8)
    expected = np.zeros((8, 8))
    expected[2, 5] = 2.0 * (4.0 - 1.0) * 64
    first = np.unravel_index(stage[1].argmax(), (8, 8))
    expected[first] += -1.0 * (0.5 - 0.75) * 64
    np.testing.assert_allclose(heat, expected, atol=1e-3)
    assert heat.mean() == pytest.approx(2.0 * 3.0 + 0.25, abs=1e-4)


def test_heat_of_several_labels_follows_the_roll_up_whatever_the_labels_say():
    stage = np.arange(64, dtype=np.float32).reshape(1, 8, 8) / 64
    plain = one_channel_model(1.0, 0.0)
    weights = np.array([[5.0, 0.0], [-9.0, 0.0], [3.0, 0.0], [1.0, 0.0]], np.float32)
    model = replace(
        plain,
        classes=("good", "scratch", "stain"),
        positive=(False, True, True),
        head=LinearHead(weights, np.zeros(4)),
        calibrator=Sigmoids(np.ones(4), np.zeros(4)),
    )
    features = np.array([[0.2, 0.1], [9, 9], [7, 7]], np.float32)
    known = Known(features, ("good", "scratch|stain", "stain"), ("a", "b", "c"), ())
    output = NetworkOutput(np.array([stage.mean(), stage.std()], np.float32))
    heat = heat_map(model, known, model.evidence(output, BLANK), [Tap("only", 1)], [stage], 8)
    np.testing.assert_allclose(heat, stage[0] - 0.2, atol=1e-4)


def test_heat_adds_up_to_the_difference_from_an_ordinary_negative_score(bundle, tiny_product):
    good = np.array([label == "good" for label in bundle.known.labels])
    ordinary = heads.logits(bundle.model.head, bundle.known.features[good].mean(axis=0))
    for file in tiny_product.pictures("test")[:12]:
        pixels, evidence = look(bundle, file)
        heat = heat_map(
            bundle.model,
            bundle.known,
            evidence,
            bundle.backbone.taps,
            bundle.network.maps(pixels),
            224,
        )
        difference = (evidence.logits - ordinary) @ [-1.0, 1.0]
        assert heat.mean() == pytest.approx(difference, abs=0.1 + 0.1 * abs(difference))


def test_a_known_picture_is_its_own_nearest_case(bundle, tiny_product):
    file = tiny_product.pictures("train")[5]
    _, evidence = look(bundle, file)
    found = nearest(bundle.known, evidence)
    assert found[0].name == file.name
    assert found[0].distance == pytest.approx(0.0, abs=0.02)  # kept in half precision
    assert [n.distance for n in found] == sorted(n.distance for n in found)
    assert len(found) == 5
    shown = cv2.imdecode(np.frombuffer(found[0].jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    own = cv2.resize(cv2.imread(str(file), cv2.IMREAD_GRAYSCALE), shown.shape[::-1])
    assert np.corrcoef(shown.ravel(), own.ravel())[0, 1] > 0.9
