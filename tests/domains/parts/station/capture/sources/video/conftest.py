"""A camera, and what it does when a test says so."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

from domains.parts.station.capture.sources.video import VideoCamera
from domains.parts.station.recipe import CameraOptions
from tests.domains.parts.station.capture.sources.video.devices import (
    Device,
)
from tests.domains.parts.station.fake_camera import block_code


@pytest.fixture
def world():
    world = SimpleNamespace(
        devices=[], exposed={}, serial="A-17", is_hung=False, is_gone=False, decoding_s=0.0,
        draw=block_code, let_go=threading.Event(),
    )  # fmt: skip
    yield world
    world.let_go.set()


@pytest.fixture
def camera(world):
    camera = VideoCamera(CameraOptions(source="0", open_timeout_ms=2000), lambda: Device(world))
    yield camera
    camera.close()
