"""Cameras of 12 bits in files of 16, from the check of a data set to a verdict."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from core.checking.facts import PictureFacts, thumbs_of
from core.errors import DataError
from core.imaging.depth import CHECK
from core.labelled import Row
from core.model.bundle import serialization
from core.service.assessment.paths import assess_paths
from core.service.bundles.archive import keep
from core.service.bundles.archived import depths_on_shelf
from core.service.data.check import collect_facts, depths_of
from core.service.progress import silent
from core.service.training.train import TrainSpec, train
from core.settings import Settings

PNG = "PNG of 16 bits, grey"


def as_bits(picture, folder, bits, name=None):
    """Save a grey picture of 8 bits anew, its values spread over ``bits`` in a file of 16."""
    grey = cv2.imread(str(picture), cv2.IMREAD_GRAYSCALE).astype(np.float64)
    file = folder / (name or picture.name)
    cv2.imwrite(str(file), (grey / 255 * (2**bits - 1)).round().astype(np.uint16))
    return file


def test_a_data_set_is_looked_at_with_the_range_that_its_data_use(tiny_product, tmp_path):
    pictures = tiny_product.pictures("train")[:6]
    narrow = [as_bits(one, tmp_path, 12) for one in pictures]
    rows = [Row(file, "good", "", file.name) for file in [*pictures, *narrow]]

    pictures = collect_facts(rows, pack="parts", settings=tiny_product.settings, progress=silent)

    assert all(isinstance(one, PictureFacts) for one in pictures)
    assert depths_of(pictures) == {PNG: 12}
    for eight, twelve in zip(pictures[:6], pictures[6:], strict=True):
        assert np.abs(thumbs_of([eight])[0].astype(int) - thumbs_of([twelve])[0]).max() <= 1
        assert eight.refusals == twelve.refusals


def test_test_pictures_set_no_range(tiny_product, tmp_path):
    (picture, *_) = tiny_product.pictures("train")
    rows = [
        Row(as_bits(picture, tmp_path, bits, f"{bits}.png"), "good", split, "g")
        for bits, split in ((12, "train"), (16, "test"), (16, "cal"))
    ]

    assert depths_of(
        collect_facts(rows, pack="parts", settings=tiny_product.settings, progress=silent)
    ) == {PNG: 12}


@pytest.fixture(scope="module")
def of_bits(tiny_product):
    bundle, policy = tiny_product.opened()

    def measured(bits):
        return replace(bundle, model=replace(bundle.model, depths={PNG: bits}))

    return {bits: measured(bits) for bits in (12, 16)}, policy


def test_a_bundle_judges_twelve_bits_as_it_judges_sixteen(of_bits, tiny_product, tmp_path):
    bundles, policy = of_bits
    judged = []
    for bits, bundle in bundles.items():
        (tmp_path / str(bits)).mkdir()
        files = [
            as_bits(one, tmp_path / str(bits), bits) for one in tiny_product.pictures("test")[:6]
        ]
        judged.append(
            list(assess_paths(bundle, files, policy=policy, settings=tiny_product.settings))
        )

    for twelve, sixteen in zip(*judged, strict=True):
        assert twelve.prediction.positive_probability == pytest.approx(
            sixteen.prediction.positive_probability, abs=0.1
        )
        assert twelve.verdict.disposition is sixteen.verdict.disposition
    assert {one.verdict.disposition for one in judged[0]} != {"defer"}


def test_a_picture_over_the_whole_range_is_held_back_by_name(of_bits, tiny_product, tmp_path):
    bundles, policy = of_bits
    bundle = bundles[12]
    whole = as_bits(tiny_product.pictures("test")[0], tmp_path, 16)

    (found,) = assess_paths(bundle, [whole], policy=policy, settings=tiny_product.settings)

    assert found.verdict.disposition == "defer"
    assert found.verdict.findings[0].check == CHECK


def test_the_picture_is_shown_by_the_range_of_the_bundle_that_judged(tiny_product, tmp_path):
    bundle, policy = tiny_product.opened()
    settings = tiny_product.settings_at(tmp_path)
    keep(bundle, policy, settings)

    assert depths_on_shelf(bundle.sha256, settings) == dict(bundle.model.depths)
    assert depths_on_shelf("gone", Settings(home=tmp_path)) == {}


def test_a_bundle_keeps_what_was_measured(of_bits):
    bundles, _ = of_bits

    assert serialization.unpack_model(*serialization.pack_model(bundles[12].model)).depths == {
        PNG: 12
    }


@pytest.mark.parametrize(
    ("side", "message"),
    [
        (96, r"something wrong: 12 of 12 pictures are refused: 12 blank \(such as blank: "),
        (28, r"something wrong: 12 of 12 pictures are refused: 12 size"),
    ],
)
def test_a_side_of_which_every_picture_is_refused_is_named_with_reasons(
    tiny_product, tmp_path, side, message
):
    for number in range(20):
        for label in ("good", "scratch"):
            (tmp_path / "set" / label).mkdir(parents=True, exist_ok=True)
            grey = np.random.default_rng(number).integers(60, 200, (96, 96))
            if label == "scratch":
                grey = np.full((side, side), 100 + number) if side == 96 else grey[:side, :side]
            cv2.imwrite(str(tmp_path / "set" / label / f"{number}.png"), grey.astype(np.uint8))
    spec = TrainSpec("parts", tmp_path / "set", tmp_path / "bundle")

    with pytest.raises(DataError, match=message):
        train(spec, tiny_product.settings)
