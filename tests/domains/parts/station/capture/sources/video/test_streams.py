"""Cameras by OpenCV: a file, and a live stream from a server of its own."""

from __future__ import annotations

import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import pytest

from domains.parts.station.capture.sources.video import VideoCamera
from domains.parts.station.ports import CameraLost, NoFrame
from domains.parts.station.recipe import CameraOptions
from tests.domains.parts.station.capture.sources.video.devices import (
    INTERVAL,
    grab_when_ready,
)
from tests.domains.parts.station.fake_camera import SIDE, block_code, counter_of


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
