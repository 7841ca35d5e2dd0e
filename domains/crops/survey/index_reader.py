"""Vegetation indices of each pixel of a mosaic, in the sandbox."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from rasterio.io import DatasetReader
from rasterio.windows import Window

from core.errors import UnreadableImage
from core.imaging.functions import Arguments, Output
from domains.crops.survey.georeference import georeference_of
from domains.crops.survey.indices import INDICES, refused
from domains.crops.survey.mosaic_reader import names_of, open_mosaic, read_window
from domains.crops.survey.pixels import TilePixels, scale_of, scaled_bands

_SMALLEST = 64
"""Pixels a side of the smallest part that is given up as a whole."""

DESCRIBE, READ = f"{__name__}:describe_maps", f"{__name__}:read_indices"


def describe_maps(data: bytes, arguments: Arguments) -> Output:
    """Return how large a mosaic is, where it lies, and the indices that it cannot give.

    Args:
        data: Nothing.
        arguments: ``file``, and ``bands``, what a person says that they are.
    """
    del data
    source = open_mosaic(arguments["file"])
    names, scale = names_of(source, arguments), scale_of(source)
    placed = georeference_of(source)
    record = {
        "height": source.height,
        "width": source.width,
        "crs": placed.crs.to_wkt("WKT2_2019"),
        "transform": list(placed.affine[:6]),
        "refused": refused(names, is_reflectance=scale.is_reflectance, levels=scale.description),
    }
    return Output({}, record)


def read_indices(data: bytes, arguments: Arguments) -> Output:
    """Return the indices of a window, in the order of the file's rows.

    Args:
        data: JSON of its first row and column, its rows and its columns.
        arguments: ``file``, ``bands``, and ``indices``, the names of those that are wanted.

    Returns:
        ``maps``, float32 ``n h w``, NaN where a pixel has no value; and ``unread``, how many
        pixels lie in parts of the file that cannot be read.
    """
    row, column, height, width = json.loads(data)
    source = open_mosaic(arguments["file"])
    scale = scale_of(source)
    wanted = [one for one in INDICES if one.name in arguments["indices"]]
    maps = np.full((len(wanted), height, width), np.nan, np.float32)
    unread = 0
    for part in _readable(source, Window(column, row, width, height), arguments):
        if part.pixels is None:
            unread += part.window.height * part.window.width
            continue
        bands = scaled_bands(part.pixels, scale)
        found = np.stack([one.of_pixels(bands) for one in wanted])
        if source.transform.determinant > 0:  # read_pixels turned it over
            found = found[:, ::-1]
        top, left = part.window.row_off - row, part.window.col_off - column
        maps[:, top : top + part.window.height, left : left + part.window.width] = found
    return Output({"maps": maps}, {"unread": unread})


@dataclass(frozen=True, slots=True, eq=False)
class _ReadPart:
    """A part of a window; no pixels where it cannot be read."""

    window: Window
    pixels: TilePixels | None


def _readable(source: DatasetReader, window: Window, arguments: Arguments) -> Iterator[_ReadPart]:
    """Yield a window whole; where a piece of it is damaged, in parts down to that piece."""
    try:
        yield _ReadPart(window, read_window(source, window, arguments))
        return
    except UnreadableImage:
        if max(window.height, window.width) <= _SMALLEST:
            yield _ReadPart(window, None)
            return
    for top, height in _halves(window.height):
        for left, width in _halves(window.width):
            part = Window(window.col_off + left, window.row_off + top, width, height)
            yield from _readable(source, part, arguments)


def _halves(length: int) -> list[tuple[int, int]]:
    """Return start and length of both halves, at multiples of `_SMALLEST` as blocks lie."""
    if length <= _SMALLEST:
        return [(0, length)]
    half = -(-length // (2 * _SMALLEST)) * _SMALLEST
    return [(0, half), (half, length - half)]
