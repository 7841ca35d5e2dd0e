"""Altered training pictures: made from prepared ones, the same again, enough of every kind."""

from dataclasses import replace

import numpy as np
import pytest

from core.decision.policy import decide
from core.imaging.faults import FAULTS, TINTED, faulty
from core.labelled import read_labelled
from core.packs import pack_named
from core.service.altering import FEWEST, LEAST, Studio, shown_wrongly, with_faults
from core.service.progress import silent
from core.types import Reason


@pytest.fixture(scope="module")
def plates(tiny_product):
    """The training rows, and where they are altered."""
    bundle, _ = tiny_product.opened()
    rows = [row for row in read_labelled(tiny_product.data) if row.split == "train"]
    size = bundle.backbone.size
    return rows, Studio(bundle.pack, bundle.network, size, tiny_product.settings, silent)


def prepared(studio, row):
    frame = studio.pack.read(row.file.read_bytes(), studio.settings.max_pixels, studio.size)
    return studio.pack.prepare(frame, studio.size).pixels


def test_every_fault_that_suits_is_done_to_enough_pictures_and_the_same_way_again(plates):
    rows, studio = plates
    made, again = (with_faults(rows, studio, seed=3) for _ in range(2))
    assert made.names == tuple(name for name in FAULTS if name != TINTED)  # The plates are grey.
    assert (np.bincount(made.kind) >= FEWEST).all()
    assert set(made.groups) == {row.group for row in rows}
    np.testing.assert_array_equal(made.pooled, again.pooled)
    np.testing.assert_array_equal(made.kind, again.kind)


def test_pictures_shown_wrongly_are_the_prepared_ones_after_the_network(plates):
    rows, studio = plates
    ways = {"mirrored": lambda p: p[:, ::-1], "upside down": lambda p: p[::-1]}
    studio = replace(studio, pack=replace(studio.pack, wrong_ways=ways))
    made = shown_wrongly(rows, studio, seed=0)
    assert made.names == ("mirrored", "upside down")
    assert len(made.kind) == len(rows)
    order = np.random.default_rng(0).permutation(len(rows))
    for place in (0, 1):
        row = rows[order[place]]
        way = list(ways.values())[made.kind[place]]
        expected = studio.network.look(np.ascontiguousarray(way(prepared(studio, row)))).pooled
        np.testing.assert_allclose(made.pooled[place], expected, atol=1e-5)
        assert made.groups[place] == row.group


def test_nothing_is_altered_where_there_is_too_little_to_learn_from(plates):
    rows, studio = plates
    assert with_faults(rows[: LEAST - 1], studio, seed=0) is None
    assert shown_wrongly(rows, studio, seed=0) is None  # The pack names no ways.
    assert pack_named("parts").wrong_ways == {}


@pytest.mark.parametrize("name", ["out of focus", "noisy", "turned", "partly covered"])
def test_a_strange_plate_is_deferred_with_the_fault_that_it_looks_like(tiny_product, plates, name):
    rows, studio = plates
    bundle, policy = tiny_product.opened()
    row = next(row for row in rows if row.label == "good")
    pixels = faulty(prepared(studio, row), name, FAULTS[name].plain, np.random.default_rng(0))
    frame = studio.pack.read(row.file.read_bytes(), studio.settings.max_pixels, studio.size)
    ready = replace(studio.pack.prepare(frame, studio.size), pixels=pixels)
    evidence = bundle.model.evidence(bundle.network.look(pixels))
    prediction = bundle.model.predict(evidence, ready)
    assert prediction.resembled == name
    # Seventy-two plates cannot give a p-value of 1 %.
    policy = replace(policy, targets=replace(policy.targets, ood_alpha=0.05))
    found = decide(prediction, policy, bundle.model.classes, bundle.model.positive).findings
    (novel,) = [one for one in found if one.reason is Reason.NOVEL]
    assert novel.detail.startswith(f"It looks {name}: p-value ")
