"""Cameras by OpenCV: a live stream from a server of its own, a file, and devices that misbehave."""

from __future__ import annotations

import math
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from core.errors import ConfigError
from domains.parts.station.capture.identity import differences
from domains.parts.station.capture.sources import frame_reader
from domains.parts.station.capture.sources.frame_reader import DeviceFrame
from domains.parts.station.capture.sources.video import VideoCamera
from domains.parts.station.capture.sources.video_device import read_serial
from domains.parts.station.ports import CameraIdentity, CameraLost, NoFrame
from domains.parts.station.recipe import CameraOptions
from tests.domains.parts.station.fake_camera import SIDE, block_code, counter_of

INTERVAL = 0.04


class Device:
    """A camera of this process: exposes on a clock of its own, keeps four frames back."""

    def __init__(self, world):
        self.world, self.read, self.last, self.is_released = world, 0, 0, False
        self.opened_at = time.monotonic()
        world.devices.append(self)

    @property
    def identity(self):
        return CameraIdentity(serial=self.world.serial, width=SIDE, height=SIDE)

    is_on_demand = False

    def grab(self):
        if self.world.is_hung:
            self.world.let_go.wait(20)
        if self.world.is_gone:
            return False
        newest = int((time.monotonic() - self.opened_at) / INTERVAL)
        self.read = max(self.read + 1, newest - 4)
        time.sleep(max(0.0, self.opened_at + self.read * INTERVAL - time.monotonic()))
        self.last = self.read
        self.world.exposed[self.last] = self.opened_at + (self.last - 1) * INTERVAL
        return True

    def retrieve(self):
        time.sleep(self.world.decoding_s)
        return DeviceFrame(self.world.draw(self.last))

    def release(self):
        self.is_released = True


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


def grab_when_ready(camera, not_before, tries=20):
    for _ in range(tries):
        try:
            return camera.grab(not_before, 0.5)
        except NoFrame:
            continue
    raise AssertionError("no frame came")


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


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "parts.mkv"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"FFV1"), 25, (SIDE, SIDE))
    for number in range(1, 7):
        writer.write(block_code(number))
    writer.release()
    return path


def test_a_file_gives_frame_by_frame_on_demand_and_ends(video):
    camera = VideoCamera(CameraOptions(source=str(video), discard=0))
    identity = camera.open()
    assert (identity.width, identity.height, identity.pixel_format) == (SIDE, SIDE, "ffv1")
    for number in range(1, 7):
        time.sleep(0.02)
        asked_at = time.monotonic()
        frame = camera.grab(asked_at, 5)
        assert (counter_of(frame), frame.counter, frame.since_open) == (number, number, number)
        assert frame.exposed_at >= asked_at
    with pytest.raises(CameraLost, match="no frames any more"):
        camera.grab(time.monotonic(), 5)
    camera.open()
    assert counter_of(camera.grab(time.monotonic(), 5)) == 1
    camera.close()


def test_what_is_not_there_does_not_open(tmp_path):
    for source in (str(tmp_path / "no.mkv"), "/dev/video99"):
        with pytest.raises(CameraLost):
            VideoCamera(CameraOptions(source=source)).open()
    camera = VideoCamera(CameraOptions(source="0"))
    with pytest.raises(CameraLost, match="not open"):
        camera.grab(0, 0.1)


class _Stream(BaseHTTPRequestHandler):
    """Motion JPEG over HTTP, as network cameras send it; stops sending on command."""

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        start = time.monotonic()
        for number in range(1, 2000):
            time.sleep(max(0.0, start + number * INTERVAL - time.monotonic()))
            self.server.drawn[number] = time.monotonic()
            data = cv2.imencode(".jpg", block_code(number))[1].tobytes()
            head = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"
            try:
                self.wfile.write(head % len(data) + data + b"\r\n")
            except OSError:
                return
            if self.server.is_silent.is_set():
                self.server.ended.wait(30)
                return


@pytest.fixture
def stream():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Stream)
    server.drawn, server.is_silent, server.ended = {}, threading.Event(), threading.Event()
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.ended.set()
    server.shutdown()
    server.server_close()


@pytest.mark.service
def test_a_live_stream_gives_frames_of_after_the_question_and_is_lost_when_it_stops(stream):
    url = f"http://127.0.0.1:{stream.server_address[1]}/live.mjpg"
    camera = VideoCamera(CameraOptions(source=url, open_timeout_ms=10_000))
    identity = camera.open()
    assert (identity.width, identity.height, identity.pixel_format) == (SIDE, SIDE, "MJPG")
    for pause in (0.0, 0.2, 0.05):
        time.sleep(pause)
        asked_at = time.monotonic()
        frame = grab_when_ready(camera, asked_at)
        assert stream.drawn[counter_of(frame)] >= asked_at
    stream.is_silent.set()
    assert is_lost_within(camera, 20)
    camera.close()


def is_lost_within(camera, seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            camera.grab(time.monotonic(), 0.3)
        except NoFrame:
            continue
        except CameraLost:
            return True
    return False


@pytest.mark.service
def test_a_stream_that_does_not_answer_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for scheme in ("rtsp", "http"):
            url = f"{scheme}://127.0.0.1:{silent.getsockname()[1]}/live"
            camera = VideoCamera(CameraOptions(source=url, open_timeout_ms=300))
            with pytest.raises(CameraLost):
                camera.open()
            camera.close()


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


class TriggeredDevice(Device):
    """Exposes when an electrical line says so; otherwise it is silent and answers."""

    def __init__(self, world):
        super().__init__(world)
        world.line = []

    def grab(self):
        time.sleep(0.005)
        if not self.world.line:
            return None
        self.last, self.exposed_at = self.world.line.pop(0)
        return True

    def retrieve(self):
        return DeviceFrame(self.world.draw(self.last), self.last, None, self.exposed_at)


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
