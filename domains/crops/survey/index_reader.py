"""Vegetation indices of each pixel of a mosaic, in the sandbox."""

from __future__ import annotations

import json

import numpy as np
from rasterio.windows import Window

from core.imaging.functions import Arguments, Output
from domains.crops.survey.georeference import georeference_of
from domains.crops.survey.indices import INDICES, refused
from domains.crops.survey.mosaic_reader import names_of, open_mosaic, read_window
from domains.crops.survey.pixels import scale_of, scaled_bands

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
        ``maps``, float32 ``n h w``, NaN where a pixel has no value.
    """
    row, column, height, width = json.loads(data)
    source = open_mosaic(arguments["file"])
    pixels = read_window(source, Window(column, row, width, height), names_of(source, arguments))
    bands = scaled_bands(pixels, scale_of(source))
    wanted = [one for one in INDICES if one.name in arguments["indices"]]
    maps = np.stack([one.of_pixels(bands) for one in wanted]).astype(np.float32)
    if source.transform.determinant > 0:  # read_pixels turned it over
        maps = maps[:, ::-1]
    return Output({"maps": np.ascontiguousarray(maps)}, {})
