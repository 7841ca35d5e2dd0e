"""The finest detail of a picture, at so few points that the picture cannot be seen in them.

Pictures of one product, or of wafers cut side by side, agree in all that is coarse. A copy agrees
in its finest detail too, as far as the noise of both lets it. For that it is enough to know some of
the known picture's points: the other picture is laid over them and its detail read off there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from core.checking.exposures import (
    COARSE,
    FINE,
    FLAT,
    SIDE,
    OverlapAgreement,
    band_energies,
    pass_band,
    structure_share,
    summarise_blocks,
)
from core.types import F32, F64, U8

POINTS, BLOCKS = 2048, 7
WIDTH = POINTS + BLOCKS**2
"""Bytes that are kept of a picture."""

_EDGE = 8
_BOX = 17  # pixels over which a detail's strength is made equal
_STEP = 24.0  # of a byte, in standard deviations
_LEAST_COVERED = 0.4  # of the points
_FEWEST = 12  # points of a block
_ROUNDS, _LARGEST = 8, 2.0
_CENTRE = SIDE / 2


def sample_detail(grey: U8) -> U8:
    """Return what is kept of a picture's finest detail, uint8 ``WIDTH``.

    That is one pixel in 25 of what lies between two blurs, at equal strength everywhere, and for
    each block how much of it is structure and not noise.

    Args:
        grey: uint8 ``h w``; other sides than ``SIDE`` are scaled.
    """
    detail, share = _detail_and_share(_square(grey))
    x, y = _points().astype(np.intp).T
    values = np.clip(np.rint(128.0 + _STEP * detail[y, x]), 0, 255)
    count = np.maximum(np.bincount(_blocks(), minlength=BLOCKS**2), 1)
    shares = np.bincount(_blocks(), share[y, x], BLOCKS**2) / count
    return np.concatenate([values, np.rint(255.0 * shares)]).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class FineDetail:
    """The finest detail of a picture that may be a copy, whole.

    Attributes:
        detail: float32 ``SIDE SIDE``, at equal strength everywhere.
        share: How much of it is structure and not noise, of the same shape.
        slopes: Its slopes to the right and down, the same.
    """

    detail: F32
    share: F32
    slopes: tuple[F32, F32]

    @classmethod
    def of(cls, grey: U8) -> Self:
        """Return the detail of a picture, uint8 ``SIDE SIDE``."""
        detail, share = _detail_and_share(grey)
        right, down = (
            np.asarray(cv2.Sobel(detail, cv2.CV_32F, *way, ksize=3, scale=0.125), np.float32)
            for way in ((1, 0), (0, 1))
        )
        return cls(detail, share, (right, down))

    def agree_with(self, kept: U8, guess: F32) -> OverlapAgreement:
        """Return how well this picture agrees with a known one.

        Args:
            kept: What ``sample_detail`` gave of the known one.
            guess: float32 ``2 3``, about the map from the known one's pixels to this one's.
        """
        values = (kept[:POINTS].astype(np.float32) - 128.0) / _STEP
        shares = kept[POINTS:].astype(np.float64) / 255.0
        tried = (self._compare(values, shares, one) for one in (guess, self._refine(values, guess)))
        return max(tried, key=lambda one: one.found)

    def _compare(self, values: F32, shares: F64, onto: F32) -> OverlapAgreement:
        places = _points() @ onto[:, :2].T + onto[:, 2]
        inside = _inside(places)
        if inside.mean() < _LEAST_COVERED:
            return OverlapAgreement(0.0, 1.0, 1.0)
        laid, share = (_read_off(one, places) for one in (self.detail, self.share))

        def total(products: F32) -> F64:
            return np.asarray(
                np.bincount(_blocks()[inside], products[inside], BLOCKS**2), np.float64
            )

        count = np.bincount(_blocks()[inside], minlength=BLOCKS**2)
        parts = shares * np.clip(total(share) / np.maximum(count, 1), 0.0, 1.0)
        strength = np.sqrt(np.maximum(total(values**2) * total(laid**2), 1e-6))
        compared = (count >= _FEWEST) & (parts > 0.0)
        return summarise_blocks(total(values * laid) / strength, parts, compared, _is_inner())

    def _refine(self, values: F32, guess: F32) -> F32:
        """Return the map with which the points agree best (Lucas and Kanade, IJCAI 1981)."""
        onto, best = guess.astype(np.float64), (-1.0, guess)
        levers = np.column_stack([_points() - _CENTRE, np.ones(POINTS, np.float32)])
        for _ in range(_ROUNDS):
            places = _points() @ onto[:, :2].T + onto[:, 2]
            inside = _inside(places)
            if inside.mean() < _LEAST_COVERED:
                break
            laid = _read_off(self.detail, places)
            score = _correlation(values[inside], laid[inside])
            best = max(best, (score, onto.astype(np.float32)), key=lambda one: one[0])
            slopes = [levers * _read_off(one, places)[:, None] for one in self.slopes]
            rest = np.clip(values - laid, -_LARGEST, _LARGEST)[inside]
            moved = np.linalg.lstsq(np.hstack(slopes)[inside], rest, rcond=None)[0].reshape(2, 3)
            moved[:, 2] -= moved[:, :2] @ np.full(2, _CENTRE)
            onto = onto + moved
        return best[1]


def _detail_and_share(grey: U8) -> tuple[F32, F32]:
    detail = pass_band(grey, FINE, COARSE)
    power = np.maximum(cv2.blur(detail * detail, (_BOX, _BOX)), FLAT)
    share = structure_share(power, band_energies(grey))
    return np.asarray(detail / np.sqrt(power), np.float32), np.asarray(share, np.float32)


def _square(grey: U8) -> U8:
    if grey.shape == (SIDE, SIDE):
        return grey
    return np.asarray(cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def _correlation(x: F32, y: F32) -> float:
    return float(x @ y / max(float(np.linalg.norm(x) * np.linalg.norm(y)), 1e-6))


@cache
def _points() -> F32:
    """Return the same points for every picture, x and y in pixels."""
    drawn = np.random.default_rng(0).uniform(_EDGE, SIDE - 1 - _EDGE, (POINTS, 2))
    return np.asarray(np.rint(drawn), np.float32)


@cache
def _blocks() -> NDArray[np.int64]:
    """Return the block that each point lies in."""
    column, row = (_points() // (SIDE / BLOCKS)).astype(np.int64).T
    return np.asarray(row * BLOCKS + column, np.int64)


@cache
def _is_inner() -> NDArray[np.bool_]:
    inner = np.zeros((BLOCKS, BLOCKS), np.bool_)
    inner[1:-1, 1:-1] = True
    return inner.ravel()


def _inside(places: F64 | F32) -> NDArray[np.bool_]:
    within = (places > _EDGE - 1) & (places < SIDE - _EDGE)
    return np.asarray(within.all(axis=1), np.bool_)


def _read_off(picture: F32, places: F64 | F32) -> F32:
    x, y = places.astype(np.float32).T
    found = cv2.remap(picture, x[None], y[None], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found[0], np.float32)
