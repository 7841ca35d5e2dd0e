"""The pixels of a mosaic's tile: which are valid, what their values mean, how green they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import MaskFlags
from rasterio.io import DatasetReader
from rasterio.windows import Window

from core.errors import UnreadableImage
from core.types import F64, U8
from domains.crops.survey.bands import ALPHA, COLOURS

GREEN_ABOVE = 0.1
"""Excess green from which a pixel counts as green."""

LEAST_CROP = 0.05
"""Share of green pixels from which a tile counts as crop.

Measured: of bare lanes between plots (`orthosmall.tif`, windows of 46 pixels at 1 cm) 39 of 42 have
less, the other three the edge of a plot; of field photographs of the train and cal splits 4 of 938
sick ones and 0 of 308 healthy ones have. Yellow stubble passes for a crop.
"""

MOST_CLIPPED = 0.05
"""Share of reflectances outside 0 to 1 from which a calibration is not believed."""

_LOOKED_AT = 512  # pixels a side on which greenness is counted

Values = NDArray[Any]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ValueScale:
    """What the values of a mosaic mean.

    Attributes:
        white: Value of full brightness, where they are levels; 1 where they are reflectances.
        gains: Factor of each band, for reflectances.
        offsets: What is added to each band after that.
        is_reflectance: Whether the values are reflectances once so scaled.
    """

    white: float
    gains: tuple[float, ...]
    offsets: tuple[float, ...]
    is_reflectance: bool

    @property
    def description(self) -> str:
        """What the values are, as the start of a sentence."""
        return "Reflectance" if self.is_reflectance else f"Brightness levels up to {self.white:g}"


def scale_of(source: DatasetReader) -> ValueScale:
    """Return what the values mean, by the file's tags.

    Raises:
        UnreadableImage: They are neither 8 bit nor floating point, and no tag says what is white.
    """
    gains, offsets = tuple(source.scales), tuple(source.offsets)
    kind = np.dtype(source.dtypes[0])
    if len(set(source.dtypes)) > 1:
        raise UnreadableImage("The bands hold values of different types.", hint=_ONE_TYPE)
    if kind.kind not in "uif":
        raise UnreadableImage(f"The bands hold {kind} values.", hint=_ONE_TYPE)
    plain = (1.0,) * source.count, (0.0,) * source.count
    if kind.kind == "f" or (gains, offsets) != plain:
        return ValueScale(1.0, gains, offsets, is_reflectance=True)
    white = _white(source, kind)
    if white is None:
        raise UnreadableImage(
            f"The bands hold {kind} values, and no tag says which value is white.", hint=_ONE_TYPE
        )
    return ValueScale(white, *plain, is_reflectance=False)


_ONE_TYPE = (
    "Export 8 bit a band, or reflectances with their scale (GDAL: gdal_translate -ot Byte -scale, "
    "or -a_scale)."
)


def _white(source: DatasetReader, kind: np.dtype[Any]) -> float | None:
    if kind == np.uint8:
        return 255.0
    if kind != np.uint16:
        return None
    bits = source.tags(1, ns="IMAGE_STRUCTURE").get("NBITS", "")
    if bits.isdecimal():
        return float(2 ** int(bits) - 1)
    try:
        white = float(source.tags().get("TIFFTAG_MAXSAMPLEVALUE", ""))
    except ValueError:
        return None
    return white if 1.0 <= white <= 65535.0 else None


@dataclass(frozen=True, slots=True, eq=False)
class TilePixels:
    """The values of one tile.

    Attributes:
        values: ``b h w``, as they stand in the file.
        valid: ``h w``, whether a pixel has a value in every band.
        names: Name of each band.
    """

    values: Values
    valid: Mask
    names: tuple[str, ...]


def read_pixels(source: DatasetReader, window: Window, names: tuple[str, ...]) -> TilePixels:
    """Return a window of a mosaic with its valid pixels.

    A pixel is valid where alpha is above 0, the mask holds it, and no band has its own value for
    "no data": each may have another, and one without it says nothing of the others. A mosaic whose
    first row lies in the south is turned over, so that no picture is mirrored.
    """
    values = source.read(window=window)
    valid = np.ones(values.shape[1:], bool)
    for index, (name, nodata) in enumerate(zip(names, source.nodatavals, strict=True)):
        if name == ALPHA:
            valid &= values[index] > 0
        elif nodata is not None:
            valid &= ~np.isnan(values[index]) if np.isnan(nodata) else values[index] != nodata
        if values.dtype.kind == "f":
            valid &= np.isfinite(values[index])
    flags = source.mask_flag_enums[0]
    if MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags:
        valid &= source.read_masks(1, window=window) > 0
    if source.transform.determinant > 0:
        values, valid = values[:, ::-1], valid[::-1]
    return TilePixels(values, valid, names)


def means_of(pixels: TilePixels, scale: ValueScale) -> dict[str, float]:
    """Return the mean of each band over the valid pixels, scaled; no valid pixel, no means."""
    if not pixels.valid.any():
        return {}
    count = int(np.count_nonzero(pixels.valid))
    whole = pixels.values.dtype.kind in "ui"
    total = np.int64 if whole else np.float64
    means = {}
    for index, name in enumerate(pixels.names):
        if name != ALPHA:
            mean = float(pixels.values[index].sum(where=pixels.valid, dtype=total)) / count
            means[name] = mean * scale.gains[index] + scale.offsets[index]
    return means


def scaled_bands(pixels: TilePixels, scale: ValueScale) -> dict[str, F64]:
    """Return the values of each band but alpha, scaled, float64 ``h w``; NaN where not valid."""
    return {
        name: np.where(
            pixels.valid,
            pixels.values[index].astype(np.float64) * scale.gains[index] + scale.offsets[index],
            np.nan,
        )
        for index, name in enumerate(pixels.names)
        if name != ALPHA
    }


def clipped_share(pixels: TilePixels, scale: ValueScale) -> float:
    """Return the share of valid values, of all bands but alpha, that are no reflectance."""
    if not scale.is_reflectance or not pixels.valid.any():
        return 0.0
    outside, count = 0, 0
    for index, name in enumerate(pixels.names):
        if name != ALPHA:
            values = pixels.values[index][pixels.valid].astype(np.float64)
            values = values * scale.gains[index] + scale.offsets[index]
            outside += int(np.count_nonzero((values < 0.0) | (values > 1.0)))
            count += values.size
    return outside / count if count else 0.0


def colours_of(pixels: TilePixels, scale: ValueScale, means: Mapping[str, float]) -> U8:
    """Return red, green and blue as uint8 ``h w 3``, the mean colour where nothing is valid."""
    rgb = np.empty((*pixels.valid.shape, 3), np.uint8)
    is_whole = bool(pixels.valid.all())
    for channel, name in enumerate(COLOURS):
        index = pixels.names.index(name)
        rgb[..., channel] = _levels(pixels.values[index], scale, index)
        if not is_whole:
            mean = np.clip(round(255.0 / scale.white * means[name]), 0, 255)
            rgb[..., channel][~pixels.valid] = mean
    return rgb


def _levels(values: Values, scale: ValueScale, index: int) -> Values:
    if values.dtype == np.uint8 and scale.white == 255.0:
        return values
    with np.errstate(invalid="ignore"):
        scaled = values.astype(np.float32) * scale.gains[index] + scale.offsets[index]
        shown = np.clip(np.rint(scaled * (255.0 / scale.white)), 0, 255)
    return np.asarray(np.nan_to_num(shown))


def crop_share(rgb: U8, valid: Mask) -> float:
    """Return the share of valid pixels whose excess green is above `GREEN_ABOVE`."""
    step = max(1, max(valid.shape) // _LOOKED_AT)
    counted, looked = valid[::step, ::step], rgb[::step, ::step].astype(np.int32)
    red, green, blue = (looked[..., channel] for channel in range(3))
    total = red + green + blue
    is_green = (2 * green - red - blue > GREEN_ABOVE * total) & counted
    count = np.count_nonzero(counted)
    return float(np.count_nonzero(is_green) / count) if count else 0.0


def window_of(row: int, column: int, size: Sequence[int], whole: Sequence[int]) -> Window:
    """Return the window of a tile of a grid, cut at the mosaic's end.

    Args:
        row: Row of the grid.
        column: Column of the grid.
        size: Rows and columns of pixels of a tile.
        whole: Rows and columns of pixels of the mosaic.
    """
    top, left = row * size[0], column * size[1]
    return Window(left, top, min(size[1], whole[1] - left), min(size[0], whole[0] - top))
