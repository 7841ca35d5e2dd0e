"""Variations grow with their strength, do what their names say, and change the source's size."""

import math

import numpy as np
import pytest

from core.imaging.square import prepare
from core.imaging.variations import COLOURED, VARIATIONS, suits, vary, vary_randomly
from core.types import Frame
from tests.core.imaging.test_corruptions import a_cloud, away


def framed(pixels, source=None):
    return Frame(pixels, 8, "", source or pixels.shape[:2])


def done(name, share, pixels, seed=4):
    frame = vary(framed(pixels), name, share, np.random.default_rng(seed))
    return prepare(frame, 224).pixels


@pytest.mark.parametrize("name", VARIATIONS)
def test_more_of_a_variation_changes_more_and_none_of_it_changes_nothing(name):
    picture = a_cloud()
    as_is = prepare(framed(picture), 224).pixels
    end = VARIATIONS[name].end
    moved = [away(done(name, share * end, picture), as_is) for share in (0, 0.5, 1)]
    assert moved[0] < (2.0 if name == "compressed" else 0.01)  # JPEG halves the colour.
    assert moved[0] < moved[1] < moved[2]


def test_light_contrast_and_white_are_those_of_the_grey_levels():
    picture = a_cloud().astype(np.float64)
    brighter = vary(framed(a_cloud()), "brighter", 0.1, np.random.default_rng(0)).pixels
    np.testing.assert_allclose(brighter, np.minimum(picture * 1.1, 255), atol=0.51)
    flatter = vary(framed(a_cloud()), "flatter", -0.1, np.random.default_rng(0)).pixels
    assert flatter.std() == pytest.approx(0.9 * picture.std(), rel=0.01)
    assert flatter.mean() == pytest.approx(picture.mean(), abs=0.1)
    warm = vary(framed(a_cloud()), "warmer", 0.1, np.random.default_rng(0)).pixels
    ratio = warm.mean(axis=(0, 1)) / picture.mean(axis=(0, 1))
    np.testing.assert_allclose(ratio, [1.1, 1.0, 0.9], atol=0.005)


def test_a_crop_cuts_the_source_by_the_same_share_and_keeps_what_is_inside():
    picture = np.arange(200 * 300, dtype=np.uint32).reshape(200, 300, 1)
    for seed in range(6):
        frame = Frame((picture % 251).astype(np.uint8), 8, "", (800, 1200))
        cut = vary(frame, "cropped", 0.05, np.random.default_rng(seed))
        height, width = cut.pixels.shape[:2]
        assert (height == 190) != (width == 285)
        assert (height, width) >= (190, 285)
        assert cut.source_size == (4 * height, 4 * width)
        first = np.argwhere(picture[: 201 - height, : 301 - width, 0] % 251 == cut.pixels[0, 0, 0])
        inside = [frame.pixels[y : y + height, x : x + width] for y, x in first]
        assert any((one == cut.pixels).all() for one in inside)


def test_a_size_reduces_pixels_only_where_the_source_has_no_more_of_them():
    reduced = Frame(a_cloud(1)[:224, :224], 8, "", (2000, 2000))
    smaller = vary(reduced, "smaller", math.log(0.6), np.random.default_rng(0))
    assert smaller.source_size == (1200, 1200)
    np.testing.assert_array_equal(smaller.pixels, reduced.pixels)
    whole = Frame(a_cloud(1)[:224, :224], 8, "", (224, 224))
    smaller = vary(whole, "smaller", math.log(0.5), np.random.default_rng(0))
    assert smaller.source_size == smaller.pixels.shape[:2] == (112, 112)
    larger = vary(whole, "larger", math.log(1.5), np.random.default_rng(0))
    assert larger.source_size == larger.pixels.shape[:2] == (336, 336)


def test_strengths_near_the_end_are_drawn_more_often_and_a_grey_picture_has_no_white():
    rng = np.random.default_rng(0)
    frame = framed(a_cloud(1))
    sizes = [vary_randomly(frame, "smaller", rng) for _ in range(60)]
    for one, share in sizes:
        assert 0 <= share <= 1
        assert math.log(one.source_size[0] / 224) == pytest.approx(share * math.log(0.6), abs=0.01)
    assert np.mean([share for _, share in sizes]) == pytest.approx(2 / 3, abs=0.1)
    assert [name for name in VARIATIONS if not suits(name, frame.pixels)] == list(COLOURED)
    assert all(suits(name, a_cloud()) for name in VARIATIONS)
