"""A watched folder's line that answers every trigger, and pictures to be put there."""

from __future__ import annotations

import time
from threading import Event

import cv2
import numpy as np

from core.settings import Settings
from domains.parts.station.capture.sources.folder import FolderSource
from domains.parts.station.capture.sources.judged_files import JudgedFiles
from domains.parts.station.options import TriggerOptions
from domains.parts.station.part import Trigger
from domains.parts.station.result import LineReason

LIMIT_S = 30.0
UNREADABLE = (LineReason.UNREADABLE,)


def a_picture(number: int, kind: str = ".jpg") -> bytes:
    rng = np.random.default_rng(number)
    pixels = cv2.resize(rng.integers(0, 255, (12, 16, 3), np.uint8), (160, 120))
    return cv2.imencode(kind, pixels)[1].tobytes()


class Line:
    """Answers every trigger at once, as a station that judges in no time."""

    def __init__(self, folder, home, **options):
        self.signals = []
        self.is_answering, self.has_posted = True, Event()
        self.judged = JudgedFiles(home / "judged.sqlite", folder)
        self.source = FolderSource(
            "camera", folder, TriggerOptions(**options), Settings(), self.judged, self._post
        )

    def __enter__(self):
        self.source.open()
        return self

    def __exit__(self, *_):
        self.source.close()

    def _post(self, signal):
        self.signals.append(signal)
        self.has_posted.set()
        if self.is_answering:
            self.answer(signal)

    def answer(self, signal, is_recorded=True):
        trigger = Trigger(1, signal.at, frames=signal.frames, faults=signal.faults)
        self.source.answer(trigger, is_recorded=is_recorded)

    @property
    def names(self):
        return [signal.frames[0].name for signal in self.signals]

    def wait_for(self, count):
        until = time.monotonic() + LIMIT_S
        while len(self.signals) < count:
            assert time.monotonic() < until, f"{self.names} after {LIMIT_S} s"
            assert self.source.problem == ""
            time.sleep(0.01)
        return self.signals

    def stays_at(self, count, seconds=0.7):
        self.wait_for(count)
        time.sleep(seconds)
        assert len(self.signals) == count, self.names


def write(path, data):
    path.write_bytes(data)
    return data
