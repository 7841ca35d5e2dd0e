"""A camera that draws plates, and whatever goes wrong with a camera."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic, sleep

import numpy as np

from core.types import U8
from domains.parts.station.capture.sources.encoding import encode
from domains.parts.station.faults.plates import draw_plate
from domains.parts.station.part import CapturedFrame
from domains.parts.station.ports import CameraIdentity

EXPOSURE_S = 0.001

Draw = Callable[[np.random.Generator], U8]
Alter = Callable[[CapturedFrame], CapturedFrame]


@dataclass
class DrawingCamera:
    """A camera whose frames show the plate drawn next.

    Attributes:
        name: Its name in the recipe.
        draw: Draws what is in front of it.
        before: Called before a frame is exposed; raises or hangs as a camera does.
        alter: Changes a frame on its way, as a driver does.
        identity: What it says of itself.
        last: The frame that it exposed last.
    """

    name: str
    draw: Draw = draw_plate
    before: Callable[[], None] = lambda: None
    alter: Alter = lambda frame: frame
    identity: CameraIdentity = field(default_factory=lambda: CameraIdentity(serial="plate-1"))
    last: CapturedFrame | None = None
    _rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(1))
    _counter: int = 0
    _since_open: int = 0

    def open(self) -> CameraIdentity:
        """Return what it says of itself once it is open."""
        self.before()
        self._since_open = 0
        return self.identity

    def grab(self, not_before: float, timeout_s: float) -> CapturedFrame:
        """Return one frame, exposed now."""
        del not_before, timeout_s
        self.before()
        exposed_at = monotonic()
        pixels = self.draw(self._rng)
        sleep(EXPOSURE_S)
        self._counter += 1
        self._since_open += 1
        frame = CapturedFrame(
            camera=self.name,
            data=encode(pixels),
            counter=self._counter,
            exposed_at=exposed_at,
            camera_time_s=exposed_at,
            raw_sha256=hashlib.sha256(pixels.tobytes()).hexdigest(),
            since_open=self._since_open,
            name=f"{self._counter}.jpg",
        )
        altered, self.last = self.alter(frame), frame
        return altered

    def close(self) -> None:
        """Let it go."""
