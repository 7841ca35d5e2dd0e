"""GenICam cameras as far as they can be tried without one: a stand-in for harvesters' objects."""

from __future__ import annotations

import sys
import time
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from core.errors import ConfigError
from domains.parts.station.capture.sources.genicam import (
    find_producers,
    genicam_camera,
    open_device,
)
from domains.parts.station.ports import CameraLost
from domains.parts.station.recipe import CameraOptions

OPTIONS = CameraOptions(kind="genicam", source="CAM-1", exposure_us=5000, latency_ms=3)


class Nodes:
    """A node map: nodes that are not listed raise, as harvesters' do."""

    def __init__(self, **values):
        self.__dict__.update({k: SimpleNamespace(value=v) for k, v in values.items()})


class Buffer:
    def __init__(self, pixels, frame_id, timestamp):
        component = SimpleNamespace(
            data=pixels.reshape(-1), height=pixels.shape[0], width=pixels.shape[1]
        )
        self.payload = SimpleNamespace(components=[component])
        self.module = SimpleNamespace(frame_id=frame_id)
        self.timestamp, self.timestamp_frequency, self.is_queued = timestamp, 10**9, False

    def queue(self):
        self.is_queued = True


class Harvester:
    """One camera with a list of what it gives: buffers, None for silence, or an exception."""

    def __init__(self, pixel_format="Mono8", given=(), **nodes):
        values = {
            "PixelFormat": pixel_format, "Width": 4, "Height": 2, "ExposureTime": 0.0, "Gain": 0.0,
            "DeviceSerialNumber": "SN-1", **nodes,
        }  # fmt: skip
        self.nodes, self.given, self.timeouts = Nodes(**values), list(given), []
        self.device_info_list = [SimpleNamespace(id_="CAM-1", serial_number="SN-1")]
        self.remote_device = SimpleNamespace(node_map=self.nodes)
        self.calls = []

    def add_file(self, path):
        self.calls.append(path)

    def update(self):
        self.calls.append("update")

    def create(self, _):
        return self

    def start(self):
        self.calls.append("start")

    def stop(self):
        self.calls.append("stop")

    def destroy(self):
        self.calls.append("destroy")

    def reset(self):
        self.calls.append("reset")

    def try_fetch(self, *, timeout):
        self.timeouts.append(timeout)
        given = self.given.pop(0)
        if isinstance(given, Exception):
            raise given
        return given


def opened(harvester, options=OPTIONS):
    return open_device(harvester, ["vendor.cti"], options)


def test_a_camera_is_set_as_the_recipe_says_and_says_what_it_is():
    harvester = Harvester()
    identity = opened(harvester).identity
    assert (identity.serial, identity.width, identity.height) == ("SN-1", 4, 2)
    assert (identity.pixel_format, identity.exposure_us, identity.gain) == ("Mono8", 5000, 0)
    assert harvester.calls == ["vendor.cti", "update", "start"]


def test_it_is_found_by_serial_number_too_and_no_other_is_taken():
    opened(Harvester(), OPTIONS.model_copy(update={"source": "SN-1"}))
    harvester = Harvester()
    with pytest.raises(CameraLost, match="CAM-2"):
        opened(harvester, OPTIONS.model_copy(update={"source": "CAM-2"}))
    assert harvester.calls[-1] == "reset"


def test_a_format_that_is_not_supported_or_a_setting_that_is_refused_is_no_camera():
    with pytest.raises(CameraLost, match="YUV422_8"):
        opened(Harvester("YUV422_8"))
    harvester = Harvester()
    del harvester.nodes.ExposureTime
    with pytest.raises(CameraLost, match="ExposureTime cannot be set to 5000"):
        opened(harvester)


COLOUR = np.array([200, 100, 50], np.uint8)


def mosaic(first_row, second_row):
    """One colour as a sensor gives it, by the order that GenICam names."""
    planes = dict(zip("RGB", COLOUR, strict=True))
    tile = np.array([[planes[c] for c in first_row], [planes[c] for c in second_row]], np.uint8)
    return np.tile(tile, (8, 8))


@pytest.mark.parametrize(
    ("pixel_format", "pixels", "expected"),
    [
        ("Mono8", np.arange(8, dtype=np.uint8).reshape(2, 4), None),
        ("Mono12", np.arange(8, dtype=np.uint16).reshape(2, 4) + 4000, None),
        ("RGB8", np.tile(COLOUR, (2, 4, 1)), COLOUR),
        ("BGR8", np.tile(COLOUR[::-1], (2, 4, 1)), COLOUR),
        ("BayerRG8", mosaic("RG", "GB"), COLOUR),
        ("BayerBG8", mosaic("BG", "GR"), COLOUR),
        ("BayerGR8", mosaic("GR", "BG"), COLOUR),
        ("BayerGB8", mosaic("GB", "RG"), COLOUR),
    ],
)
def test_every_supported_format_becomes_grey_or_rgb(pixel_format, pixels, expected):
    device = opened(Harvester(pixel_format, [Buffer(pixels, 7, 0)]))
    assert device.grab() is True
    frame = device.retrieve()
    if expected is None:
        assert np.array_equal(frame.pixels, pixels)
    else:
        assert (frame.pixels == expected).all()
    assert (frame.counter, frame.camera_time_s) == (7, None)


def test_every_fetch_has_a_limit_and_buffers_are_given_back():
    buffers = [Buffer(np.zeros((2, 4), np.uint8), n, 0) for n in range(3)]
    harvester = Harvester(given=buffers)
    device = opened(harvester)
    for _ in buffers:
        assert device.grab() is True
    assert [buffer.is_queued for buffer in buffers] == [True, True, False]
    device.release()
    assert buffers[2].is_queued
    assert harvester.calls[-3:] == ["stop", "destroy", "reset"]
    assert all(0 < timeout <= 1 for timeout in harvester.timeouts)


def test_silence_is_told_from_a_camera_that_is_gone():
    harvester = Harvester(given=[None, None, OSError("link down")])
    device = opened(harvester)
    assert device.grab() is None
    del harvester.nodes.Width
    assert device.grab() is False
    assert device.grab() is False


def test_an_exposure_is_placed_by_the_cameras_clock_and_never_too_late():
    pixels = np.zeros((2, 4), np.uint8)
    clock = {"offset": time.monotonic() - 50.0}  # the camera started 50 s ago
    harvester = Harvester(given=[Buffer(pixels, 1, 0), Buffer(pixels, 2, 0)], ChunkFrameID=41)

    def latch():
        harvester.nodes.TimestampLatchValue = SimpleNamespace(
            value=int(1e9 * (time.monotonic() - clock["offset"]))
        )

    harvester.nodes.TimestampLatch = SimpleNamespace(execute=latch)
    device = opened(harvester)
    exposed_at = time.monotonic()
    harvester.given[0].timestamp = int(1e9 * (exposed_at - clock["offset"]))
    device.grab()
    frame = device.retrieve()
    assert frame.counter == 41
    assert exposed_at - 0.005 - 0.5 < frame.exposed_at <= exposed_at - 0.005 + 1e-6
    assert frame.camera_time_s == pytest.approx(exposed_at - clock["offset"])


def test_without_a_clock_the_arrival_bounds_it():
    harvester = Harvester(given=[Buffer(np.zeros((2, 4), np.uint8), 1, 0)], AcquisitionFrameRate=50)
    device = opened(harvester)
    before = time.monotonic()
    device.grab()
    bound = device.retrieve().exposed_at
    assert before - 0.028 <= bound <= time.monotonic() - 0.028  # 20 + 5 + 3 ms


def test_what_is_missing_is_named_with_the_way_out(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "harvesters", None)
    with pytest.raises(ConfigError, match="not installed") as missing:
        genicam_camera(OPTIONS)
    assert "[genicam]" in missing.value.hint
    core = ModuleType("harvesters.core")
    core.Harvester = Harvester
    monkeypatch.setitem(sys.modules, "harvesters", ModuleType("harvesters"))
    monkeypatch.setitem(sys.modules, "harvesters.core", core)
    monkeypatch.setenv("GENICAM_GENTL64_PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="GenTL producer"):
        genicam_camera(OPTIONS)
    (tmp_path / "vendor.cti").touch()
    assert find_producers(f"{tmp_path}:/nowhere") == [str(tmp_path / "vendor.cti")]
    camera = genicam_camera(OPTIONS.model_copy(update={"source": "CAM-9", "open_timeout_ms": 5000}))
    with pytest.raises(CameraLost, match="CAM-9"):
        camera.open()
