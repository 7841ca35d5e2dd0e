"""Cameras by OpenCV: which colours and which part of a frame are taken."""

from __future__ import annotations

import math
import time

import cv2
import numpy as np
import pytest

from core.errors import ConfigError
from domains.parts.station.capture.identity import differences
from domains.parts.station.capture.sources.video import VideoCamera
from domains.parts.station.ports import CameraLost
from domains.parts.station.recipe import CameraOptions
from tests.domains.parts.station.capture.sources.video.devices import (
    Device,
    grab_when_ready,
)
from tests.domains.parts.station.fake_camera import SIDE


def coloured(_):
    return np.dstack([np.full((SIDE, SIDE), v, np.uint8) for v in (190, 90, 40)])


@pytest.fixture
def reference(tmp_path):
    path = tmp_path / "empty.png"
    cv2.imwrite(str(path), coloured(0)[:, :, ::-1])
    return str(path)


def test_the_order_of_channels_is_proven_at_each_opening_and_watched(world, reference):
    options = CameraOptions(source="0", colour_reference=reference)
    world.draw = coloured
    camera = VideoCamera(options, lambda: Device(world))
    assert camera.open().channels == "RGB"
    world.draw = lambda n: np.ascontiguousarray(coloured(n)[:, :, ::-1])
    with pytest.raises(CameraLost, match="exchanged"):
        grab_when_ready(camera, time.monotonic())
    again = camera.open()
    assert again.channels == "BGR"
    assert "channel order is BGR" in differences(again, options)[0]
    camera.close()


def test_a_reference_without_colour_or_that_is_missing_is_refused(tmp_path):
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((50, 50, 3), 99, np.uint8))
    for path, words in ((tmp_path / "grey.png", "is grey"), (tmp_path / "no.png", "cannot be")):
        with pytest.raises(ConfigError, match=words):
            VideoCamera(CameraOptions(source="0", colour_reference=str(path)))


def test_the_region_of_interest_is_cut_out(world):
    options = CameraOptions(source="0", region=(8, 16, 24, 32))
    camera = VideoCamera(options, lambda: Device(world))
    camera.open()
    frame = grab_when_ready(camera, -math.inf)
    pixels = cv2.imdecode(np.frombuffer(frame.data, np.uint8), cv2.IMREAD_COLOR)
    assert pixels.shape == (32, 24, 3)
    camera.close()
    options = CameraOptions(source="0", region=(50, 0, 24, 32))
    camera = VideoCamera(options, lambda: Device(world))
    camera.open()
    with pytest.raises(CameraLost, match="does not fit"):
        grab_when_ready(camera, -math.inf)
    camera.close()
