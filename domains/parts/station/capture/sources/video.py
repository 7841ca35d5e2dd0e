"""A camera whose frames are read by a thread: video devices, streams and files by OpenCV."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import AssayError, ConfigError
from core.imaging.decode import decode
from domains.parts.station.capture.identity import channel_order, is_coloured
from domains.parts.station.capture.sources.encoding import encode
from domains.parts.station.capture.sources.frame_reader import (
    FrameDevice,
    FrameReader,
    ReadFrame,
)
from domains.parts.station.capture.sources.video_device import open_video
from domains.parts.station.part import CapturedFrame
from domains.parts.station.ports import CameraIdentity, CameraLost
from domains.parts.station.recipe import CameraOptions

MOST_HANGING = 3
_MOST_REFERENCE_PIXELS = 64_000_000
_LET_GO_S = 0.5


class VideoCamera:
    """A camera that runs freely, read all the time in a thread of its own.

    A video file is read on demand instead: each frame counts as exposed when it is asked for.

    Args:
        options: What the recipe says of it.
        connect: Opens the device; by default the one that the options name.

    Raises:
        ConfigError: The colour reference cannot be used.
    """

    def __init__(
        self, options: CameraOptions, connect: Callable[[], FrameDevice] | None = None
    ) -> None:
        self._options = options
        self._connect = connect or (lambda: open_video(options))
        self._reference = _reference(options.colour_reference)
        self._is_triggered = options.trigger == "hardware"
        self._last = 0
        self._reader: FrameReader | None = None
        self._abandoned: list[FrameReader] = []

    @property
    def name(self) -> str:
        """Its name in the recipe."""
        return self._options.name

    def open(self) -> CameraIdentity:
        """Return what it says of itself once it is open, or open again.

        Raises:
            CameraLost: It does not open or gives no frame in time, or calls to it hang.
        """
        self.close()
        self._abandoned = [reader for reader in self._abandoned if reader.is_running]
        if len(self._abandoned) >= MOST_HANGING:
            raise CameraLost(
                f"{MOST_HANGING} calls to the camera {self.name} have not come back.",
                hint="Take it off and put it on again; restart the station if that does not help.",
            )
        until = monotonic() + self._options.open_timeout_ms / 1000
        exposure_us = self._options.exposure_us
        self._reader = FrameReader(
            self.name,
            self._connect,
            None if exposure_us is None else exposure_us / 1e6,
            self._options.latency_ms / 1000,
            keeps_newest=self._is_triggered,
        )
        self._last = 0
        identity = self._reader.open(max(until - monotonic(), 0.0))
        if (self._reader.is_on_demand or self._is_triggered) and self._reference is None:
            return identity  # a frame would be a part's
        first = self._reader.read(-math.inf, max(until - monotonic(), 0.0)).device.pixels
        return self._identity(identity, first)

    def grab(self, not_before: float, timeout_s: float) -> CapturedFrame:
        """Return the first frame whose exposure surely began then or later.

        Raises:
            NoFrame: None came in time.
            CameraLost: It does not answer any more, or its colours are exchanged.
        """
        frame = self.read(not_before, timeout_s, self._last if self._is_triggered else 0)
        self._last = frame.number
        return self.capture(frame)

    def read(self, not_before: float, timeout_s: float, after: int = 0) -> ReadFrame:
        """Return a frame as it is, without encoding it.

        Args:
            not_before: When its exposure may have begun, in seconds of the monotonic clock.
            timeout_s: Longest wait.
            after: Number of the frame that it has to come after.

        Raises:
            NoFrame: None came in time.
            CameraLost: It is not open, or does not answer any more.
        """
        if self._reader is None:
            raise CameraLost(f"The camera {self.name} is not open.", hint="Open it first.")
        return self._reader.read(not_before, timeout_s, after)

    def capture(self, frame: ReadFrame) -> CapturedFrame:
        """Return the region of interest, cut out and encoded.

        Raises:
            CameraLost: The region does not fit, or the colours are exchanged.
        """
        pixels = self.cut(frame.device.pixels)
        if self._reference is not None and _order(pixels, self._reference) == "BGR":
            raise CameraLost(
                f"The camera {self.name} exchanged its colours.", hint="It is opened again."
            )
        return CapturedFrame(
            camera=self.name,
            data=encode(pixels),
            counter=frame.device.counter,
            exposed_at=frame.exposed_at,
            camera_time_s=frame.device.camera_time_s,
            raw_sha256=hashlib.sha256(pixels.data).hexdigest(),
            since_open=frame.number,
        )

    def cut(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Return the region of interest of a frame.

        Raises:
            CameraLost: It does not fit.
        """
        if self._options.region is None:
            return np.ascontiguousarray(pixels)
        left, top, width, height = self._options.region
        part = pixels[max(top, 0) : top + height, max(left, 0) : left + width]
        if part.shape[:2] != (height, width):
            raise CameraLost(
                f"The camera {self.name} gives {pixels.shape[1]} x {pixels.shape[0]} pixels; "
                f"the region {list(self._options.region)} does not fit.",
                hint="Correct the recipe's region, or set the camera's resolution.",
            )
        return np.ascontiguousarray(part)

    def close(self) -> None:
        """Let it go; a call to it that hangs is left behind."""
        if self._reader is not None:
            self._reader.abandon(_LET_GO_S)
            self._abandoned.append(self._reader)
            self._reader = None

    def _identity(self, identity: CameraIdentity, first: NDArray[Any]) -> CameraIdentity:
        channels = ""
        if self._reference is not None:
            channels = _order(self.cut(first), self._reference)
        return replace(identity, width=first.shape[1], height=first.shape[0], channels=channels)


def _order(pixels: NDArray[Any], reference: NDArray[np.uint8]) -> str:
    is_colour = pixels.ndim == 3 and pixels.dtype == np.uint8
    return channel_order(pixels, reference) if is_colour else "unknown"


def _reference(path: str) -> NDArray[np.uint8] | None:
    if not path:
        return None
    try:
        pixels = decode(Path(path).read_bytes(), _MOST_REFERENCE_PIXELS, 0).pixels
    except (OSError, AssayError) as exc:
        raise ConfigError(
            f"The colour reference {path} cannot be read: {exc}", hint="Take it anew."
        ) from exc
    if pixels.dtype != np.uint8 or pixels.shape[2] != 3 or not is_coloured(pixels):
        raise ConfigError(
            f"The colour reference {path} is grey: it cannot tell exchanged channels.",
            hint="Put something coloured into the camera's view and take it anew.",
        )
    return np.asarray(pixels)
