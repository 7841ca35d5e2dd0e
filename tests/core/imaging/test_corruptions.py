"""Faults grow with their strength, are the same again, and do what their names say."""

import cv2
import numpy as np
import pytest

from core.imaging.corruptions import FAULTS, TINTED, corrupt_randomly, faulty, suits
from tests.benchmarks.shifts import LADDERS, STEPS, shifted


def a_cloud(channels=3):
    """Soft blobs of medium grey, uint8 ``h w c``."""
    noise = np.random.default_rng(0).integers(0, 256, (224, 300, channels)).astype(np.uint8)
    soft = cv2.GaussianBlur(noise, (0, 0), 2).reshape(noise.shape)
    return cv2.normalize(soft, None, 60, 190, cv2.NORM_MINMAX).reshape(noise.shape)


def climbed(ladder, picture, seed=4):
    return [
        shifted(picture, ladder, step, np.random.default_rng(seed)) for step in range(1, STEPS + 1)
    ]


def away(one, other):
    return float(np.abs(one.astype(float) - other).mean())


@pytest.mark.parametrize("ladder", LADDERS)
def test_every_step_changes_more_than_the_one_before_and_the_same_way_again(ladder):
    picture = a_cloud()
    steps = climbed(ladder, picture)
    moved = [away(step, picture) for step in steps]
    assert moved[0] > 0
    assert (np.diff(moved) > 0).all()
    for once, again in zip(steps, climbed(ladder, picture), strict=True):
        np.testing.assert_array_equal(once, again)


@pytest.mark.parametrize("name", [name for name in FAULTS if name != TINTED])
def test_a_grey_picture_goes_as_its_colour_copy_does(name):
    grey, strength = a_cloud(1), FAULTS[name].plain
    assert suits(name, grey)
    one = faulty(grey, name, strength, np.random.default_rng(4))
    assert one.shape == grey.shape
    # Noise and chroma differ by channel.
    if name not in ("noisy", "taken with another camera", "compressed hard"):
        colour = faulty(np.repeat(grey, 3, axis=2), name, strength, np.random.default_rng(4))
        np.testing.assert_allclose(colour[:, :, :1].astype(int), one.astype(int), atol=1)


def test_a_picture_without_colour_has_none_to_cast():
    grey = np.repeat(a_cloud(1), 3, axis=2)
    assert not suits(TINTED, grey)
    assert suits(TINTED, a_cloud())


def test_a_shift_repeats_the_border_and_an_exposure_is_a_gain_of_light():
    flat = np.full((40, 40, 1), 100, np.uint8)
    flat[:, :20] = 60
    moved = faulty(flat, "shifted", 0.3, np.random.default_rng(0))
    assert set(np.unique(moved)) <= set(range(60, 101))
    brighter = faulty(flat, "too bright", 2.0, np.random.default_rng(0))
    assert brighter[0, 0, 0] == round(255 * (2.0 * (60 / 255) ** 2.2) ** (1 / 2.2))


def test_blur_and_jpeg_are_those_of_opencv():
    picture = a_cloud()
    soft = cv2.GaussianBlur(picture, (0, 0), 0.014 * 224)
    one = faulty(picture, "out of focus", 0.014, np.random.default_rng(0))
    assert away(one, soft) < 0.6
    coded = cv2.imencode(".jpg", picture[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 20])[1]
    expected = cv2.imdecode(coded, cv2.IMREAD_COLOR)[:, :, ::-1]
    same = faulty(picture, "compressed hard", 20.0, np.random.default_rng(0))
    np.testing.assert_array_equal(same, expected)


@pytest.mark.parametrize("name", FAULTS)
def test_a_drawn_strength_lies_between_mild_and_plain(name):
    picture, fault = a_cloud(), FAULTS[name]
    for seed in range(4):
        state = np.random.default_rng(seed)
        state.uniform()  # The strength is drawn first, then what the fault itself draws.
        low = faulty(picture, name, fault.mild, _copy(state))
        high = faulty(picture, name, fault.plain, _copy(state))
        one = corrupt_randomly(picture, name, np.random.default_rng(seed))
        assert away(low, picture) * 0.99 <= away(one, picture) <= away(high, picture) * 1.01


def _copy(rng):
    other = np.random.default_rng()
    other.bit_generator.state = rng.bit_generator.state
    return other
