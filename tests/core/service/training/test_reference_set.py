"""What a bundle shows of the pictures that it learned from."""

import cv2
import numpy as np
import pytest

from core.service.assessment.paths import assess_paths
from core.service.bundles.open import certify_bundle, open_bundle
from core.service.training.reference_set import CLOSE, bring_to
from core.service.training.train import TrainSpec, train


@pytest.fixture(scope="module")
def bare(tiny_product, tmp_path_factory):
    """The tiny product's bundle once more, without pictures."""
    out = tmp_path_factory.mktemp("bare") / "bundle"
    train(TrainSpec("parts", tiny_product.data, out, pictures=False), tiny_product.settings)
    bundle = open_bundle(out, tiny_product.settings)
    certify_bundle(bundle, tiny_product.opened()[1].targets)
    return bundle


def test_made_pictures_are_brought_between_the_limits():
    asked = []

    def chance(data):  # a picture without contrast is a bad one
        asked.append(data)
        return 1 - cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE).std() / 60

    _, flat = cv2.imencode(".png", np.full((64, 64, 3), 128, np.uint8))
    found = bring_to(0.5, flat.tobytes(), chance)

    assert chance(flat.tobytes()) == 1.0
    assert chance(found) == pytest.approx(0.5, abs=CLOSE)
    assert bring_to(0.5, flat.tobytes(), chance) == found
    asked.clear()
    assert bring_to(0.5, found, chance) == found
    assert len(asked) == 1


def test_a_bundle_without_pictures_is_probed_between_the_limits(bare):
    expected = bare.metadata["probe"].values()
    p = sorted(one["positive_probability"] for one in expected)
    assert sum(0.05 < one < 0.95 for one in p) >= 3


def test_a_bundle_without_pictures_judges_as_the_same_one_with_them(tiny_product, bare):
    files = sorted((tiny_product.data / "images").glob("*"))[:6]
    whole, _ = tiny_product.opened()
    result = [
        list(assess_paths(one, files, settings=tiny_product.settings)) for one in (bare, whole)
    ]
    for ours, theirs in zip(*result, strict=True):
        assert ours.verdict == theirs.verdict
        np.testing.assert_array_equal(
            ours.prediction.probabilities, theirs.prediction.probabilities
        )


def test_a_bundle_without_pictures_holds_no_training_picture_and_no_file_name(tiny_product, bare):
    assert len(bare.known.features) > 20
    assert set(bare.known.jpegs) == {b""}
    assert set(bare.known.names) == {""}
    shipped = {file.read_bytes() for file in bare.path.rglob("*") if file.is_file()}
    pictures = list((tiny_product.data / "images").glob("*"))
    assert not shipped & {file.read_bytes() for file in pictures}
    words = b"".join(shipped)
    assert not [file.name for file in pictures if file.name.encode() in words]
    assert words.count(b"JFIF") == 0
