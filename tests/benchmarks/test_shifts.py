"""The ladders that the gate is measured on are steps, and the same for everybody."""

import cv2
import numpy as np
import pytest

from tests.benchmarks.shifts import LADDERS, STEPS, shifted, suits


def a_cloud(channels=3):
    """Soft blobs of medium grey, uint8 ``h w c``."""
    noise = np.random.default_rng(0).integers(0, 256, (224, 300, channels)).astype(np.uint8)
    soft = cv2.GaussianBlur(noise, (0, 0), 2).reshape(noise.shape)
    return cv2.normalize(soft, None, 60, 190, cv2.NORM_MINMAX).reshape(noise.shape)


def climbed(ladder, picture, seed=4):
    return [
        shifted(picture, ladder, step, np.random.default_rng(seed)) for step in range(1, STEPS + 1)
    ]


@pytest.mark.parametrize("ladder", LADDERS)
def test_every_step_changes_more_than_the_one_before_and_the_same_way_again(ladder):
    picture = a_cloud()
    steps = climbed(ladder, picture)
    away = [np.abs(step.astype(float) - picture).mean() for step in steps]
    assert away[0] > 0
    assert (np.diff(away) > 0).all()
    for once, again in zip(steps, climbed(ladder, picture), strict=True):
        np.testing.assert_array_equal(once, again)


@pytest.mark.parametrize("ladder", [name for name in LADDERS if name != "colour cast"])
def test_a_grey_picture_goes_up_as_its_colour_copy_does(ladder):
    grey = a_cloud(1)
    assert suits(ladder, grey)
    [one] = climbed(ladder, grey)[2:3]
    assert one.shape == grey.shape
    if ladder not in ("noise", "other camera", "JPEG"):  # Noise and chroma differ by channel.
        colour = climbed(ladder, np.repeat(grey, 3, axis=2))[2]
        np.testing.assert_allclose(colour[:, :, :1].astype(int), one.astype(int), atol=1)


def test_a_picture_without_colour_has_none_to_cast():
    grey = np.repeat(a_cloud(1), 3, axis=2)
    assert not suits("colour cast", grey)
    assert suits("colour cast", a_cloud())


def test_a_shift_repeats_the_border_and_an_exposure_is_a_gain_of_light():
    flat = np.full((40, 40, 1), 100, np.uint8)
    flat[:, :20] = 60
    moved = shifted(flat, "shift", 5, np.random.default_rng(0))
    assert set(np.unique(moved)) <= set(range(60, 101))
    brighter = shifted(flat, "over-exposure", 3, np.random.default_rng(0))
    assert brighter[0, 0, 0] == round(255 * (2.0 * (60 / 255) ** 2.2) ** (1 / 2.2))
