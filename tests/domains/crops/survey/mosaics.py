"""Small mosaics of every kind, and what the reading process says of them, called in this one."""

import json
import os
from contextlib import contextmanager

import numpy as np
import rasterio
from rasterio.enums import ColorInterp
from rasterio.transform import Affine

from domains.crops.survey import mosaic_reader


def from_origin(west, north, across, down):
    """Give the way from pixels to coordinates (rasterio's own warns of its library's changes)."""
    return Affine(across, 0.0, west, 0.0, -down, north)


UTM = "EPSG:32633"
GREEN = (60, 140, 40)
COLOURS = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
AT_UTM = from_origin(500_000.0, 5_800_000.0, 0.05, 0.05)


def filled(shape, colour=GREEN, kind=np.uint8):
    """Give a picture of one colour, ``b h w``."""
    return np.array(colour, kind)[:, None, None].repeat(shape[0], 1).repeat(shape[1], 2)


def write(path, pixels, *, crs=UTM, transform=AT_UTM, colours=COLOURS, tags=None, **creation):
    """Write ``b h w`` as a GeoTIFF of tiles of 64 pixels."""
    blocks = {"tiled": True, "blockxsize": 64, "blockysize": 64}
    placed = {} if transform is None else {"transform": transform}
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=pixels.shape[0],
        height=pixels.shape[1],
        width=pixels.shape[2],
        dtype=pixels.dtype,
        crs=crs,
        **placed,
        **{**blocks, **creation},
    ) as file:
        file.write(pixels)
        if colours:
            file.colorinterp = colours
        file.update_tags(**(tags or {}))
    return path


@contextmanager
def opened(path):
    """Open a file as the reading process does."""
    mosaic_reader.open_mosaic.cache_clear()
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        mosaic_reader.open_mosaic.cache_clear()
        os.close(descriptor)


def describe(path, tile_m=3.2, bands=()):
    """Give record, longitudes and latitudes of a mosaic."""
    with opened(path) as file:
        made = mosaic_reader.describe(b"", {"file": file, "tile_m": tile_m, "bands": bands})
    return made.record, made.arrays["lon"], made.arrays["lat"]


def read(path, place=(0, 0), size=(64, 64), square=64, bands=()):
    """Give one tile of a mosaic as the process reads it."""
    arguments = {
        "tile": size,
        "bands": bands,
        "size": square,
        "parent": "ab" * 32,
        "entry": "domains.crops:pack",
    }
    with opened(path) as file:
        return mosaic_reader.read_tile(json.dumps(place).encode(), {**arguments, "file": file})
