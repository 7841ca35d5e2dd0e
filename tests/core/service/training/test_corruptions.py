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
from core.service.training.corrupted_samples import MIN_PER_KIND, MIN_PICTURES, Extraction
from core.service.training.corruptions import extract_corrupted
from core.types import Reason
from tests.conftest import SIDE


@pytest.fixture(scope="module")
def plates(tiny_product):
    """The training rows, and where they are altered."""
    bundle, _ = tiny_product.opened()
    rows = [row for row in read_labelled(tiny_product.data).rows if row.split == "train"]
    size = bundle.backbone.size
    return rows, Extraction(bundle.pack, bundle.network, size, tiny_product.settings, silent)


HARMLESS = (("brighter", 0.07), ("darker", -0.07), ("harder", 0.15), ("flatter", -0.15))


def varied(frame, rng, *, name, strength):
    return variations.vary(frame, name, strength, rng)


def broken_by(frame, rng, *, name):
    return replace(frame, pixels=faulty(frame.pixels, name, FAULTS[name].plain, rng))


def prepared(extraction, row):
    frame = extraction.pack.read(
        row.file.read_bytes(), extraction.settings.max_pixels, extraction.size
    )
    return extraction.pack.prepare(frame, extraction.size).pixels


def test_every_fault_that_suits_is_done_to_enough_pictures_and_the_same_way_again(plates):
    rows, extraction = plates
    made, again = (extract_corrupted(rows, extraction, seed=3).corruptions for _ in range(2))
    assert made.names == tuple(name for name in FAULTS if name != TINTED)  # The plates are grey.
    assert (np.bincount(made.kind) >= MIN_PER_KIND).all()
    assert set(made.groups) == {row.group for row in rows}
    np.testing.assert_array_equal(made.pooled, again.pooled)
    np.testing.assert_array_equal(made.kind, again.kind)


def test_pictures_shown_wrongly_are_the_prepared_ones_after_the_network(plates):
    rows, extraction = plates
    ways = {"mirrored": lambda p: p[:, ::-1], "upside down": lambda p: p[::-1]}
    extraction = replace(extraction, pack=replace(extraction.pack, wrong_presentations=ways))
    made = extract_corrupted(rows, extraction, seed=0).presentations
    assert made.names == ("mirrored", "upside down")
    assert len(made.kind) == len(rows)
    order = np.random.default_rng(0).permutation(len(rows))
    for place in (0, 1):
        row = rows[order[place]]
        way = list(ways.values())[made.kind[place]]
        expected = extraction.network.extract(
            np.ascontiguousarray(way(prepared(extraction, row)))
        ).pooled
        np.testing.assert_allclose(made.pooled[place], expected, atol=1e-5)
        assert made.groups[place] == row.group


def test_benign_pictures_are_prepared_again_and_say_whose_they_are_and_how_far_they_went(plates):
    rows, extraction = plates
    made = extract_corrupted(rows, extraction, seed=3).variations
    assert made.names == tuple(VARIATIONS)
    count = dict(zip(VARIATIONS, np.bincount(made.kind, minlength=len(VARIATIONS)), strict=True))
    assert all(n >= MIN_PER_KIND for name, n in count.items() if name not in COLOURED)
    assert not any(count[name] for name in COLOURED)  # The plates are grey.
    assert 0 <= made.strength.min() < 0.3
    assert 0.9 < made.strength.max() <= 1
    shots = np.flatnonzero(made.kind == made.names.index("darker"))
    for shot in shots[:3]:
        ready = prepared(extraction, rows[made.of[shot]]).astype(np.float32)
        share = made.measures["brightness"][shot] / ready.mean() - 1
        assert share == pytest.approx(-0.15 * made.strength[shot], abs=0.02)
    side, resized = np.log(SIDE), made.kind == made.names.index("larger")
    gone = (made.measures["size"][resized] - side) / np.log(1.5)
    np.testing.assert_allclose(gone, made.strength[resized], atol=0.02)
    assert made.measures["size"][shots] == pytest.approx(side)


def test_a_plate_under_other_light_is_judged_and_one_with_a_fault_is_not(tiny_product, plates):
    _, extraction = plates
    bundle, _ = tiny_product.opened()
    files = tiny_product.pictures("test")

    def held_out(change):
        found = []
        for number, file in enumerate(files):
            frame = extraction.pack.read(file.read_bytes(), extraction.settings.max_pixels, 0)
            frame = change(frame, np.random.default_rng(number))
            ready = extraction.pack.prepare(frame, extraction.size)
            evidence = bundle.model.evidence(bundle.network.extract(ready.pixels), ready)
            prediction = bundle.model.predict(evidence, ready)
            found.append(bool(prediction.findings) or prediction.ood_p <= 0.05)
        return np.mean(found)

    for name, strength in HARMLESS:
        # At most three times the gate's level.
        assert held_out(partial(varied, name=name, strength=strength)) <= 0.15, (name, strength)
    for name in ("out of focus", "noisy", "too dark", "turned"):
        assert held_out(partial(broken_by, name=name)) >= 0.9, name


def test_nothing_is_altered_where_there_is_too_little_to_learn_from(plates):
    rows, extraction = plates
    few = extract_corrupted(rows[: MIN_PICTURES - 1], extraction, seed=0)
    assert few.corruptions is few.variations is None
    assert few.presentations is None  # The pack names no ways.
    assert pack_named("parts").wrong_presentations == {}


@pytest.mark.parametrize("name", ["out of focus", "noisy", "turned", "partly covered"])
def test_a_strange_plate_is_deferred_with_the_fault_that_it_looks_like(tiny_product, plates, name):
    rows, extraction = plates
    bundle, policy = tiny_product.opened()
    row = next(row for row in rows if row.label == "good")
    pixels = faulty(prepared(extraction, row), name, FAULTS[name].plain, np.random.default_rng(0))
    frame = extraction.pack.read(
        row.file.read_bytes(), extraction.settings.max_pixels, extraction.size
    )
    ready = replace(extraction.pack.prepare(frame, extraction.size), pixels=pixels)
    evidence = bundle.model.evidence(bundle.network.extract(pixels), ready)
    prediction = bundle.model.predict(evidence, ready)
    assert prediction.resembled == name
    # Seventy-two plates cannot give a p-value of 1 %.
    policy = replace(policy, targets=replace(policy.targets, ood_alpha=0.05))
    found = decide(prediction, policy, bundle.model.classes, bundle.model.positive).findings
    (novel,) = [one for one in found if one.reason is Reason.NOVEL]
    assert novel.detail.startswith(f"It looks {name}: p-value ")
