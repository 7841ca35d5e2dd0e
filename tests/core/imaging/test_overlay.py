"""Heat maps laid over pictures, against pictures whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from core.imaging.overlay import (
    COLD,
    DENSEST_COLD,
    DENSEST_WARM,
    WARM,
    overlay_heat,
    restore_shape,
    strength,
)

GREY = 100


def a_heat(hot: float = 0.0, cold: float = 0.0, side: int = 40) -> np.ndarray:
    heat = np.zeros((side, side), np.float32)
    heat[5:10, 5:10] = hot
    heat[25:30, 25:30] = -cold
    return heat


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ((300, 300), (200, 200)),
        ((100, 400), (50, 200)),
        ((900, 300), (200, 67)),
        ((1, 9000), (1, 200)),
    ],
)
def test_a_stretched_picture_gets_the_shape_of_its_original_back(source, expected):
    square = np.zeros((200, 200, 3), np.uint8)
    assert restore_shape(square, source).shape == (*expected, 3)


def test_a_mark_in_a_stretched_picture_stays_at_its_place_in_the_original():
    square = np.zeros((200, 200), np.float32)
    square[100:110, 150:160] = 1.0
    rows, columns = np.nonzero(restore_shape(square, (100, 400)) > 0.5)
    assert np.isclose(rows.mean() / 50, 0.52, atol=0.01)
    assert np.isclose(columns.mean() / 200, 0.773, atol=0.01)


def test_strength_keeps_the_sign_and_leaves_weak_places_empty():
    answer = strength(a_heat(hot=10.0, cold=1.0))
    assert (answer[5:10, 5:10] == 1.0).all()
    assert not answer[25:30, 25:30].any()
    assert (strength(-a_heat(hot=10.0))[5:10, 5:10] == -1.0).all()


def test_strength_does_not_depend_on_the_scale_of_the_score():
    heat = np.random.default_rng(0).normal(size=(50, 50)).astype(np.float32)
    np.testing.assert_allclose(strength(heat), strength(8.0 * heat), rtol=1e-5)


def test_a_heat_map_that_says_nothing_leaves_the_picture_as_it_is():
    picture = np.full((40, 40, 3), GREY, np.uint8)
    assert (overlay_heat(picture, strength(a_heat())) == picture).all()


def test_what_speaks_for_positive_is_warm_and_what_speaks_against_cold_and_fainter():
    picture = np.full((40, 40, 3), GREY, np.uint8)
    shown = overlay_heat(picture, strength(a_heat(hot=10.0, cold=10.0)))
    expected = {
        (7, 7): GREY * (1 - DENSEST_WARM) + WARM * DENSEST_WARM,
        (27, 27): GREY * (1 - DENSEST_COLD) + COLD * DENSEST_COLD,
        (20, 20): np.full(3, GREY),
    }
    for place, colour in expected.items():
        assert np.abs(shown[place].astype(float) - colour).max() <= 0.5
