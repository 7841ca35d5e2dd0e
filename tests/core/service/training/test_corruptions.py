"""Altered training pictures: made from prepared ones, the same again, enough of every kind."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from core.decision.policy import decide
from core.imaging import variations
from core.imaging.corruptions import FAULTS, TINTED, faulty
from core.imaging.variations import COLOURED, VARIATIONS
from core.labelled import read_labelled
from core.packs import pack_named
from core.service.progress import silent
from core.service.training.corruptions import FEWEST, LEAST, Studio, alter
from core.types import Reason
from tests.conftest import SIDE


@pytest.fixture(scope="module")
def plates(tiny_product):
    """The training rows, and where they are altered."""
    bundle, _ = tiny_product.opened()
    rows = [row for row in read_labelled(tiny_product.data).rows if row.split == "train"]
    size = bundle.backbone.size
    return rows, Studio(bundle.pack, bundle.network, size, tiny_product.settings, silent)


HARMLESS = (("brighter", 0.07), ("darker", -0.07), ("harder", 0.15), ("flatter", -0.15))


def varied(frame, rng, *, name, strength):
    return variations.varied(frame, name, strength, rng)


def broken_by(frame, rng, *, name):
    return replace(frame, pixels=faulty(frame.pixels, name, FAULTS[name].plain, rng))


def prepared(studio, row):
    frame = studio.pack.read(row.file.read_bytes(), studio.settings.max_pixels, studio.size)
    return studio.pack.prepare(frame, studio.size).pixels


def test_every_fault_that_suits_is_done_to_enough_pictures_and_the_same_way_again(plates):
    rows, studio = plates
    made, again = (alter(rows, studio, seed=3).faulty for _ in range(2))
    assert made.names == tuple(name for name in FAULTS if name != TINTED)  # The plates are grey.
    assert (np.bincount(made.kind) >= FEWEST).all()
    assert set(made.groups) == {row.group for row in rows}
    np.testing.assert_array_equal(made.pooled, again.pooled)
    np.testing.assert_array_equal(made.kind, again.kind)


def test_pictures_shown_wrongly_are_the_prepared_ones_after_the_network(plates):
    rows, studio = plates
    ways = {"mirrored": lambda p: p[:, ::-1], "upside down": lambda p: p[::-1]}
    studio = replace(studio, pack=replace(studio.pack, wrong_ways=ways))
    made = alter(rows, studio, seed=0).wrong
    assert made.names == ("mirrored", "upside down")
    assert len(made.kind) == len(rows)
    order = np.random.default_rng(0).permutation(len(rows))
    for place in (0, 1):
        row = rows[order[place]]
        way = list(ways.values())[made.kind[place]]
        expected = studio.network.extract(np.ascontiguousarray(way(prepared(studio, row)))).pooled
        np.testing.assert_allclose(made.pooled[place], expected, atol=1e-5)
        assert made.groups[place] == row.group


def test_benign_pictures_are_prepared_again_and_say_whose_they_are_and_how_far_they_went(plates):
    rows, studio = plates
    made = alter(rows, studio, seed=3).benign
    assert made.names == tuple(VARIATIONS)
    count = dict(zip(VARIATIONS, np.bincount(made.kind, minlength=len(VARIATIONS)), strict=True))
    assert all(n >= FEWEST for name, n in count.items() if name not in COLOURED)
    assert not any(count[name] for name in COLOURED)  # The plates are grey.
    assert 0 <= made.strength.min() < 0.3
    assert 0.9 < made.strength.max() <= 1
    shots = np.flatnonzero(made.kind == made.names.index("darker"))
    for shot in shots[:3]:
        ready = prepared(studio, rows[made.of[shot]]).astype(np.float32)
        share = made.measures["brightness"][shot] / ready.mean() - 1
        assert share == pytest.approx(-0.15 * made.strength[shot], abs=0.02)
    side, resized = np.log(SIDE), made.kind == made.names.index("larger")
    gone = (made.measures["size"][resized] - side) / np.log(1.5)
    np.testing.assert_allclose(gone, made.strength[resized], atol=0.02)
    assert made.measures["size"][shots] == pytest.approx(side)


def test_a_plate_under_other_light_is_judged_and_one_with_a_fault_is_not(tiny_product, plates):
    _, studio = plates
    bundle, _ = tiny_product.opened()
    files = tiny_product.pictures("test")

    def held(change):
        found = []
        for number, file in enumerate(files):
            frame = studio.pack.read(file.read_bytes(), studio.settings.max_pixels, 0)
            frame = change(frame, np.random.default_rng(number))
            ready = studio.pack.prepare(frame, studio.size)
            evidence = bundle.model.evidence(bundle.network.extract(ready.pixels))
            prediction = bundle.model.predict(evidence, ready)
            found.append(bool(prediction.findings) or prediction.ood_p <= 0.05)
        return np.mean(found)

    for name, strength in HARMLESS:
        assert held(partial(varied, name=name, strength=strength)) <= 0.1, (name, strength)
    for name in ("out of focus", "noisy", "too dark", "turned"):
        assert held(partial(broken_by, name=name)) >= 0.9, name


def test_nothing_is_altered_where_there_is_too_little_to_learn_from(plates):
    rows, studio = plates
    few = alter(rows[: LEAST - 1], studio, seed=0)
    assert few.faulty is few.benign is None
    assert few.wrong is None  # The pack names no ways.
    assert pack_named("parts").wrong_ways == {}


@pytest.mark.parametrize("name", ["out of focus", "noisy", "turned", "partly covered"])
def test_a_strange_plate_is_deferred_with_the_fault_that_it_looks_like(tiny_product, plates, name):
    rows, studio = plates
    bundle, policy = tiny_product.opened()
    row = next(row for row in rows if row.label == "good")
    pixels = faulty(prepared(studio, row), name, FAULTS[name].plain, np.random.default_rng(0))
    frame = studio.pack.read(row.file.read_bytes(), studio.settings.max_pixels, studio.size)
    ready = replace(studio.pack.prepare(frame, studio.size), pixels=pixels)
    evidence = bundle.model.evidence(bundle.network.extract(pixels))
    prediction = bundle.model.predict(evidence, ready)
    assert prediction.resembled == name
    # Seventy-two plates cannot give a p-value of 1 %.
    policy = replace(policy, targets=replace(policy.targets, ood_alpha=0.05))
    found = decide(prediction, policy, bundle.model.classes, bundle.model.positive).findings
    (novel,) = [one for one in found if one.reason is Reason.NOVEL]
    assert novel.detail.startswith(f"It looks {name}: p-value ")
