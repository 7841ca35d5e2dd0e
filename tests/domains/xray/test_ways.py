import numpy as np
import pytest

from domains.xray.decoding.presentations import WRONG_PRESENTATIONS
from tests.domains.xray.radiographs import a_chest

PICTURE = np.dstack([a_chest(seed, 96, 8).astype(np.uint8) for seed in range(3)])


@pytest.mark.parametrize("name", WRONG_PRESENTATIONS)
def test_a_wrong_way_gives_another_picture_of_the_same_kind_and_spares_its_source(name):
    before = PICTURE.copy()

    wrong = WRONG_PRESENTATIONS[name](PICTURE)

    assert wrong.shape == PICTURE.shape
    assert wrong.dtype == np.uint8
    assert wrong.flags.c_contiguous
    assert np.abs(wrong.astype(int) - PICTURE).mean() > 5
    np.testing.assert_array_equal(PICTURE, before)


def test_turns_and_mirrors_undo_each_other():
    quarter, half, three = (WRONG_PRESENTATIONS[f"rotated {angle}"] for angle in (90, 180, 270))

    np.testing.assert_array_equal(three(quarter(PICTURE)), PICTURE)
    np.testing.assert_array_equal(quarter(quarter(PICTURE)), half(PICTURE))
    np.testing.assert_array_equal(quarter(PICTURE)[0, -1], PICTURE[0, 0])
    turned = WRONG_PRESENTATIONS["upside down"](WRONG_PRESENTATIONS["mirrored"](PICTURE))
    np.testing.assert_array_equal(turned, half(PICTURE))
    np.testing.assert_array_equal(WRONG_PRESENTATIONS["inverted"](PICTURE), 255 - PICTURE)


def test_a_half_is_stretched_to_the_whole_and_a_narrow_field_keeps_its_place():
    ramp = np.tile(np.arange(64, dtype=np.uint8)[None, :, None] * 4, (64, 1, 3))

    assert WRONG_PRESENTATIONS["cropped to the left"](ramp).max() <= 32 * 4
    assert WRONG_PRESENTATIONS["cropped to the right"](ramp).min() >= 32 * 4
    upright = ramp.transpose(1, 0, 2).copy()
    assert WRONG_PRESENTATIONS["cropped to the top"](upright).max() <= 32 * 4
    assert WRONG_PRESENTATIONS["cropped to the bottom"](upright).min() >= 32 * 4
    shut = WRONG_PRESENTATIONS["collimated"](ramp)
    np.testing.assert_array_equal(shut[20:44, 20:44], ramp[20:44, 20:44])
    assert shut[:10].max() == shut[:, :10].max() == 0
