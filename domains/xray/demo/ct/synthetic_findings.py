"""Findings put into a chest before it is projected: each gives a changed chest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from core.types import F32
from domains.xray.demo.ct.chest import HEART, RIGHT_LUNG, WATER_PER_MM, Chest

SOFT = WATER_PER_MM * 1.04  # blood, fluid and tissue filled with it


def opacity(
    chest: Chest,
    side: int,
    place: tuple[float, float, float],
    radius_mm: float,
    filled: float,
    rng: np.random.Generator,
) -> Chest:
    """Return a chest with fluid in part of a lung, densest in the middle, patchy at the rim.

    Args:
        chest: The chest.
        side: ``RIGHT_LUNG`` or ``LEFT_LUNG``.
        place: Middle as shares of the lung's extent: back to front, top to foot, right to left.
        radius_mm: Distance from the middle at which half of the filling is gone.
        filled: Share of the air in the middle that fluid replaces, from 0 to 1.
        rng: Draws the patches.
    """
    lung = chest.parts == side
    low, high = _extent(lung)
    middle = low + np.array(place) * (high - low)
    reach = np.ceil(2 * radius_mm / np.array(chest.spacing_mm)).astype(int)
    first = np.maximum(middle.astype(int) - reach, 0)
    box = _box(first, np.minimum(middle.astype(int) + reach + 1, chest.mu.shape))
    grids = np.ogrid[box]
    away = np.sqrt(
        sum(((g - m) * s) ** 2 for g, m, s in zip(grids, middle, chest.spacing_mm, strict=True))
    )
    distance = away / radius_mm + 0.35 * _patches(away.shape, chest.spacing_mm, rng)
    share = filled / (1 + np.exp(8 * (distance - 1)))
    return _filled(chest, np.where(lung[box], share, 0), box)


def effusion(chest: Chest, side: int, height: float) -> Chest:
    """Return a chest with fluid in a lung's foot, higher at the wall than at the heart.

    Args:
        chest: The chest.
        side: ``RIGHT_LUNG`` or ``LEFT_LUNG``.
        height: Share of the lung's height that the fluid reaches at the wall.
    """
    low, high = _extent(chest.parts == side)
    size = high - low
    across = np.linspace(0, 1, size[2], dtype=np.float32)
    deep = np.linspace(-1, 1, size[0], dtype=np.float32)
    outwards = 1 - across if side == RIGHT_LUNG else across
    wall = np.maximum(outwards[None, :] ** 3, np.abs(deep[:, None]) ** 3)
    level = size[1] * (1 - np.float32(height) * (0.5 + 0.5 * wall))
    # Above the highest level by more than a centimetre there is none.
    first = max(0, int(level.min() - 10 / chest.spacing_mm[1]))
    rows = np.arange(first, size[1], dtype=np.float32)[None, :, None]
    under = 1 / (1 + np.exp((level[:, None, :] - rows) * np.float32(chest.spacing_mm[1] / 2)))
    box = _box([low[0], low[1] + first, low[2]], high)
    return _filled(chest, np.where(chest.parts[box] == side, under, 0), box)


def enlarged_heart(chest: Chest, times: float) -> Chest:
    """Return a chest whose heart is wider from its right upper edge, over the lungs beside it.

    Args:
        chest: The chest.
        times: Its new width divided by the old one.
    """
    low, high = _extent(chest.parts == HEART)
    _, row, column = low + np.array([0.5, 0.3, 0.35]) * (high - low)
    tall = 1 + 0.5 * (times - 1)
    # To where the larger heart's places are moved from the old one's.
    moved = np.array([[times, 0, column * (1 - times)], [0, tall, row * (1 - tall)]], np.float32)
    box = _box([low[0], 0, 0], [high[0], *chest.mu.shape[1:]])
    wide = [_grown(slab, moved) for slab in (chest.parts[box] == HEART).astype(np.float32)]
    return _filled(chest, np.stack(wide), box)


def _grown(slab: F32, moved: F32) -> F32:
    grown = cv2.warpAffine(slab, moved, slab.shape[::-1])
    return np.asarray(cv2.GaussianBlur(grown, (0, 0), 2), np.float32)


def _filled(chest: Chest, share: NDArray[np.floating], box: tuple[slice, ...]) -> Chest:
    mu = chest.mu.copy()
    mu[box] += np.asarray(share * np.maximum(SOFT - mu[box], 0), np.float32)
    return replace(chest, mu=mu)


def _box(first: Iterable[int], last: Iterable[int]) -> tuple[slice, ...]:
    return tuple(slice(int(a), int(b)) for a, b in zip(first, last, strict=True))


def _extent(part: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first voxel of a part along each axis, and the one after its last."""
    lines = [np.flatnonzero(part.any(axis=(*{0, 1, 2} - {axis},))) for axis in range(3)]
    if not all(len(line) for line in lines):
        raise ValueError("the chest has no such part")
    return np.array([x[0] for x in lines]), np.array([x[-1] + 1 for x in lines])


def _patches(
    shape: tuple[int, ...], spacing_mm: tuple[float, float, float], rng: np.random.Generator
) -> F32:
    """Return smooth noise of variance 1, its patches about a centimetre across."""
    noise = rng.standard_normal(shape, dtype=np.float32)
    for axis, step in enumerate(spacing_mm):
        flat = np.ascontiguousarray(np.moveaxis(noise, axis, 0)).reshape(shape[axis], -1)
        soft = cv2.GaussianBlur(flat, (1, 0), sigmaX=1e-6, sigmaY=5 / step)
        noise = np.moveaxis(soft.reshape(np.moveaxis(noise, axis, 0).shape), 0, axis)
    return np.asarray(noise / max(float(noise.std()), 1e-6), np.float32)
