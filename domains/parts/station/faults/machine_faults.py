"""What can go wrong with camera, driver, network, store and PLC."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from core.types import NetworkOutput
from domains.parts.station.capture.cameras import BACK_OFF_S
from domains.parts.station.faults.rig import PRODUCT, Rig
from domains.parts.station.part import CapturedFrame
from domains.parts.station.ports import CameraIdentity, CameraLost, NoFrame

OVERDUE = 1.6
"""A hanging part takes so many deadlines."""


@contextmanager
def camera_gone(rig: Rig) -> Iterator[None]:
    """Yield while the cable is pulled."""

    def refuse() -> None:
        raise CameraLost("The camera does not answer.")

    with _before(rig, refuse):
        yield


@contextmanager
def camera_swapped(rig: Rig) -> Iterator[None]:
    """Yield with another camera plugged in; the part that finds the old one gone is past."""
    own = rig.camera.identity
    calls = iter([True])

    def refuse_once() -> None:
        if next(calls, False):
            raise CameraLost("The camera does not answer.")

    rig.camera.identity = CameraIdentity(serial="plate-2")
    try:
        with _before(rig, refuse_once):
            rig.inspect(1.0)
            time.sleep(2 * BACK_OFF_S[0])
            yield
    finally:
        rig.camera.identity = own


@contextmanager
def no_frame(rig: Rig) -> Iterator[None]:
    """Yield while the camera answers without a frame."""

    def refuse() -> None:
        raise NoFrame("The camera gave no frame in time.")

    with _before(rig, refuse):
        yield


@contextmanager
def camera_hangs(rig: Rig) -> Iterator[None]:
    """Yield while a call of the driver comes back too late."""
    with _before(rig, lambda: time.sleep(_overdue_s(rig))):
        yield


@contextmanager
def frame_repeated(rig: Rig) -> Iterator[None]:
    """Yield while the driver gives the last frame again, with a new counter and a new time."""
    last = _last_frame(rig)

    def repeat(frame: CapturedFrame) -> CapturedFrame:
        return replace(frame, data=last.data, raw_sha256=last.raw_sha256)

    with _altered(rig, repeat):
        yield


@contextmanager
def frame_behind(rig: Rig) -> Iterator[None]:
    """Yield while the driver gives the frame before: one trigger behind."""
    last = _last_frame(rig)
    with _altered(rig, lambda frame: replace(last, since_open=frame.since_open)):
        yield


@contextmanager
def frame_old(rig: Rig) -> Iterator[None]:
    """Yield while the frame is exposed before the trigger."""
    with _altered(rig, lambda frame: replace(frame, exposed_at=frame.exposed_at - 1.0)):
        yield


@contextmanager
def frame_without_time(rig: Rig) -> Iterator[None]:
    """Yield while the frame carries no time."""
    with _altered(rig, lambda frame: replace(frame, exposed_at=float("nan"))):
        yield


@contextmanager
def camera_clock_back(rig: Rig) -> Iterator[None]:
    """Yield after the camera's own clock went back."""
    with _altered(rig, lambda frame: replace(frame, camera_time_s=0.0)):
        yield


@contextmanager
def network_gives_nan(rig: Rig) -> Iterator[None]:
    """Yield while the network answers with no numbers."""

    def spoil(extract: Callable[..., NetworkOutput], *args: Any) -> NetworkOutput:  # noqa: ANN401
        output = extract(*args)
        return replace(output, pooled=np.full_like(output.pooled, np.nan))

    with _network(rig, spoil):
        yield


@contextmanager
def network_hangs(rig: Rig) -> Iterator[None]:
    """Yield while the network comes back too late."""

    def wait(extract: Callable[..., NetworkOutput], *args: Any) -> NetworkOutput:  # noqa: ANN401
        time.sleep(_overdue_s(rig))
        return extract(*args)

    with _network(rig, wait):
        yield


@contextmanager
def memory_exhausted(rig: Rig) -> Iterator[None]:
    """Yield while the network finds no memory."""

    def refuse(extract: Callable[..., NetworkOutput], *args: Any) -> NetworkOutput:  # noqa: ANN401
        del extract, args
        raise MemoryError

    with _network(rig, refuse):
        yield


def _last_frame(rig: Rig) -> CapturedFrame:
    if rig.camera.last is None:
        raise ValueError("expected a part before the fault, got none")
    return rig.camera.last


def _overdue_s(rig: Rig) -> float:
    return OVERDUE * rig.recipe.deadline_ms / 1000


@contextmanager
def _before(rig: Rig, call: Callable[[], None]) -> Iterator[None]:
    rig.camera.before = call
    try:
        yield
    finally:
        rig.camera.before = lambda: None


@contextmanager
def _altered(rig: Rig, alter: Callable[[CapturedFrame], CapturedFrame]) -> Iterator[None]:
    rig.camera.alter = alter
    try:
        yield
    finally:
        rig.camera.alter = lambda frame: frame


@contextmanager
def _network(
    rig: Rig,
    instead: Callable[..., NetworkOutput],
) -> Iterator[None]:
    network: Any = rig.judges.get(PRODUCT).assessor.bundle.network
    extract = network.extract
    network.extract = lambda *args: instead(extract, *args)
    try:
        yield
    finally:
        del network.extract
