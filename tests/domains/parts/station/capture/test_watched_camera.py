"""A camera whose frames cannot be used is opened again, and begins anew."""

from __future__ import annotations

import time

import pytest

from domains.parts.station.capture.cameras import WatchedCamera
from domains.parts.station.capture.identity import differences
from domains.parts.station.part import Trigger
from domains.parts.station.recipe import CameraOptions
from domains.parts.station.result import LineReason
from tests.domains.parts.station.fake_camera import FakeCamera, counter_of

LIMIT_S = 30.0


@pytest.fixture
def camera():
    return FakeCamera(interval_s=0.01, transfer_s=0.001)


@pytest.fixture
def watched(camera):
    options = CameraOptions(source="0", serial="FAKE-1", discard=1)
    watched = WatchedCamera(camera, options, differences)
    watched.start()
    until = time.monotonic() + LIMIT_S
    while not watched.is_usable:
        assert time.monotonic() < until
        time.sleep(0.01)
    yield watched
    watched.close()


def grab(watched, number):
    now = time.monotonic()
    return watched.grab(Trigger(number, now), now + 2.0)


def grab_until(watched, first, condition):
    until = time.monotonic() + LIMIT_S
    while not condition(grabbed := grab(watched, first)):
        assert time.monotonic() < until, grabbed
        first += 1
        time.sleep(0.02)
    return grabbed


def test_three_frozen_frames_in_a_row_open_the_camera_again(watched, camera):
    time.sleep(0.05)
    assert grab_until(watched, 1, lambda grabbed: not grabbed.reasons).frame is not None
    camera.fault = "frozen"
    reasons = [grab(watched, number).reasons for number in (10, 11, 12)]
    assert LineReason.FRAME_FROZEN in reasons[1]
    assert LineReason.FRAMES_UNUSABLE in reasons[2]
    camera.fault = "none"
    grabbed = grab_until(watched, 13, lambda grabbed: not grabbed.reasons)
    assert camera.opened >= 2
    assert counter_of(grabbed.frame) == grabbed.frame.counter


def test_a_camera_that_comes_back_as_another_one_is_not_used(watched, camera):
    camera.fault = "gone"
    assert grab(watched, 1).reasons == (LineReason.CAMERA_LOST,)
    camera.fault = "swapped"
    changed = (LineReason.CAMERA_CHANGED,)
    grabbed = grab_until(watched, 2, lambda grabbed: grabbed.reasons == changed)
    assert "FAKE-2" in grabbed.detail
    assert "FAKE-1" in grabbed.detail
    camera.fault = "none"
    grab_until(watched, 100, lambda grabbed: not grabbed.reasons)
