"""What can be wrong with what a camera sees, and with the file that a frame becomes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import cv2
import numpy as np

from core.types import U8
from domains.parts.station.faults.camera import Draw
from domains.parts.station.faults.plates import SIDE, draw_plate
from domains.parts.station.faults.rig import Rig


def scratched(rng: np.random.Generator) -> U8:
    """Return a plate with a scratch plain to see."""
    return draw_plate(rng, 0.8)


def dark(rng: np.random.Generator) -> U8:
    """Return what a camera sees when the light is off: noise of the sensor."""
    return rng.integers(0, 4, (SIDE, SIDE, 3), np.uint8)


def overexposed(rng: np.random.Generator) -> U8:
    """Return what a camera sees when the exposure is far too long."""
    return np.clip(draw_plate(rng).astype(np.int16) + 160, 0, 255).astype(np.uint8)


def out_of_focus(rng: np.random.Generator) -> U8:
    """Return a plate as seen with the lens turned."""
    return np.asarray(cv2.GaussianBlur(draw_plate(rng), (0, 0), SIDE / 10), np.uint8)


def empty_belt(rng: np.random.Generator) -> U8:
    """Return the belt with nothing on it."""
    return np.clip(rng.normal(60, 2, (SIDE, SIDE, 3)), 0, 255).astype(np.uint8)


def wrong_part(rng: np.random.Generator) -> U8:
    """Return another product: a perforated sheet."""
    sheet = np.full((SIDE, SIDE, 3), 170, np.uint8)
    for x in range(8, SIDE, 16):
        for y in range(8, SIDE, 16):
            cv2.circle(sheet, (x, y), int(rng.integers(4, 6)), (30, 30, 30), -1, cv2.LINE_AA)
    return sheet


def two_parts(rng: np.random.Generator) -> U8:
    """Return two plates in one view."""
    halves = [cv2.resize(draw_plate(rng), (SIDE // 2 - 4, SIDE)) for _ in range(2)]
    gap = np.full((SIDE, 8, 3), 20, np.uint8)
    return np.asarray(np.hstack([halves[0], gap, halves[1]]), np.uint8)


@contextmanager
def drawn(rig: Rig, draw: Draw) -> Iterator[None]:
    """Yield while the camera sees something else."""
    before, rig.camera.draw = rig.camera.draw, draw
    try:
        yield
    finally:
        rig.camera.draw = before


@contextmanager
def file_of(rig: Rig, data: bytes | slice) -> Iterator[None]:
    """Yield while frames become other files: these bytes, or a part of their own."""
    rig.camera.alter = lambda frame: replace(
        frame, data=frame.data[data] if isinstance(data, slice) else data
    )
    try:
        yield
    finally:
        rig.camera.alter = lambda frame: frame
