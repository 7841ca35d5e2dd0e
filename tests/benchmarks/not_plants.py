"""Rendered pictures that people send to a crop doctor although no plant is in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np

from core.types import U8

SIDE = 320
Draw = Callable[[np.random.Generator, U8], U8]


def _sky(rng: np.random.Generator, _leaf: U8) -> U8:
    up = np.linspace(0, 1, SIDE)[:, None, None]
    blue = np.array([70, 130, 220]) * (1 - up) + np.array([190, 215, 245]) * up
    clouds = cv2.resize(rng.random((8, 12)), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    return _picture(blue + 60 * np.clip(clouds - 0.5, 0, 1)[:, :, None])


def _soil(rng: np.random.Generator, _leaf: U8) -> U8:
    brown = np.array([105, 78, 55]) + rng.integers(-15, 16)
    coarse = cv2.resize(rng.normal(0, 22, (40, 40)), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    return _picture(brown + (coarse + rng.normal(0, 12, (SIDE, SIDE)))[:, :, None])


def _hand(rng: np.random.Generator, _leaf: U8) -> U8:
    skin = np.array([[224, 172, 140], [141, 85, 60], [198, 134, 100]])[rng.integers(3)]
    picture = np.full((SIDE, SIDE, 3), rng.integers(60, 200, 3), np.uint8)
    colour = tuple(int(c) for c in skin)
    cv2.ellipse(picture, (160, 210), (70, 85), 0, 0, 360, colour, -1)
    for finger, angle in enumerate((-40, -15, 5, 25, 60)):
        along, up = np.sin(np.radians(angle)), np.cos(np.radians(angle))
        end = (160 + int(130 * along), 210 - int(150 * up))
        cv2.line(picture, (160, 190), end, colour, 30 - 2 * (finger == 4))
    return _picture(cv2.GaussianBlur(picture, (0, 0), 2) + rng.normal(0, 4, picture.shape))


def _tractor(rng: np.random.Generator, _leaf: U8) -> U8:
    picture = np.full((SIDE, SIDE, 3), (170, 200, 235), np.uint8)
    picture[230:] = (120, 100, 70)
    body = ((190, 30, 30), (30, 110, 40), (30, 60, 160))[rng.integers(3)]
    cv2.rectangle(picture, (90, 130), (250, 210), body, -1)
    cv2.rectangle(picture, (100, 70), (170, 130), (60, 70, 80), -1)
    for centre, radius in (((120, 225), 50), ((235, 240), 32)):
        cv2.circle(picture, centre, radius, (25, 25, 25), -1)
        cv2.circle(picture, centre, radius // 2, (200, 180, 40), -1)
    shift = np.float32([[1, 0, rng.integers(-40, 41)], [0, 1, rng.integers(-20, 21)]])
    moved = cv2.warpAffine(picture, shift, (SIDE, SIDE), borderMode=cv2.BORDER_REFLECT)
    return _picture(moved + rng.normal(0, 5, moved.shape))


def _screenshot(rng: np.random.Generator, _leaf: U8) -> U8:
    picture = np.full((SIDE, SIDE, 3), 246, np.uint8)
    cv2.rectangle(picture, (0, 0), (SIDE, 36), tuple(int(c) for c in rng.integers(30, 220, 3)), -1)
    for row in range(60, SIDE - 10, 22):
        words = "".join(chr(rng.integers(97, 123)) for _ in range(rng.integers(8, 26)))
        cv2.putText(picture, words, (14, row), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (40, 40, 40), 1)
    return picture


def _diagram(rng: np.random.Generator, _leaf: U8) -> U8:
    picture = np.full((SIDE, SIDE, 3), 255, np.uint8)
    for _ in range(7):
        x, y = rng.integers(10, SIDE - 90, 2)
        colour = tuple(int(c) for c in rng.integers(120, 250, 3))
        cv2.rectangle(picture, (int(x), int(y)), (int(x) + 70, int(y) + 36), colour, -1)
        to = tuple(map(int, rng.integers(20, 300, 2)))
        cv2.arrowedLine(picture, (int(x) + 70, int(y) + 18), to, (0, 0, 0), 2)
    return picture


def _printed_leaf(rng: np.random.Generator, leaf: U8) -> U8:
    """Return a leaf photo printed in a page of text: halftone dots, a margin, a caption."""
    page = np.full((SIDE, SIDE, 3), (238, 234, 226), np.uint8)
    small = cv2.resize(leaf, (200, 150), interpolation=cv2.INTER_AREA).astype(np.float32)
    dots = 0.5 + 0.5 * np.sin(np.arange(200) * 2.1)[None] * np.sin(np.arange(150) * 2.1)[:, None]
    grey = small.mean(2)
    inked = np.where(grey / 255 > dots, 235, grey * 0.6)
    page[40:190, 60:260] = _picture(inked)[:, :, None]
    for row in range(212, SIDE - 8, 16):
        words = "".join(chr(rng.integers(97, 123)) for _ in range(34))
        cv2.putText(page, words, (20, row), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (50, 50, 50), 1)
    return _picture(page + rng.normal(0, 3, page.shape))


def _picture(values: object) -> U8:
    return np.clip(np.asarray(values), 0, 255).astype(np.uint8)


DRAWN: Mapping[str, Draw] = {
    "sky": _sky,
    "soil": _soil,
    "hand": _hand,
    "tractor": _tractor,
    "screenshot": _screenshot,
    "diagram": _diagram,
    "printed leaf": _printed_leaf,
}
