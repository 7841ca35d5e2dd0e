"""Cameras of this process, with clocks of their own."""

from __future__ import annotations

import time

from domains.parts.station.capture.sources.frame_reader import DeviceFrame
from domains.parts.station.ports import CameraIdentity, NoFrame
from tests.domains.parts.station.fake_camera import SIDE

INTERVAL = 0.04


class Device:
    """A camera of this process: exposes on a clock of its own, keeps four frames back."""

    def __init__(self, world):
        self.world, self.read, self.last, self.is_released = world, 0, 0, False
        self.opened_at = time.monotonic()
        world.devices.append(self)

    @property
    def identity(self):
        return CameraIdentity(serial=self.world.serial, width=SIDE, height=SIDE)

    is_on_demand = False

    def grab(self):
        if self.world.is_hung:
            self.world.let_go.wait(20)
        if self.world.is_gone:
            return False
        newest = int((time.monotonic() - self.opened_at) / INTERVAL)
        self.read = max(self.read + 1, newest - 4)
        time.sleep(max(0.0, self.opened_at + self.read * INTERVAL - time.monotonic()))
        self.last = self.read
        self.world.exposed[self.last] = self.opened_at + (self.last - 1) * INTERVAL
        return True

    def retrieve(self):
        time.sleep(self.world.decoding_s)
        return DeviceFrame(self.world.draw(self.last))

    def release(self):
        self.is_released = True


def grab_when_ready(camera, not_before, tries=20):
    for _ in range(tries):
        try:
            return camera.grab(not_before, 0.5)
        except NoFrame:
            continue
    raise AssertionError("no frame came")


class TriggeredDevice(Device):
    """Exposes when an electrical line says so; otherwise it is silent and answers."""

    def __init__(self, world):
        super().__init__(world)
        world.line = []

    def grab(self):
        time.sleep(0.005)
        if not self.world.line:
            return None
        self.last, self.exposed_at = self.world.line.pop(0)
        return True

    def retrieve(self):
        return DeviceFrame(self.world.draw(self.last), self.last, None, self.exposed_at)
