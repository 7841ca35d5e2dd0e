"""GenICam cameras by harvesters, an optional extra; tried without a camera of that kind."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from time import monotonic
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import ConfigError
from domains.parts.station.capture.sources.frame_reader import DeviceFrame
from domains.parts.station.capture.sources.video import VideoCamera
from domains.parts.station.ports import CameraIdentity, CameraLost
from domains.parts.station.recipe import CameraOptions

FETCH_S = 0.5
_LATCHED_EVERY_S = 10.0
_SEARCHED = "GENICAM_GENTL64_PATH"
_NS = 1e9

# OpenCV names a Bayer pattern by its second row, GenICam by its first.
_TO_RGB = {
    "BayerRG8": cv2.COLOR_BayerBG2RGB,
    "BayerBG8": cv2.COLOR_BayerRG2RGB,
    "BayerGR8": cv2.COLOR_BayerGB2RGB,
    "BayerGB8": cv2.COLOR_BayerGR2RGB,
}
_GREY = frozenset({"Mono8", "Mono10", "Mono12", "Mono14", "Mono16"})
_COLOUR = frozenset({"RGB8", "BGR8"})


def genicam_camera(options: CameraOptions) -> VideoCamera:
    """Return the camera that a recipe names by its GenICam device id or serial number.

    Raises:
        ConfigError: The extra `genicam` or a vendor's GenTL producer is not installed.
    """
    try:
        core = import_module("harvesters.core")
    except ImportError as exc:
        raise ConfigError(
            f"The camera {options.name} needs harvesters, which is not installed: {exc}.",
            hint='Install it: pip install "assay-inspection[genicam]".',
        ) from exc
    producers = find_producers(os.environ.get(_SEARCHED, ""))
    if not producers:
        raise ConfigError(
            f"The camera {options.name} needs a GenTL producer (a .cti file), and none was found.",
            hint=f"Install the vendor's driver; it sets {_SEARCHED} to its folder.",
        )
    return VideoCamera(options, lambda: open_device(core.Harvester(), producers, options))


def find_producers(folders: str) -> list[str]:
    """Return the GenTL producers in folders that are listed as in a search path."""
    listed = [Path(folder) for folder in folders.split(os.pathsep) if folder]
    return [str(path) for folder in listed for path in sorted(folder.glob("*.cti"))]


def open_device(
    harvester: Any,  # noqa: ANN401 - harvesters is untyped and optional
    producers: list[str],
    options: CameraOptions,
) -> GenicamDevice:
    """Return a device, opened and started.

    Raises:
        CameraLost: It is not there, in use, or its pixel format is not supported.
    """
    try:
        for producer in producers:
            harvester.add_file(producer)
        harvester.update()
        for found in harvester.device_info_list:
            if options.source in (_of(found, "id_"), _of(found, "serial_number")):
                return GenicamDevice(harvester, harvester.create(found), options)
    except CameraLost:
        harvester.reset()
        raise
    except Exception as exc:  # producers raise what they like
        harvester.reset()
        raise CameraLost(f"its driver says {type(exc).__name__}: {exc}") from exc
    harvester.reset()
    raise CameraLost(f"no GenICam device has the id or serial number {options.source}")


class GenicamDevice:
    """An open GenICam camera.

    Its trigger and lines are set with the vendor's tool and stored in the camera's user set; of
    what the recipe states, exposure and gain are written, and all of it is compared.

    Args:
        harvester: Owns the producers; let go with the device.
        acquirer: Harvesters' acquirer of the device.
        options: What the recipe says of it.

    Raises:
        CameraLost: Its pixel format is not supported.
    """

    is_on_demand = False

    def __init__(self, harvester: Any, acquirer: Any, options: CameraOptions) -> None:  # noqa: ANN401
        self._harvester, self._acquirer, self._options = harvester, acquirer, options
        self._nodes = acquirer.remote_device.node_map
        self._buffer: Any = None
        self._arrived_at = 0.0
        self._latch: tuple[float, float] | None = None
        self._write("ExposureTime", options.exposure_us)
        self._write("Gain", options.gain)
        self._format = str(self._read("PixelFormat") or "")
        if self._format not in {*_GREY, *_COLOUR, *_TO_RGB}:
            raise CameraLost(f"its pixel format {self._format!r} is not supported")
        acquirer.start()

    @property
    def identity(self) -> CameraIdentity:
        """What it says of itself."""
        return CameraIdentity(
            serial=str(self._read("DeviceSerialNumber") or self._read("DeviceID") or ""),
            width=self._read("Width"),
            height=self._read("Height"),
            pixel_format=self._format,
            exposure_us=self._read("ExposureTime"),
            gain=self._read("Gain"),
        )

    def grab(self) -> bool | None:
        """Return whether the next frame came; None where none did and the camera still answers."""
        self._give_back()
        try:
            # Never without a limit: a fetch without one hangs for ever (harvesters#354).
            self._buffer = self._acquirer.try_fetch(timeout=FETCH_S)
            self._arrived_at = monotonic()
            self._latch_time()
            if self._buffer is None:
                # There is no event when a camera goes (harvesters#431): reading a node tells.
                return None if self._nodes.Width.value > 0 else False
        except Exception:  # producers raise what they like; all of it means the same
            return False
        return True

    def retrieve(self) -> DeviceFrame | None:
        """Return the frame that came last, in RGB or grey."""
        try:
            pixels = self._pixels(self._buffer.payload.components[0])
            time_s = self._time_s()
        except Exception:  # an incomplete buffer, or a format that changed meanwhile
            return None
        counter = self._read("ChunkFrameID")
        if counter is None:
            counter = _of(self._buffer.module, "frame_id")
        return DeviceFrame(pixels, counter, time_s, self._exposed_at(time_s))

    def release(self) -> None:
        """Let the camera go."""
        try:
            self._give_back()
            self._acquirer.stop()
            self._acquirer.destroy()
        finally:
            self._harvester.reset()

    def _exposed_at(self, time_s: float | None) -> float:
        """Return when exposure began at the earliest, from the camera's clock where it has one.

        A buffer's time stamp is that of the beginning or the end of exposure, by vendor.
        """
        exposure_s = (self._read("ExposureTime") or 0.0) / 1e6
        if time_s is not None and self._latch is not None:
            here, there = self._latch
            return here + (time_s - there) - exposure_s
        rate = self._read("AcquisitionFrameRate") or 0.0
        readout_s = 1 / rate if rate else 0.0
        return self._arrived_at - exposure_s - readout_s - self._options.latency_ms / 1000

    def _latch_time(self) -> None:
        """Read the camera's clock; it was read after this machine's, so none is taken too late."""
        now = monotonic()
        if self._latch is not None and now - self._latch[0] < _LATCHED_EVERY_S:
            return
        try:
            self._nodes.TimestampLatch.execute()
            self._latch = (now, self._nodes.TimestampLatchValue.value / _NS)
        except Exception:  # it has no such clock
            self._latch = None

    def _time_s(self) -> float | None:
        stamp = self._buffer.timestamp
        return stamp / self._buffer.timestamp_frequency if stamp else None

    def _pixels(self, component: Any) -> NDArray[Any]:  # noqa: ANN401
        channels = 3 if self._format in _COLOUR else 1
        shape = (component.height, component.width, channels)
        pixels = np.asarray(component.data).reshape(shape).copy()
        if self._format == "BGR8":
            return np.ascontiguousarray(pixels[:, :, ::-1])
        if self._format in _TO_RGB:
            return np.asarray(cv2.cvtColor(pixels[:, :, 0], _TO_RGB[self._format]))
        return pixels if channels == 3 else np.asarray(pixels[:, :, 0])

    def _give_back(self) -> None:
        buffer, self._buffer = self._buffer, None
        if buffer is not None:
            buffer.queue()

    def _read(self, name: str) -> Any:  # noqa: ANN401
        return _of(_of(self._nodes, name), "value")

    def _write(self, name: str, value: float | None) -> None:
        if value is None:
            return
        try:
            getattr(self._nodes, name).value = value
        except Exception as exc:  # the node is missing, locked, or has another range
            raise CameraLost(f"its {name} cannot be set to {value:g}: {exc}") from exc


def _of(thing: Any, name: str) -> Any:  # noqa: ANN401
    """Return an attribute; None where it is missing or the camera does not tell it."""
    try:
        return getattr(thing, name, None)
    except Exception:  # node maps raise their own errors
        return None
