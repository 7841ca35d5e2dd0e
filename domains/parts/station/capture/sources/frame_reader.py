"""Reads a camera that runs freely in a thread of its own, so that nothing old waits in a driver."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition, Thread
from time import monotonic
from typing import Any, Protocol

from numpy.typing import NDArray

from core.errors import AssayError
from domains.parts.station.capture.sources.exposure import Arrivals, arrive
from domains.parts.station.ports import CameraIdentity, CameraLost, NoFrame

SILENCE_S = 2.0
_SILENT_INTERVALS = 5

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class DeviceFrame:
    """What a device gives with a frame.

    Attributes:
        pixels: RGB (height, width, 3) or grey (height, width), 8 or 16 bits.
        counter: The camera's own counter.
        camera_time_s: The camera's own time stamp.
        exposed_at: When exposure began, where the device knows; seconds of the monotonic clock.
    """

    pixels: NDArray[Any]
    counter: int | None = None
    camera_time_s: float | None = None
    exposed_at: float | None = None


class FrameDevice(Protocol):
    """An open camera. All calls come from one thread, and may hang."""

    @property
    def identity(self) -> CameraIdentity:
        """What it says of itself."""

    @property
    def is_on_demand(self) -> bool:
        """Whether a frame is there when it is asked for, so that none is read ahead."""

    def grab(self) -> bool | None:
        """Return whether the next frame came.

        None where none came in time and the camera still answers, as while no part passes.
        """

    def retrieve(self) -> DeviceFrame | None:
        """Return the frame that came last; None where it cannot be had."""

    def release(self) -> None:
        """Let the camera go."""


@dataclass(frozen=True, slots=True, eq=False)
class ReadFrame:
    """A frame with what the reader knows of it.

    Attributes:
        device: What the device gave.
        number: Its number since the camera was opened; the first is 1.
        exposed_at: When exposure began at the earliest, in seconds of the monotonic clock.
    """

    device: DeviceFrame
    number: int
    exposed_at: float


class FrameReader:
    """One opening of one camera. A call that hangs is left behind with its thread.

    Such a thread lets the camera go when its call comes back, and what it read reaches nobody.

    Args:
        name: Name of the camera.
        connect: Opens the device; called in the thread.
        exposure_s: Length of the exposure; None where it is not known.
        latency_s: Longest way of a frame to this machine.
        keeps_newest: Whether the newest frame is kept for who asks later, as where an electrical
            line starts the exposure before its message is here.
    """

    def __init__(
        self,
        name: str,
        connect: Callable[[], FrameDevice],
        exposure_s: float | None,
        latency_s: float,
        keeps_newest: bool = False,
    ) -> None:
        self._name, self._connect, self._keeps_newest = name, connect, keeps_newest
        self._exposure_s, self._latency_s = exposure_s, latency_s
        self._changed = Condition()
        self._identity: CameraIdentity | None = None
        self._is_on_demand = False
        self._problem = ""
        self._is_abandoned = False
        self._arrivals = Arrivals()
        self._number = 0
        self._alive_at = monotonic()
        self._wanted: tuple[float, int] | None = None
        self._frame: ReadFrame | None = None
        self._newest: ReadFrame | None = None
        self._thread = Thread(target=self._run, name=f"frames of {name}", daemon=True)

    @property
    def is_running(self) -> bool:
        """Whether its thread still runs, or hangs."""
        return self._thread.is_alive()

    @property
    def is_on_demand(self) -> bool:
        """Whether the open device gives frames on demand."""
        return self._is_on_demand

    def open(self, timeout_s: float) -> CameraIdentity:
        """Return what the camera says of itself once it is open.

        Raises:
            CameraLost: It does not open in time.
        """
        self._alive_at = monotonic()
        self._thread.start()
        with self._changed:
            self._changed.wait_for(lambda: self._identity or self._problem, timeout_s)
            if self._identity is None:
                raise self._lost(self._problem or f"it did not open within {timeout_s:g} s")
            return self._identity

    def read(self, not_before: float, timeout_s: float, after: int = 0) -> ReadFrame:
        """Return the first frame exposed then or later that comes after another one.

        Args:
            not_before: Seconds of the monotonic clock.
            timeout_s: Longest wait.
            after: Number of the other one.

        Raises:
            NoFrame: None came in time.
            CameraLost: The camera ended, or has been silent for long.
        """
        with self._changed:
            kept = self._newest
            if kept is not None and kept.exposed_at >= not_before and kept.number > after:
                return kept
            self._wanted, self._frame = (not_before, after), None
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._frame or self._problem, timeout_s)
            self._wanted = None
            frame: ReadFrame | None = self._frame  # set by the thread meanwhile
            if frame is not None:
                return frame
            if self._problem:
                raise self._lost(self._problem)
            if (silent_s := monotonic() - self._alive_at) > self._silence_s():
                raise self._lost(f"no frame came for {silent_s:.1f} s")
        raise NoFrame(
            f"The camera {self._name} gave no frame within {timeout_s:.3g} s that was surely "
            "exposed after the trigger.",
            hint="Allow more time, or state its exposure in the recipe.",
        )

    def abandon(self, timeout_s: float) -> None:
        """Let the camera go, now or as soon as it answers."""
        with self._changed:
            self._is_abandoned = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            device = self._connect()
        except AssayError as exc:
            self._end(exc.message)
            return
        try:
            self._open(device)
            while self._may_read(device) and self._read_one(device):
                pass
        finally:
            self._end("it gives no frames any more")
            device.release()

    def _open(self, device: FrameDevice) -> None:
        with self._changed:
            self._is_on_demand = device.is_on_demand
            self._identity, self._alive_at = device.identity, monotonic()
            self._changed.notify_all()

    def _may_read(self, device: FrameDevice) -> bool:
        """Return whether to read on; of a device that gives frames on demand, wait for one."""
        with self._changed:
            if device.is_on_demand:
                self._changed.wait_for(lambda: self._is_abandoned or self._is_wanting)
            return not self._is_abandoned

    @property
    def _is_wanting(self) -> bool:
        return self._wanted is not None and self._frame is None

    def _read_one(self, device: FrameDevice) -> bool:
        began_at = monotonic()
        has_come = device.grab()
        arrived_at = monotonic()
        if has_come is None:
            self._alive_at = arrived_at
        if not has_come:
            return has_come is None
        with self._changed:
            self._alive_at = arrived_at
            self._number += 1
            self._arrivals = arrive(
                self._arrivals,
                began_at,
                arrived_at,
                exposure_s=self._exposure_s,
                latency_s=self._latency_s,
            )
            if not (self._is_wanting or self._keeps_newest):
                return True
        return self._retrieve(device)

    def _retrieve(self, device: FrameDevice) -> bool:
        """Return whether a frame that somebody waits for decodes; no other is decoded."""
        number = self._number
        frame = device.retrieve()
        if frame is None:
            return False
        known = frame.exposed_at
        exposed_at = self._arrivals.exposed_at if known is None else known
        read = ReadFrame(frame, number, exposed_at)
        with self._changed:
            if self._is_abandoned:
                return True
            if self._keeps_newest:
                self._newest = read
            not_before, after = self._wanted or (math.inf, 0)
            if exposed_at >= not_before and number > after:
                self._frame = read
                self._changed.notify_all()
        return True

    def _silence_s(self) -> float:
        interval = self._arrivals.interval_s
        return SILENCE_S if math.isnan(interval) else max(SILENCE_S, _SILENT_INTERVALS * interval)

    def _end(self, problem: str) -> None:
        with self._changed:
            self._problem = self._problem or problem
            self._changed.notify_all()

    def _lost(self, problem: str) -> CameraLost:
        return CameraLost(
            f"The camera {self._name} is lost: {problem}.", hint="Check cable, power and address."
        )
