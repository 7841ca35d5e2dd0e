"""Corrupted pictures come from processes that are not trusted, as many as read the plain ones."""

import hashlib

import numpy as np
import pytest

from core.imaging.corrupted import CORRUPTIONS, VARIATIONS
from core.labelled import read_labelled
from core.service.progress import silent
from core.service.training import corrupted_samples
from core.service.training.corrupted_samples import Extraction, iterate_samples, sampling_plans
from core.settings import Settings
from tests.core.imaging.hostile_packs import is_wrong_size


@pytest.fixture(scope="module")
def rows(tiny_product):
    return [row for row in read_labelled(tiny_product.data).rows if row.split == "train"]


@pytest.fixture
def sampled(tiny_product, rows):
    """A function that gives the samples of all rows by a number of processes."""
    bundle, _ = tiny_product.opened()

    def sample(decoders):
        settings = Settings(home=tiny_product.settings.home, decoders=decoders)
        extraction = Extraction(bundle.pack, bundle.network, bundle.backbone.size, settings, silent)
        plans = sampling_plans(extraction, len(rows))
        assert set(plans) == {CORRUPTIONS, VARIATIONS}
        return list(iterate_samples(rows, plans, extraction, seed=1))

    return sample


def assert_same(found, expected):
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert (one.plans, one.of, one.kind, one.strength) == (
            other.plans,
            other.of,
            other.kind,
            other.strength,
        )
        np.testing.assert_array_equal(one.ready.pixels, other.ready.pixels)


def test_a_decoder_that_answers_nonsense_costs_its_picture_alone(sampled, rows, monkeypatch):
    digests = [hashlib.sha256(row.file.read_bytes()).hexdigest() for row in rows]
    wrong = {of for of, digest in enumerate(digests) if is_wrong_size(digest)}
    assert 3 <= len(wrong) <= len(rows) - 20
    expected = [one for one in sampled(1) if one.of not in wrong]

    monkeypatch.setattr(
        corrupted_samples,
        "entry_of",
        lambda _name: "tests.core.imaging.hostile_packs:some_wrong_size",
    )

    assert_same(sampled(2), expected)


def test_several_processes_give_what_one_gives(sampled):
    assert_same(sampled(3), sampled(1))
