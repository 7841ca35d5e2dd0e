"""A camera behind a real RTSP server: fresh frames, a server that hangs, dies, and comes back."""

from __future__ import annotations

import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import cv2
import numpy as np
import pytest

from domains.parts.station.capture.sources.video import VideoCamera
from domains.parts.station.ports import CameraError, CameraLost
from domains.parts.station.recipe import CameraOptions
from tests.domains.parts.station.broker import free_port
from tests.needed import skip_without

pytestmark = [pytest.mark.service, pytest.mark.slow]

SYSTEM_PYTHON = Path("/usr/bin/python3")
SERVER = """
import sys
import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer

Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(sys.argv[1])
factory = GstRtspServer.RTSPMediaFactory()
factory.set_protocols(GstRtsp.RTSPLowerTrans.TCP)
factory.set_launch(
    "( videotestsrc is-live=true pattern=ball"
    " ! video/x-raw,format=I420,width=160,height=120,framerate=25/1"
    " ! jpegenc ! rtpjpegpay name=pay0 )"
)
server.get_mount_points().add_factory("/part", factory)
server.attach(None)
print("ready", flush=True)
GLib.MainLoop().run()
"""


@contextmanager
def serving(port: int):
    command = [str(SYSTEM_PYTHON), "-c", SERVER, str(port)]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=quiet) as process:
        try:
            is_ready = process.stdout.readline() == b"ready\n"
            skip_without(
                is_ready,
                "GStreamer's RTSP server is not there: apt-get install python3-gi "
                "gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-good.",
            )
            yield process
        finally:
            process.kill()


def camera_at(port: int) -> VideoCamera:
    source = f"rtsp://127.0.0.1:{port}/part"
    return VideoCamera(
        CameraOptions(
            name="top", kind="video", source=source, latency_ms=100, open_timeout_ms=20_000
        )
    )


def lost_within(camera: VideoCamera, limit_s: float) -> float:
    """Return after how many seconds a camera that gave frames is lost."""
    began = monotonic()
    while monotonic() - began < limit_s:
        try:
            camera.grab(monotonic(), 1.0)
        except CameraLost:
            return monotonic() - began
        except CameraError:
            continue
    pytest.fail(f"not lost within {limit_s:g} s")


def test_frames_of_a_stream_are_younger_than_their_trigger_and_a_dead_server_is_a_lost_camera():
    port = free_port()
    camera = camera_at(port)
    try:
        with serving(port) as server:
            identity = camera.open()
            assert (identity.width, identity.height) == (160, 120)
            for _ in range(3):
                asked = monotonic()
                frame = camera.grab(asked, 10.0)
                assert asked <= frame.exposed_at <= monotonic()
                pixels = cv2.imdecode(np.frombuffer(frame.data, np.uint8), cv2.IMREAD_COLOR)
                assert pixels.shape == (120, 160, 3)
            server.kill()
            lost_within(camera, 30.0)
        with pytest.raises(CameraLost):
            camera.open()
        with serving(port):
            camera.close()
            assert camera.open().width == 160
            assert camera.grab(monotonic(), 10.0).data
    finally:
        camera.close()


def test_a_server_that_hangs_is_a_lost_camera_and_holds_nobody_up():
    port = free_port()
    camera = camera_at(port)
    try:
        with serving(port) as server:
            camera.open()
            camera.grab(monotonic(), 10.0)
            server.send_signal(signal.SIGSTOP)
            lost_within(camera, 60.0)
            server.send_signal(signal.SIGCONT)
    finally:
        camera.close()
