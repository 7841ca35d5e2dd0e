"""Reading a mosaic where it can do no harm: functions of the sandbox over an open file.

The process may open nothing, so GDAL reads through the descriptor that it was given. Only GeoTIFF
is read, so no file can point to another one.
"""

from __future__ import annotations

import io
import json
import os
import warnings
from functools import lru_cache
from typing import Any

import numpy as np
import rasterio
from rasterio._err import CPLE_BaseError  # some errors of GDAL pass without being wrapped
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window

from core.errors import UnreadableImage
from core.imaging.attempt import prepare_frame
from core.imaging.functions import Arguments, Output
from core.imaging.reading import record_of
from core.packs import load
from core.types import Frame, Tile
from domains.crops.survey.bands import identify
from domains.crops.survey.georeference import georeference_of
from domains.crops.survey.indices import refused
from domains.crops.survey.pixels import (
    LEAST_CROP,
    MOST_CLIPPED,
    TilePixels,
    ValueScale,
    clipped_share,
    colours_of,
    crop_share,
    means_of,
    read_pixels,
    scale_of,
    window_of,
)
from domains.crops.survey.values import TileStatus
from domains.crops.tile_file import write_tile

DESCRIBE, READ, WRITE = (f"{__name__}:{name}" for name in ("describe", "read_tile", "write_file"))
LEAST_VALID = 0.6
"""Share of a tile's pixels that must be valid for it to be judged."""

SMALLEST_TILE, LARGEST_TILE = 32, 4096
MOST_TILES = 100_000
_CACHE_MB = 256
_NAME = "mosaic.tif"
_LARGEST_BLOCK = 256 * 1024**2
_MOST_BANDS = 12


class DescriptorFile(io.RawIOBase):
    """A file read through a descriptor that others use as well: it keeps its own place."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor, self._at = descriptor, 0
        self._size = os.fstat(descriptor).st_size

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401
        """Return how many bytes were read into a buffer."""
        count = os.preadv(self._descriptor, [buffer], self._at)
        self._at += count
        return count

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Return the new place."""
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = origin + offset
        return self._at

    def tell(self) -> int:
        """Return the place."""
        return self._at

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def seekable(self) -> bool:
        """Return that its place can be set."""
        return True


@lru_cache(maxsize=1)
def open_mosaic(descriptor: int) -> DatasetReader:
    """Return an open mosaic, the same one for every call of the process.

    Raises:
        UnreadableImage: It is no GeoTIFF, or its blocks are too large to be read in parts.
    """
    rasterio.Env(GDAL_CACHEMAX=_CACHE_MB, GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR").__enter__()

    def reopen(path: str, mode: str = "rb") -> DescriptorFile:
        del mode
        if path.startswith(f"{_NAME}."):  # a mask or overviews beside it: there are none
            raise FileNotFoundError(path)
        return DescriptorFile(descriptor)

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)  # it is refused later
            source = rasterio.open(_NAME, driver="GTiff", opener=reopen)
    except (RasterioError, CPLE_BaseError) as exc:
        raise UnreadableImage(
            "The file cannot be read as a GeoTIFF: it is damaged, cut short, or something else.",
            hint="Send the orthomosaic as GeoTIFF, whole.",
        ) from exc
    if source.count > _MOST_BANDS:
        raise UnreadableImage(
            f"The mosaic has {source.count} bands; expected {_MOST_BANDS} at most.",
            hint="Export the bands that matter.",
        )
    block = max(rows * columns for rows, columns in source.block_shapes)
    if block * source.count * np.dtype(source.dtypes[0]).itemsize > _LARGEST_BLOCK:
        raise UnreadableImage(
            "The mosaic is stored as one piece, which cannot be read in parts.",
            hint="Save it tiled, such as with gdal_translate -of COG.",
        )
    _stated_bands(source)  # before any of its pixels are read
    return source


@lru_cache(maxsize=1)
def _stated_bands(source: DatasetReader) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the colour and the description of each band.

    Asking GDAL for a colour has no result that tells of a failure, so rasterio looks whether GDAL
    keeps an error, and finds that of a read before it: after a damaged part a sound one would
    count as damaged. So it is asked once, before anything is read.
    """
    colours = tuple(one.name for one in source.colorinterp)
    return colours, tuple(text or "" for text in source.descriptions)


def describe(data: bytes, arguments: Arguments) -> Output:
    """Return what a mosaic is, how it is cut, and where the corners of its tiles lie.

    Args:
        data: Nothing.
        arguments: ``file``, ``tile_m``, and ``bands``, what a person says that they are.

    Returns:
        Longitudes and latitudes, float64 ``rows + 1, columns + 1``, and the record.
    """
    del data
    source = open_mosaic(arguments["file"])
    names, scale = names_of(source, arguments), scale_of(source)
    placed = georeference_of(source)
    pixel_m = placed.pixel_m()
    size = _tile_size(arguments["tile_m"], pixel_m)
    columns, rows = (
        np.minimum(np.arange(-(-whole // side) + 1) * side, whole).astype(np.float64)
        for whole, side in ((source.width, size[1]), (source.height, size[0]))
    )
    _refuse_many((len(rows) - 1) * (len(columns) - 1), arguments["tile_m"])
    lon, lat = placed.positions(*np.meshgrid(columns, rows))
    record = {
        "height": source.height,
        "width": source.width,
        "bands": list(names),
        "crs": placed.crs.to_wkt("WKT2_2019"),
        "accuracy_m": placed.accuracy_m,
        "tile": list(size),
        "pixel_m": list(pixel_m),
        "pixel_area_m2": placed.pixel_area_m2(),
        "is_reflectance": scale.is_reflectance,
        "refused": refused(names, is_reflectance=scale.is_reflectance, levels=scale.description),
    }
    return Output({"lon": np.ascontiguousarray(lon), "lat": np.ascontiguousarray(lat)}, record)


def names_of(source: DatasetReader, arguments: Arguments) -> tuple[str, ...]:
    """Return the names of a mosaic's bands, ``bands`` of the arguments before the file's own."""
    return identify(*_stated_bands(source), arguments["bands"])


def _tile_size(tile_m: float, pixel_m: tuple[float, float]) -> tuple[int, int]:
    height, width = (max(1, round(tile_m / side)) for side in pixel_m)
    least, most = max(pixel_m) * SMALLEST_TILE, min(pixel_m) * LARGEST_TILE
    if min(height, width) < SMALLEST_TILE or max(height, width) > LARGEST_TILE:
        raise UnreadableImage(
            f"A tile of {tile_m:g} m has {height} x {width} pixels of this mosaic; expected "
            f"{SMALLEST_TILE} to {LARGEST_TILE} a side.",
            hint=f"Give a tile of {least:.2g} to {most:.2g} m (--tile-m).",
        )
    return height, width


def _refuse_many(count: int, tile_m: float) -> None:
    if count > MOST_TILES:
        least = tile_m * (count / MOST_TILES) ** 0.5
        raise UnreadableImage(
            f"Tiles of {tile_m:g} m would be {count}; expected {MOST_TILES} at most.",
            hint=f"Give larger ones, such as --tile-m {least * 1.05:.2g}.",
        )


def read_tile(data: bytes, arguments: Arguments) -> Output:
    """Return one tile: how much of it is valid and green, the means of its bands, its picture.

    Args:
        data: JSON of its row and column in the grid.
        arguments: ``file``, ``tile`` (rows and columns of its pixels), ``bands``, ``entry``,
            ``size``, the side of the network's square, 0 for none, and ``parent``, the digest.
    """
    pixels, scale, place = _read(data, arguments)
    size = arguments["tile"]
    record: dict[str, Any] = {
        "valid": float(np.count_nonzero(pixels.valid) / (size[0] * size[1])),
        "crop": None,
        "means": means_of(pixels, scale),
        "status": TileStatus.LITTLE_VALID.value,
        "detail": "",
        "picture": None,
    }
    if record["valid"] < LEAST_VALID:
        return Output({}, record)
    clipped = clipped_share(pixels, scale)
    if clipped > MOST_CLIPPED:
        record |= {
            "status": TileStatus.UNREADABLE.value,
            "means": {},
            "detail": f"{clipped:.1%} of its values are no reflectance from 0 to 1.",
        }
        return Output({}, record)
    return _with_picture(pixels, scale, record, arguments, place)


def write_file(data: bytes, arguments: Arguments) -> Output:
    """Return one tile as a file, ``png``: the pixels of which ``read_tile`` makes the picture.

    Args:
        data: As ``read_tile``.
        arguments: As ``read_tile``; ``entry`` and ``size`` are not needed.
    """
    pixels, scale, place = _read(data, arguments)
    rgb = colours_of(pixels, scale, means_of(pixels, scale))
    return Output({"png": np.frombuffer(write_tile(rgb, place), np.uint8)})


def _read(data: bytes, arguments: Arguments) -> tuple[TilePixels, ValueScale, Tile]:
    row, column = json.loads(data)
    source = open_mosaic(arguments["file"])
    window = window_of(row, column, arguments["tile"], source.shape)
    pixels = read_window(source, window, arguments)
    place = Tile(arguments["parent"], int(window.row_off), int(window.col_off))
    return pixels, scale_of(source), place


def read_window(source: DatasetReader, window: Window, arguments: Arguments) -> TilePixels:
    """Return a window of a mosaic with its valid pixels.

    Raises:
        UnreadableImage: This part of the file cannot be read.
    """
    names = names_of(source, arguments)
    try:
        return read_pixels(source, window, names)
    except (RasterioError, CPLE_BaseError) as exc:
        raise UnreadableImage(
            "This part of the file is damaged or missing.", hint="Send the mosaic again, whole."
        ) from exc


def _with_picture(
    pixels: TilePixels, scale: ValueScale, record: dict[str, Any], arguments: Arguments, place: Tile
) -> Output:
    rgb = colours_of(pixels, scale, record["means"])
    record["crop"] = crop_share(rgb, pixels.valid)
    if record["crop"] < LEAST_CROP:
        return Output({}, {**record, "status": TileStatus.NO_CROP.value})
    record["status"] = TileStatus.MEASURED.value
    if not arguments["size"]:
        return Output({}, record)
    frame = Frame(rgb, 8, arguments["parent"], rgb.shape[:2], tile=place)
    prepared = prepare_frame(load(arguments["entry"]), frame, arguments["size"], None)
    return Output({"pixels": prepared.pixels}, {**record, "picture": record_of(prepared)})
