"""OpenCV's captures as devices: cameras of this machine, network streams, files."""

from __future__ import annotations

import os
from pathlib import Path
from time import monotonic

import cv2

from domains.parts.station.capture.sources.frame_reader import DeviceFrame
from domains.parts.station.ports import CameraIdentity, CameraLost
from domains.parts.station.recipe import CameraOptions

READ_TIMEOUT_MS = 2000
_SYSFS = Path("/sys/class/video4linux")
_MANUAL_EXPOSURE = 1  # V4L2_EXPOSURE_MANUAL
_EXPOSURE_UNIT_US = 100  # of V4L2_CID_EXPOSURE_ABSOLUTE


class VideoDevice:
    """An open capture.

    Args:
        capture: OpenCV's.
        identity: What is known of the device besides its pictures.
        is_on_demand: Whether a frame is there when it is asked for, as in files, which also number
            their frames.
    """

    def __init__(
        self, capture: cv2.VideoCapture, identity: CameraIdentity, *, is_on_demand: bool
    ) -> None:
        self._capture, self._identity, self._is_on_demand = capture, identity, is_on_demand
        self._asked_at = 0.0

    @property
    def is_on_demand(self) -> bool:
        """Whether frames are there when they are asked for."""
        return self._is_on_demand

    @property
    def identity(self) -> CameraIdentity:
        """What it says of itself."""
        return self._identity

    def grab(self) -> bool:
        """Return whether the next frame came."""
        self._asked_at = monotonic()
        return bool(self._capture.grab())

    def retrieve(self) -> DeviceFrame | None:
        """Return the frame that came last, in RGB; None where it cannot be had."""
        try:
            is_there, pixels = self._capture.retrieve()
            if not is_there or pixels is None:
                return None
            if pixels.ndim == 3:
                pixels = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
        except cv2.error:
            return None
        milliseconds = self._capture.get(cv2.CAP_PROP_POS_MSEC)
        return DeviceFrame(
            pixels,
            counter=int(self._capture.get(cv2.CAP_PROP_POS_FRAMES)) if self._is_on_demand else None,
            camera_time_s=milliseconds / 1000 if milliseconds > 0 else None,
            exposed_at=self._asked_at if self._is_on_demand else None,
        )

    def release(self) -> None:
        """Let the camera go."""
        self._capture.release()


def open_video(options: CameraOptions) -> VideoDevice:
    """Return what a recipe names, opened: a device, a stream by address, or a file.

    Raises:
        CameraLost: It does not open.
    """
    source = options.source
    if source.isdigit() or source.startswith("/dev/"):
        return _open_device(options)
    is_stream = "://" in source
    limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, options.open_timeout_ms]
    limits += [cv2.CAP_PROP_READ_TIMEOUT_MSEC, READ_TIMEOUT_MS]
    capture = cv2.VideoCapture(source, cv2.CAP_FFMPEG, limits)
    _check_open(capture, "it does not answer" if is_stream else "the file cannot be played")
    return VideoDevice(capture, _identity(capture), is_on_demand=not is_stream)


def read_serial(source: str, sysfs: Path = _SYSFS) -> str:
    """Return the serial number of a video device, else the USB port it hangs at; empty if neither.

    Args:
        source: Number or path of the device.
        sysfs: Where the kernel describes video devices.
    """
    node = f"video{source}" if source.isdigit() else os.path.basename(os.path.realpath(source))
    interface = (sysfs / node / "device").resolve()
    try:
        return (interface.parent / "serial").read_text("utf-8", "replace").strip()
    except OSError:
        return interface.name if interface.is_dir() else ""


def _open_device(options: CameraOptions) -> VideoDevice:
    source = int(options.source) if options.source.isdigit() else options.source
    capture = cv2.VideoCapture(source, cv2.CAP_V4L2)
    _check_open(capture, "there is no such device, or it is in use")
    wanted = {
        cv2.CAP_PROP_FRAME_WIDTH: options.width,
        cv2.CAP_PROP_FRAME_HEIGHT: options.height,
        cv2.CAP_PROP_AUTO_EXPOSURE: None if options.exposure_us is None else _MANUAL_EXPOSURE,
        cv2.CAP_PROP_EXPOSURE: options.exposure_us and options.exposure_us / _EXPOSURE_UNIT_US,
        cv2.CAP_PROP_GAIN: options.gain,
        cv2.CAP_PROP_BUFFERSIZE: 1,
    }
    for name, value in wanted.items():
        if value is not None:
            capture.set(name, value)  # whether it obeys is compared afterwards
    identity = _identity(
        capture,
        serial=read_serial(options.source),
        exposure_us=capture.get(cv2.CAP_PROP_EXPOSURE) * _EXPOSURE_UNIT_US,
        gain=capture.get(cv2.CAP_PROP_GAIN),
    )
    return VideoDevice(capture, identity, is_on_demand=False)


def _identity(
    capture: cv2.VideoCapture,
    serial: str = "",
    exposure_us: float | None = None,
    gain: float | None = None,
) -> CameraIdentity:
    code = int(capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
    return CameraIdentity(
        serial=serial,
        width=int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
        height=int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
        pixel_format=code.to_bytes(4, "little").decode("ascii", "replace").strip("\0 "),
        exposure_us=exposure_us,
        gain=gain,
    )


def _check_open(capture: cv2.VideoCapture, problem: str) -> None:
    if not capture.isOpened():
        capture.release()
        raise CameraLost(problem)
