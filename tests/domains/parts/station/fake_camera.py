"""A camera made of arithmetic: every frame carries its own counter, and faults are switched on."""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

import cv2
import numpy as np

from domains.parts.station.part import CapturedFrame
from domains.parts.station.ports import CameraIdentity, CameraLost, NoFrame

Fault = Literal["none", "gone", "frozen", "dark", "out_of_focus", "swapped", "exchanged", "hung"]
SIDE = 64
BLOCKS = 8
HANG_S = 3600.0


class Clock(Protocol):
    def monotonic(self) -> float: ...
    def sleep(self, seconds: float) -> None: ...


@dataclass
class VirtualClock:
    """Time that passes only while somebody sleeps."""

    now: float = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += max(seconds, 0.0)


def block_code(counter: int) -> np.ndarray:
    """Draw a counter as 8 x 8 black and white blocks, one bit each, in uint8 RGB."""
    bits = np.array([(counter >> bit) & 1 for bit in range(BLOCKS * BLOCKS)], np.uint8)
    grey = np.kron(bits.reshape(BLOCKS, BLOCKS), np.ones((SIDE // BLOCKS,) * 2, np.uint8)) * 255
    return np.repeat(grey[:, :, None], 3, axis=2)


def counter_of(frame: CapturedFrame) -> int:
    """Read the counter that the picture itself shows, whatever its metadata say."""
    grey = cv2.imdecode(np.frombuffer(frame.data, np.uint8), cv2.IMREAD_GRAYSCALE)
    means = grey.reshape(BLOCKS, SIDE // BLOCKS, BLOCKS, -1).mean(axis=(1, 3)).ravel()
    return sum(1 << bit for bit, mean in enumerate(means) if mean > 127)


@dataclass
class _Exposed:
    counter: int
    at: float
    delivered_at: float


@dataclass
class FakeCamera:
    """A camera that exposes on command, and gives its frames in order.

    With ``late_every`` every such frame is delivered ``late_s`` after its exposure instead of
    ``transfer_s``, and those behind it wait for it, as in basler/pypylon#729. With ``interval_s``
    it runs freely and needs no ``expose``. ``grab`` waits on the clock that it is given.

    A picture is drawn by ``draw`` from the counter; ``fault`` takes effect with the next call.
    """

    clock: Clock = field(default_factory=lambda: time)  # type: ignore[arg-type, return-value]
    name: str = "camera"
    draw: Callable[[int], np.ndarray] = block_code
    transfer_s: float = 0.01
    late_every: int = 0
    late_s: float = 0.0
    interval_s: float = 0.0
    skips_old: bool = True
    has_counter: bool = True
    serial: str = "FAKE-1"
    fault: Fault = "none"
    exposures: int = 0
    opened: int = 0
    _queue: deque[_Exposed] = field(default_factory=deque)
    _given: int = 0
    _next_at: float = 0.0
    _is_open: bool = False
    _frozen: np.ndarray | None = None

    def expose(self, at: float | None = None) -> int:
        """Expose one frame, as an electrical trigger does, and return its counter."""
        at = self.clock.monotonic() if at is None else at
        self.exposures += 1
        is_late = self.late_every and self.exposures % self.late_every == 0
        delivered = at + (self.late_s if is_late else self.transfer_s)
        if self._queue:
            delivered = max(delivered, self._queue[-1].delivered_at)
        self._queue.append(_Exposed(self.exposures, at, delivered))
        return self.exposures

    def open(self) -> CameraIdentity:
        self._refuse_when_gone()
        self._queue.clear()
        self._given, self._is_open = 0, True
        self.opened += 1
        self._next_at = self.clock.monotonic()
        is_other = self.fault == "swapped"
        return CameraIdentity(
            serial="FAKE-2" if is_other else self.serial,
            width=SIDE,
            height=SIDE,
            pixel_format="RGB8",
            channels="BGR" if self.fault == "exchanged" else "",
        )

    def grab(self, not_before: float, timeout_s: float) -> CapturedFrame:
        self._refuse_when_gone()
        if not self._is_open:
            raise CameraLost(f"The camera {self.name} is not open.", hint="Open it first.")
        until = self.clock.monotonic() + timeout_s
        while True:
            self._run_freely(until)
            if not self._queue or self._queue[0].delivered_at > until:
                self.clock.sleep(max(0.0, until - self.clock.monotonic()))
                raise NoFrame(f"The camera {self.name} gave no frame in {timeout_s} s.")
            exposed = self._queue.popleft()
            self.clock.sleep(max(0.0, exposed.delivered_at - self.clock.monotonic()))
            self._given += 1
            if exposed.at >= not_before or not self.skips_old:
                return self._frame(exposed)

    def close(self) -> None:
        self._is_open = False

    def _run_freely(self, until: float) -> None:
        while self.interval_s and self._next_at <= until:
            self.expose(self._next_at)
            self._next_at += self.interval_s

    def _refuse_when_gone(self) -> None:
        if self.fault == "hung":
            self.clock.sleep(HANG_S)
        if self.fault in ("gone", "hung"):
            self._is_open = False
            raise CameraLost(f"The camera {self.name} does not answer.", hint="Check the cable.")

    def _frame(self, exposed: _Exposed) -> CapturedFrame:
        pixels = self._view(exposed.counter)
        encoded = cv2.imencode(".png", pixels[:, :, ::-1])[1].tobytes()
        return CapturedFrame(
            camera=self.name,
            data=encoded,
            counter=exposed.counter if self.has_counter else None,
            exposed_at=exposed.at,
            camera_time_s=exposed.at,
            raw_sha256=hashlib.sha256(pixels.tobytes()).hexdigest(),
            since_open=self._given,
            name=f"{exposed.counter}",
        )

    def _view(self, counter: int) -> np.ndarray:
        pixels = np.ascontiguousarray(self.draw(counter))
        if self.fault == "dark":
            # A covered sensor still shows noise, otherwise it would count as frozen.
            noise = np.random.default_rng(counter).integers(0, 3, pixels.shape, np.uint8)
            pixels = noise
        if self.fault == "out_of_focus":
            pixels = cv2.GaussianBlur(pixels, (0, 0), SIDE / 8)
        if self.fault == "exchanged":
            pixels = np.ascontiguousarray(pixels[:, :, ::-1])
        if self.fault != "frozen":
            self._frozen = pixels
        return pixels if self._frozen is None else self._frozen
