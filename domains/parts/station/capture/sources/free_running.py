"""A camera that runs freely and is its own trigger: it announces every part that comes to stand."""

from __future__ import annotations

import logging
import math
from threading import Event as Flag
from threading import Thread
from time import monotonic

import numpy as np

from domains.parts.station.capture.identity import differences
from domains.parts.station.capture.part_detection import DetectionLimits, ViewState, look, shrink
from domains.parts.station.capture.sources.frame_reader import ReadFrame
from domains.parts.station.capture.sources.video import VideoCamera
from domains.parts.station.part import CapturedFrame, Trigger
from domains.parts.station.plc.registers import OfflineReason
from domains.parts.station.ports import (
    CameraError,
    CameraLost,
    NoFrame,
    Post,
    TriggerSignal,
)
from domains.parts.station.recipe import CameraOptions
from domains.parts.station.result import LineReason

BACK_OFF_S = (0.5, 1.0, 2.0, 5.0)
_FRAME_S = 1.0

log = logging.getLogger(__name__)


class FreeRunningSource:
    """Opens a camera, keeps it open, and posts a trigger with the frame in which a part stands.

    Args:
        options: What the recipe says of the camera.
        camera: The camera; nobody else opens it.
        post: Where triggers go.
        limits: What counts as a part, and as standing.
    """

    def __init__(
        self,
        options: CameraOptions,
        camera: VideoCamera,
        post: Post,
        limits: DetectionLimits | None = None,
    ) -> None:
        self._options, self._camera, self._post = options, camera, post
        self._limits = limits or DetectionLimits()
        self._problem = f"The camera {options.name} is not open yet."
        self._stop = Flag()
        self._thread = Thread(target=self._run, name=f"parts of {options.name}", daemon=True)

    @property
    def problem(self) -> str:
        """Why it notices nothing at present; empty while it works."""
        if self._thread.is_alive() or self._thread.ident is None:
            return self._problem
        return self._problem or f"Nobody watches the camera {self._options.name} any more."

    @property
    def offline_reason(self) -> OfflineReason:
        """What the station is offline for while it notices nothing."""
        return OfflineReason.CAMERA

    def open(self) -> None:
        """Start watching."""
        self._thread.start()

    def answer(self, trigger: Trigger, *, is_recorded: bool) -> None:
        """Take note that a trigger is answered; nothing waits for it."""

    def close(self) -> None:
        """Stop watching, and let the camera go."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        tries = 0
        try:
            while not self._stop.is_set():
                if self._open():
                    tries = 0
                    self._watch()
                else:
                    self._stop.wait(BACK_OFF_S[min(tries, len(BACK_OFF_S) - 1)])
                    tries += 1
        finally:
            self._camera.close()

    def _open(self) -> bool:
        try:
            identity = self._camera.open()
        except CameraError as exc:
            self._report(exc.message)
            return False
        found = differences(identity, self._options)
        self._report(" ".join(found))
        return not found

    def _watch(self) -> None:
        """Look at every frame until the camera is lost."""
        state, last = ViewState(), self._options.discard
        while not self._stop.is_set():
            try:
                frame = self._camera.read(-math.inf, _FRAME_S, after=last)
                last = frame.number
                small = shrink(_eight_bits(frame, self._camera))
                state, standing = look(state, small, self._limits)
                if standing.new:
                    self._announce(self._camera.capture(frame), standing.new, standing.in_view)
            except NoFrame:
                continue
            except CameraLost as exc:
                self._report(exc.message)
                return

    def _announce(self, frame: CapturedFrame, new: int, in_view: int) -> None:
        faults = (LineReason.TWO_PARTS,) if in_view > 1 else ()
        for _ in range(new):
            self._post(TriggerSignal(monotonic(), frames=(frame,), faults=faults))

    def _report(self, problem: str) -> None:
        self._problem = problem
        if problem:
            log.error("%s", problem)


def _eight_bits(frame: ReadFrame, camera: VideoCamera) -> np.ndarray:
    pixels = camera.cut(frame.device.pixels)
    return pixels if pixels.dtype == np.uint8 else (pixels >> 8).astype(np.uint8)
