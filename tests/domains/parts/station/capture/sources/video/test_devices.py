"""Cameras by OpenCV: devices that misbehave."""

from __future__ import annotations

import time

import pytest

from domains.parts.station.capture.identity import differences
from domains.parts.station.capture.sources import frame_reader
from domains.parts.station.capture.sources.video import VideoCamera
from domains.parts.station.capture.sources.video_device import read_serial
from domains.parts.station.ports import CameraLost, NoFrame
from domains.parts.station.recipe import CameraOptions
from tests.domains.parts.station.capture.sources.video.devices import (
    TriggeredDevice,
    grab_when_ready,
)
from tests.domains.parts.station.fake_camera import SIDE, counter_of


def test_a_frame_was_exposed_after_it_was_asked_for(camera, world):
    identity = camera.open()
    assert (identity.serial, identity.width, identity.height) == ("A-17", SIDE, SIDE)
    numbers = []
    for pause in (0.0, 0.0, 0.15, 0.01, 0.3):
        time.sleep(pause)
        asked_at = time.monotonic()
        frame = grab_when_ready(camera, asked_at)
        assert world.exposed[counter_of(frame)] >= frame.exposed_at >= asked_at
        numbers.append(frame.since_open)
    assert numbers == sorted(set(numbers))
    assert numbers[-1] > 10  # those that nobody asked for were counted too


def test_a_frame_that_comes_too_late_is_none(camera):
    camera.open()
    with pytest.raises(NoFrame, match="surely"):
        camera.grab(time.monotonic(), 0.02)


def test_a_camera_that_hangs_or_goes_is_lost_and_its_thread_is_left_behind(
    camera, world, monkeypatch
):
    monkeypatch.setattr(frame_reader, "SILENCE_S", 0.3)
    camera.open()
    world.is_hung = True
    time.sleep(0.4)
    with pytest.raises(CameraLost, match="no frame came"):
        camera.grab(time.monotonic(), 0.2)
    world.is_hung = False
    camera.open()
    frame = grab_when_ready(camera, time.monotonic())
    assert world.devices[0].is_released is False
    world.let_go.set()
    until = time.monotonic() + 10
    while not world.devices[0].is_released and time.monotonic() < until:
        time.sleep(0.01)
    assert world.devices[0].is_released  # no ghost keeps the camera
    assert grab_when_ready(camera, time.monotonic()).since_open > frame.since_open
    world.is_gone = True
    time.sleep(0.2)
    with pytest.raises(CameraLost, match="no frames any more"):
        camera.grab(time.monotonic(), 0.2)


def test_opening_that_hangs_is_given_up_and_not_tried_for_ever(world):
    def hang():
        world.let_go.wait(20)
        raise CameraLost("it does not open")

    camera = VideoCamera(CameraOptions(source="0", open_timeout_ms=100), hang)
    for _ in range(3):
        with pytest.raises(CameraLost, match="did not open within"):
            camera.open()
    camera.close()
    with pytest.raises(CameraLost, match="have not come back"):
        camera.open()
    world.let_go.set()


def test_another_camera_behind_the_same_cable_is_noticed(camera, world):
    options = CameraOptions(source="0", serial="A-17", width=SIDE)
    assert differences(camera.open(), options) == ()
    world.serial = "B-99"
    (difference,) = differences(camera.open(), options)
    assert "B-99" in difference
    assert "A-17" in difference


def test_a_usb_camera_is_known_by_serial_or_else_by_its_port(tmp_path):
    for node, port, serial in (("video0", "1-4", "SN42"), ("video1", "1-5", None)):
        interface = tmp_path / "usb" / port / f"{port}:1.0"
        interface.mkdir(parents=True)
        if serial:
            (interface.parent / "serial").write_text(serial + "\n")
        (tmp_path / "class" / node).mkdir(parents=True)
        (tmp_path / "class" / node / "device").symlink_to(interface)
    assert read_serial("0", tmp_path / "class") == "SN42"
    assert read_serial("/dev/video0", tmp_path / "class") == "SN42"
    assert read_serial("1", tmp_path / "class") == "1-5:1.0"
    assert read_serial("7", tmp_path / "class") == ""


def test_a_frame_that_was_exposed_before_its_message_came_is_kept_and_given_once(
    world, monkeypatch
):
    monkeypatch.setattr(frame_reader, "SILENCE_S", 0.1)
    camera = VideoCamera(
        CameraOptions(source="0", trigger="hardware", discard=0), lambda: TriggeredDevice(world)
    )
    camera.open()
    time.sleep(0.3)  # no part for a while is no lost camera
    for number in range(1, 5):
        exposed_at = time.monotonic()
        world.line.append((number, exposed_at))
        time.sleep(0.02 if number % 2 else 0.0)
        frame = camera.grab(exposed_at - 0.05, 2.0)
        assert (counter_of(frame), frame.counter) == (number, number)
        with pytest.raises(NoFrame):
            camera.grab(exposed_at - 0.05, 0.05)
    camera.close()
