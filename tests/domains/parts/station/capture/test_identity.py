"""A camera that is not the recipe's, or set otherwise, is reported by name with both values."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from domains.parts.station.capture.identity import channel_order, differences, is_coloured
from domains.parts.station.ports import CameraIdentity
from domains.parts.station.recipe import CameraOptions

CAMERA = CameraIdentity("A-17", 1600, 1200, "RGB8", 5000.0, 1.5, "RGB")
OPTIONS = CameraOptions(
    source="0", serial="A-17", width=1600, height=1200, pixel_format="RGB8", exposure_us=5000,
    gain=1.5, region=(0, 0, 1600, 1200), colour_reference="empty.png",
)  # fmt: skip


def test_the_camera_of_the_recipe_differs_in_nothing():
    assert differences(CAMERA, OPTIONS) == ()


def test_a_recipe_that_asks_nothing_takes_any_camera():
    assert differences(CameraIdentity(), CameraOptions(source="0")) == ()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"serial": "A-18"}, ("serial", "A-18", "A-17")),
        ({"serial": ""}, ("serial", "not known", "A-17")),
        ({"width": 800}, ("width", "800", "1600")),
        ({"height": None}, ("height", "not known", "1200")),
        ({"pixel_format": "BayerRG8"}, ("pixel format", "BayerRG8", "RGB8")),
        ({"exposure_us": 5051.0}, ("exposure", "5051", "5000")),
        ({"exposure_us": None}, ("exposure", "not known", "5000")),
        ({"gain": 0.0}, ("gain", "0", "1.5")),
        ({"channels": "BGR"}, ("channel order", "BGR", "RGB")),
        ({"channels": "unknown"}, ("channel order", "unknown", "RGB")),
        ({"channels": ""}, ("channel order", "not known", "RGB")),
    ],
)
def test_every_difference_is_named_with_both_values(changed, words):
    found = differences(replace(CAMERA, **changed), OPTIONS)
    assert all(word in found[0] for word in ("camera", *words))
    assert len(found) == (2 if {"width", "height"} & set(changed) else 1)


def test_drivers_may_round_exposure_and_gain_by_one_percent():
    assert differences(replace(CAMERA, exposure_us=5049.0, gain=1.486), OPTIONS) == ()


@pytest.mark.parametrize(
    "region", [(0, 0, 1601, 10), (1, 0, 1600, 10), (-1, 0, 5, 5), (0, 0, 0, 5)]
)
def test_a_region_beyond_the_picture_is_a_difference(region):
    (found,) = differences(CAMERA, OPTIONS.model_copy(update={"region": region}))
    assert "1600 x 1200" in found
    assert str(list(region)) in found


def a_station(seed=0, colour=True):
    """A lit belt with a coloured mark, as an empty station looks."""
    rng = np.random.default_rng(seed)
    picture = np.full((120, 160, 3), 110, np.int16)
    if colour:
        picture[:, :, 0] += 9
        picture[10:60, 10:60] = (190, 90, 40)
        picture[70:110, 90:150] = (40, 80, 170)
    return np.clip(picture + rng.normal(0, 4, picture.shape), 0, 255).astype(np.uint8)


def with_part(picture, share):
    covered = picture.copy()
    covered[:, : int(share * picture.shape[1])] = 128
    return covered


@pytest.mark.parametrize("gain", [0.5, 1.0, 1.3])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.5])
def test_exchanged_channels_are_proven_also_with_a_part_in_view_and_other_light(gain, share):
    observed = np.clip(with_part(a_station(1), share) * gain, 0, 255).astype(np.uint8)
    assert channel_order(observed, a_station()) == "RGB"
    assert channel_order(np.ascontiguousarray(observed[:, :, ::-1]), a_station()) == "BGR"


def test_what_proves_nothing_is_unknown():
    grey = np.full((120, 160, 3), 128, np.uint8)
    assert channel_order(grey, a_station()) == "unknown"
    assert channel_order(with_part(a_station(1), 0.9), a_station()) == "unknown"
    assert channel_order(a_station(1), grey) == "unknown"


def test_a_grey_reference_is_no_reference():
    assert is_coloured(a_station())
    assert not is_coloured(a_station(colour=False))


@pytest.mark.shared
def test_channels_of_real_parts_are_told_apart(shared_data):
    """Each picture is its own reference beside a brighter, noisier take of it."""
    right = reported = 0
    for path in sorted((shared_data / "parts").rglob("*.jpg"))[::40]:
        picture = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        if not is_coloured(picture):
            continue
        noise = np.random.default_rng(0).normal(0, 5, picture.shape)
        again = np.clip(picture * 1.1 + noise, 0, 255).astype(np.uint8)
        reported += 2
        right += channel_order(again, picture) == "RGB"
        right += channel_order(np.ascontiguousarray(again[:, :, ::-1]), picture) == "BGR"
    assert right == reported > 0
