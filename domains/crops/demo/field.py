"""A field as a drone would see it, rendered: soil, rows, leaves, and patches that are sick.

Nothing here is a photograph. A mosaic bears the word RENDERED on its edge and in its tags, and a
model that is trained on such plots knows no other.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.transform import Affine
from scipy.special import expit

from core.types import U8

PIXEL_M = 0.02
ROW_M = 0.75
MARK = "RENDERED, NOT A PHOTOGRAPH"
HEALTHY, STRESSED = "healthy", "stressed"
SPLITS = ("train", "train", "cal", "cal", "test")  # of plots, one after the other

_LEAVES_A_METRE = 44
_SOIL = (134, 112, 88)
_HEALTHY_LEAF, _SICK_LEAF, _DEAD_LEAF = (64, 122, 44), (178, 166, 62), (122, 88, 52)
_HEADLAND_M = 2.0
_ORIGIN = (601_000.0, 5_812_000.0)  # UTM 33 north, where a rendered field is put
_CRS = "EPSG:32633"
_TURNED_DEG = 8.0

F32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Patch:
    """A round place where the crop is sick.

    Attributes:
        x_m: From the field's western edge.
        y_m: From its northern edge.
        radius_m: Where it has faded to a third.
        severity: 1 = every leaf yellow, brown or gone.
    """

    x_m: float
    y_m: float
    radius_m: float
    severity: float = 1.0


PATCHES = (Patch(14.0, 12.0, 5.0), Patch(33.0, 28.0, 6.5), Patch(9.0, 34.0, 3.5, 0.9))


def severity_map(height: int, width: int, patches: Sequence[Patch]) -> F32:
    """Return how sick each pixel's plants are, 0 to 1, ``h w``."""
    y, x = np.mgrid[:height, :width].astype(np.float32) * PIXEL_M
    sick = np.zeros((height, width), np.float32)
    for patch in patches:
        away = np.hypot(x - patch.x_m, y - patch.y_m) / patch.radius_m
        sick = np.maximum(sick, patch.severity * expit(8.0 * (1.0 - away)))
    return sick


def render(severity: F32, rng: np.random.Generator) -> U8:
    """Return rows of a crop on soil, uint8 ``h w 3``.

    Args:
        severity: How sick the plants are, ``h w``.
        rng: Where chance comes from.
    """
    pixels = _soil(severity.shape, rng)
    height, width = severity.shape
    for middle in np.arange(ROW_M / 2, width * PIXEL_M, ROW_M):
        count = int(height * PIXEL_M * _LEAVES_A_METRE)
        rows = rng.uniform(0, height, count)
        columns = middle / PIXEL_M + rng.normal(0.0, 0.11 / PIXEL_M, count)
        for row, column in zip(rows, columns, strict=True):
            _leaf(pixels, row, column, severity, rng)
    light = rng.uniform(0.92, 1.08)
    noisy = pixels.astype(np.float32) * light + rng.normal(0.0, 3.0, pixels.shape)
    return np.asarray(np.clip(np.rint(noisy), 0, 255), np.uint8)


def _soil(shape: tuple[int, ...], rng: np.random.Generator) -> U8:
    clods = np.zeros(shape[:2], np.float32)
    for size, strength in ((1, 6.0), (3, 8.0), (12, 7.0), (60, 6.0)):
        coarse = rng.normal(0.0, strength, [-(-side // size) + 1 for side in shape[:2]])
        clods += cv2.resize(coarse.astype(np.float32), shape[1::-1], interpolation=cv2.INTER_CUBIC)
    soil = np.array(_SOIL, np.float32) + clods[..., None]
    return np.asarray(np.clip(soil, 0, 255), np.uint8)


def _leaf(pixels: U8, row: float, column: float, severity: F32, rng: np.random.Generator) -> None:
    height, width = severity.shape
    chance, shade, length = rng.random(3)
    sick = float(severity[min(int(row), height - 1), min(max(int(column), 0), width - 1)])
    if chance < 0.45 * sick:
        return
    colour = np.array(_HEALTHY_LEAF, float)
    if rng.random() < sick:
        colour = np.array(_SICK_LEAF if shade < 0.65 else _DEAD_LEAF, float)
    drawn = tuple((colour * (0.75 + 0.5 * shade)).tolist())
    axes = (round((0.07 + 0.07 * length) / PIXEL_M), round(0.04 / PIXEL_M))
    at = (round(column), round(row))
    cv2.ellipse(pixels, at, axes, 360.0 * rng.random(), 0, 360, drawn, -1)


def write_mosaic(
    path: Path, *, seed: int = 7, side_m: float = 44.0, patches: Sequence[Patch] = PATCHES
) -> NDArray[np.float32]:
    """Return how sick each pixel of a rendered field is, which is written as a GeoTIFF.

    Red, green, blue and alpha, 2 cm a pixel, turned a little against north as fields are.

    Args:
        path: The file to write.
        seed: Of everything that is left to chance.
        side_m: Length of its sides.
        patches: Where it is sick.

    Raises:
        OSError: The file cannot be written.
    """
    side = round(side_m / PIXEL_M)
    severity = severity_map(side, side, patches)
    rng = np.random.default_rng(seed)
    rgb, edge = render(severity, rng), round(_HEADLAND_M / PIXEL_M)
    inner = np.zeros((side, side), bool)
    inner[edge:-edge, edge:-edge] = True
    rgb[~inner] = _soil(severity.shape, rng)[~inner]
    cv2.putText(rgb, MARK, (edge, edge - 20), cv2.FONT_HERSHEY_DUPLEX, 2.0, (250, 250, 250), 4)
    across, down = (PIXEL_M * turn(np.radians(_TURNED_DEG)) for turn in (np.cos, np.sin))
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=side,
        height=side,
        count=4,
        dtype="uint8",
        crs=_CRS,
        transform=Affine(across, down, _ORIGIN[0], down, -across, _ORIGIN[1]),
        photometric="RGB",
        tiled=True,
        compress="deflate",
    ) as mosaic:
        mosaic.write(np.moveaxis(rgb, 2, 0), [1, 2, 3])
        mosaic.write(np.full((side, side), 255, np.uint8), 4)
        mosaic.colorinterp = (
            ColorInterp.red,
            ColorInterp.green,
            ColorInterp.blue,
            ColorInterp.alpha,
        )
        mosaic.update_tags(TIFFTAG_IMAGEDESCRIPTION=MARK)
    return np.where(inner, severity, np.float32(np.nan))


def write_plots(folder: Path, *, each: int = 150, side_m: float = 2.0, seed: int = 11) -> None:
    """Write plots to train on, one picture and one group each, with a ``manifest.csv``.

    Args:
        folder: Where to; made if it is not there.
        each: How many healthy ones, and how many sick ones.
        side_m: Side of a plot, as of a survey's tiles.
        seed: Of everything that is left to chance.

    Raises:
        OSError: A file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng, side = np.random.default_rng(seed), round(side_m / PIXEL_M)
    rows = []
    for number in range(2 * each):
        label = (HEALTHY, STRESSED)[number % 2]
        sick = rng.uniform(0.6, 1.0) if label == STRESSED else rng.uniform(0.0, 0.03)
        picture = _window(np.float32(sick), side, rng)
        name = f"{label}_{number:04}.png"
        cv2.imwrite(str(folder / name), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        rows.append((name, label, SPLITS[number // 2 % len(SPLITS)], f"plot {number}"))
    with (folder / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("file", "label", "split", "group"), *rows])


def _window(sick: np.float32, side: int, rng: np.random.Generator) -> U8:
    """Return a plot cut out at any place between the rows, as a tile of a survey is."""
    margin = round(ROW_M / PIXEL_M)
    whole = render(np.full((side + margin, side + margin), sick, np.float32), rng)
    top, left = rng.integers(0, margin, 2)
    return np.ascontiguousarray(whole[top : top + side, left : left + side])
