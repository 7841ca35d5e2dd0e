"""A camera that is its own trigger: one signal a part, with the frame in which it stands."""

from __future__ import annotations

import threading
import time

import cv2
import numpy as np
import pytest

from domains.parts.station.capture.sources.frame_reader import DeviceFrame
from domains.parts.station.capture.sources.free_running import FreeRunningSource
from domains.parts.station.capture.sources.video import VideoCamera
from domains.parts.station.ports import CameraIdentity
from domains.parts.station.recipe import CameraOptions
from domains.parts.station.result import LineReason

SIZE = (240, 320)
LIMIT_S = 30.0
EMPTY: tuple[int, ...] = ()


class Belt:
    """A camera above a belt: plays scenes frame by frame, then shows the last one for ever."""

    is_on_demand = False

    def __init__(self, serial="A-17"):
        self.serial, self.scenes, self.shown = serial, [EMPTY] * 20, 0
        self.is_gone, self.is_released = False, False
        self.played = threading.Event()
        self.rng = np.random.default_rng(3)
        self.belt = self.rng.integers(80, 100, SIZE).astype(float)

    @property
    def identity(self):
        return CameraIdentity(serial=self.serial)

    def grab(self):
        time.sleep(0.005)
        if self.shown + 1 < len(self.scenes):
            self.shown += 1
        else:
            self.played.set()
        return not self.is_gone

    def retrieve(self):
        frame = self.belt + self.rng.normal(0, 2, SIZE)
        for left in self.scenes[self.shown]:
            frame[80:180, max(left, 0) : max(left + 90, 0)] = 200 + self.rng.normal(0, 2)
        grey = np.clip(frame, 0, 255).astype(np.uint8)
        return DeviceFrame(np.repeat(grey[:, :, None], 3, axis=2))

    def release(self):
        self.is_released = True

    def play(self, scenes):
        self.scenes = [*self.scenes, *scenes]
        self.played.clear()


def passage(at=110):
    moves = [(left,) for left in (*range(-80, at, 30), *[at] * 12, *range(at + 30, 320, 30))]
    return [*moves, *[EMPTY] * 8]


@pytest.fixture
def belts():
    return [Belt()]


@pytest.fixture
def source(belts):
    options = CameraOptions(source="0", serial="A-17", discard=2)
    signals = []
    source = FreeRunningSource(options, VideoCamera(options, lambda: belts[-1]), signals.append)
    source.signals = signals
    source.open()
    yield source
    source.close()


def wait_for(condition):
    until = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_each_part_gives_one_signal_with_the_frame_in_which_it_stands(source, belts):
    wait_for(lambda: not source.problem and belts[0].played.is_set())
    time.sleep(0.2)
    for _ in range(3):
        belts[0].play(passage())
        wait_for(belts[0].played.is_set)
    assert len(source.signals) == 3
    for signal in source.signals:
        (frame,) = signal.frames
        assert signal.faults == ()
        assert frame.exposed_at <= signal.at
        picture = cv2.imdecode(np.frombuffer(frame.data, np.uint8), cv2.IMREAD_GRAYSCALE)
        assert picture[100:160, 120:190].mean() > 190
        assert picture[100:160, :100].mean() < 110


def test_two_parts_in_view_are_said_with_the_signal(source, belts):
    wait_for(lambda: not source.problem and belts[0].played.is_set())
    time.sleep(0.2)
    belts[0].play([(20,)] * 15 + [(20, 200)] * 15 + [EMPTY] * 8)
    wait_for(belts[0].played.is_set)
    assert [signal.faults for signal in source.signals] == [(), (LineReason.TWO_PARTS,)]


def test_a_camera_that_is_lost_stops_the_line_and_another_one_is_not_taken(source, belts):
    wait_for(lambda: not source.problem)
    belts.append(Belt("B-99"))
    belts[0].is_gone = True
    wait_for(lambda: "B-99" in source.problem and "A-17" in source.problem)
    belts.append(Belt())
    wait_for(lambda: not source.problem)
    assert belts[0].is_released
    assert belts[1].is_released
