"""A recipe's cameras: opened, proven to be the ones expected, and opened again when lost."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Event as Flag
from threading import Lock, Thread
from time import monotonic

from domains.parts.station.capture import freshness
from domains.parts.station.capture.freshness import FrameHistory
from domains.parts.station.part import CapturedFrame, Trigger
from domains.parts.station.ports import Camera, CameraIdentity, CameraLost, NoFrame
from domains.parts.station.recipe import CameraOptions
from domains.parts.station.result import LineReason

BACK_OFF_S = (0.5, 1.0, 2.0, 5.0)

log = logging.getLogger(__name__)

Differences = Callable[[CameraIdentity, CameraOptions], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Grabbed:
    """What one camera gave for one trigger.

    Attributes:
        camera: Name of the camera.
        frame: The frame, also where it is refused; None where there is none.
        reasons: What it is refused for.
        detail: What a person needs besides, such as the serial numbers of two cameras.
    """

    camera: str
    frame: CapturedFrame | None
    reasons: tuple[LineReason, ...]
    detail: str = ""


class WatchedCamera:
    """One camera with the history of its frames; opens in a thread of its own, never in a part's.

    Args:
        camera: The camera.
        options: What the recipe says of it.
        differences: What of an identity is not as the recipe says, as sentences.
    """

    def __init__(self, camera: Camera, options: CameraOptions, differences: Differences) -> None:
        self.camera, self.options, self._differences = camera, options, differences
        self._history = FrameHistory()
        self._against: tuple[LineReason, str] | None = (LineReason.CAMERA_LOST, "It is not open.")
        self._lock = Lock()
        self._lost, self._stop = Flag(), Flag()
        self._lost.set()
        name = f"camera {options.name}"
        self._thread = Thread(target=self._keep_open, name=name, daemon=True)
        self.identity: CameraIdentity | None = None

    def start(self) -> None:
        """Begin to open it, and to open it again whenever it is lost."""
        self._thread.start()

    @property
    def problem(self) -> str:
        """Why it gives no frames; empty while it is usable."""
        against = self._against
        return "" if against is None else f"Camera {self.options.name}: {against[1]}"

    @property
    def is_usable(self) -> bool:
        """Whether it is open, and the one that the recipe names."""
        return self._against is None

    def close(self) -> None:
        """Let it go."""
        self._stop.set()
        self._lost.set()
        if self._thread.is_alive():
            self._thread.join(BACK_OFF_S[0])
        if self._lock.acquire(timeout=BACK_OFF_S[0]):
            # A camera that hangs in a call of its own is left to the end of the process.
            self.camera.close()
            self._lock.release()

    def grab(self, trigger: Trigger, deadline: float) -> Grabbed:
        """Return the frame of a trigger; never waits beyond the deadline.

        Args:
            trigger: The part's trigger.
            deadline: Seconds of the monotonic clock.
        """
        own = next((f for f in trigger.frames if f.camera == self.options.name), None)
        if own is not None:
            return self._checked(own, trigger)
        if (against := self._against) is not None:
            return Grabbed(self.options.name, None, (against[0],), against[1])
        if not self._lock.acquire(timeout=max(0.0, deadline - monotonic())):
            return self._missing()
        try:
            lead = freshness.LEAD_S if self.options.trigger == "hardware" else 0.0
            frame = self.camera.grab(trigger.at - lead, max(0.0, deadline - monotonic()))
        except NoFrame:
            return self._missing()
        except CameraLost as exc:
            self._lose(LineReason.CAMERA_LOST, exc.message)
            return Grabbed(self.options.name, None, (LineReason.CAMERA_LOST,), exc.message)
        finally:
            self._lock.release()
        return self._checked(frame, trigger)

    def _checked(self, frame: CapturedFrame, trigger: Trigger) -> Grabbed:
        reasons, self._history = freshness.check(
            frame,
            trigger,
            self._history,
            hardware=self.options.trigger == "hardware",
            discard=self.options.discard,
        )
        return self._given(frame, reasons)

    def _missing(self) -> Grabbed:
        reasons, self._history = freshness.check_missing(self._history)
        return self._given(None, reasons)

    def _given(self, frame: CapturedFrame | None, reasons: tuple[LineReason, ...]) -> Grabbed:
        if LineReason.FRAMES_UNUSABLE in reasons:
            # Opened again it begins with empty buffers, and proves anew who it is.
            self._lose(LineReason.FRAMES_UNUSABLE, "The camera is opened again.")
        return Grabbed(self.options.name, frame, reasons)

    def _lose(self, reason: LineReason, detail: str) -> None:
        self._against = (reason, detail)
        self._lost.set()

    def _keep_open(self) -> None:
        tries = 0
        while True:
            self._lost.wait()
            if self._stop.is_set():
                return
            opened = self._open()
            tries = 0 if opened else tries + 1
            if not opened:
                self._stop.wait(BACK_OFF_S[min(tries, len(BACK_OFF_S)) - 1])

    def _open(self) -> bool:
        try:
            with self._lock:
                self.camera.close()
                identity = self.camera.open()
        except CameraLost as exc:
            self._against = (LineReason.CAMERA_LOST, exc.message)
            return False
        except Exception:
            log.exception("opening a camera failed")
            self._against = (LineReason.CAMERA_LOST, "Opening it failed: see the log.")
            return False
        if differences := self._differences(identity, self.options):
            self._against = (LineReason.CAMERA_CHANGED, " ".join(differences))
            return False
        self._lost.clear()
        self.identity, self._against = identity, None
        return True


class Cameras:
    """The cameras of one recipe.

    Args:
        cameras: By name, in the recipe's order.
    """

    def __init__(self, cameras: Mapping[str, WatchedCamera]) -> None:
        self._all = list(cameras.values())

    @property
    def are_usable(self) -> bool:
        """Whether all are open, and the ones that the recipe names."""
        return all(camera.is_usable for camera in self._all)

    @property
    def problems(self) -> list[str]:
        """Why those that are not usable give no frames."""
        return [camera.problem for camera in self._all if camera.problem]

    def close(self) -> None:
        """Let all go."""
        for camera in self._all:
            camera.close()

    def describe(self) -> str:
        """Return what tells these cameras and their settings from others, as text."""
        return "; ".join(f"{one.options!r} {one.identity!r}" for one in self._all)

    def grab(self, trigger: Trigger, deadline: float) -> list[Grabbed]:
        """Return what each camera gives for a trigger."""
        return [camera.grab(trigger, deadline) for camera in self._all]
