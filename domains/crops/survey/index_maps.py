"""The use case: a mosaic in, a GeoTIFF and a picture of each vegetation index out.

The mosaic is read window by window by a process that it may kill without harm; what comes back is
written at once, so that the memory does not grow with the mosaic.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked
from rasterio.io import DatasetWriter
from rasterio.transform import Affine
from rasterio.windows import Window

from core.errors import ConfigError, DataError
from core.files import replacing, write_atomic
from core.imaging.function_sandbox import FunctionSandbox, unparsed
from core.imaging.functions import Output
from core.service.progress import Progress, silent
from core.settings import Settings
from core.types import F32, Unreadable
from domains.crops.locale import N_
from domains.crops.survey.index_picture import draw_index
from domains.crops.survey.index_reader import DESCRIBE, READ
from domains.crops.survey.indices import INDICES, Index
from domains.crops.survey.mosaic import open_mosaic_file

STEP = N_("Mapping indices")
_ROWS, _COLUMNS, _BLOCK = 512, 2048, 512
_PICTURE_SIDE = 1024
_MOST_PIXELS = 4_000_000_000
"""A sparse file of a few bytes may state any size, and each of its pixels would be written."""
_HINT = "Send the orthomosaic as GeoTIFF, whole."


@checked(frozen=True, config=ConfigDict(extra="forbid", allow_inf_nan=False))
class _DescribedMosaic:
    """What the process says of a mosaic."""

    height: int
    width: int
    crs: str
    transform: tuple[float, float, float, float, float, float]
    refused: dict[str, str]


@dataclass(frozen=True, slots=True)
class IndexMaps:
    """What was written.

    Attributes:
        files: The GeoTIFFs and the pictures.
        refused: Indices that the mosaic cannot give, each with the reason.
        valid: Share of the pixels that have a value, by index.
        unread: Share of the pixels that lie in damaged parts of the file.
    """

    files: tuple[Path, ...]
    refused: Mapping[str, str]
    valid: Mapping[str, float]
    unread: float


def write_index_maps(
    source: Path,
    out: Path,
    settings: Settings,
    *,
    wanted: Sequence[str] = (),
    bands: tuple[str, ...] = (),
    progress: Progress = silent,
) -> IndexMaps:
    """Return the maps of a mosaic's indices, once they are written.

    Args:
        source: A georeferenced GeoTIFF.
        out: Folder to write ``NAME.tif`` and ``NAME.png`` of each index into.
        settings: Limits of the process that reads it.
        wanted: Names of indices; all that the mosaic gives where empty.
        bands: Names of its bands in their order; empty for those that the file states.
        progress: Called for each window; what it raises ends the work.

    Raises:
        ConfigError: An index is not known.
        DataError: The mosaic cannot be read, or cannot give an index that is wanted.
        OSError: A file cannot be written.
    """
    if unknown := set(wanted) - {one.name for one in INDICES}:
        raise ConfigError(
            f"No index is called {', '.join(sorted(unknown))}.",
            hint=f"Indices: {', '.join(one.name for one in INDICES)}.",
        )
    with ExitStack() as stack:
        file = open_mosaic_file(source)
        stack.callback(os.close, file)
        described = _describe(source, file, bands, settings)
        indices = _given(source, described, wanted)
        out.mkdir(parents=True, exist_ok=True)
        return _write(file, described, indices, out, bands, settings, progress)


def _describe(path: Path, file: int, bands: Sequence[str], settings: Settings) -> _DescribedMosaic:
    arguments = {"bands": list(bands)}
    with FunctionSandbox(DESCRIBE, settings, unparsed, arguments=arguments, file=file) as sandbox:
        outcome = sandbox.call(b"")
    if isinstance(outcome, Unreadable):
        raise DataError(f"{path}: {outcome.message}")
    try:
        described = TypeAdapter(_DescribedMosaic).validate_python(outcome.record)
    except ValidationError as exc:
        raise DataError(
            f"{path}: the process that reads it answered nonsense.", hint=_HINT
        ) from exc
    if not 0 < described.height * described.width <= _MOST_PIXELS:
        raise DataError(
            f"{path} has {described.width:,} x {described.height:,} pixels; expected "
            f"{_MOST_PIXELS:,} at most.",
            hint="Cut it into fields, such as with gdal_translate -srcwin.",
        )
    return described


def _given(path: Path, described: _DescribedMosaic, wanted: Sequence[str]) -> list[Index]:
    given = [one for one in INDICES if one.name not in described.refused]
    for name in wanted:
        if name in described.refused:
            raise DataError(
                f"{path} gives no {name}: {described.refused[name]}",
                hint="Leave --index out for all that it gives.",
            )
    return [one for one in given if one.name in wanted or not wanted]


def _write(
    file: int,
    described: _DescribedMosaic,
    indices: Sequence[Index],
    out: Path,
    bands: Sequence[str],
    settings: Settings,
    progress: Progress,
) -> IndexMaps:
    step = max(1, -(-max(described.height, described.width) // _PICTURE_SIDE))
    shape = -(-described.height // step), -(-described.width // step)
    pictures = np.full((len(indices), *shape), np.nan, np.float32)
    valid, unread = np.zeros(len(indices), np.int64), 0
    with ExitStack() as stack:
        paths = [stack.enter_context(replacing(out / f"{one.name}.tif")) for one in indices]
        writers = [stack.enter_context(_open(path, described)) for path in paths]
        for window, maps, damaged in _windows(file, described, indices, bands, settings, progress):
            unread += damaged
            for writer, values in zip(writers, maps, strict=True):
                writer.write(values, 1, window=window)
            valid += np.isfinite(maps).sum((1, 2))
            _sample(pictures, maps, window, step)
    files = []
    for one, values in zip(indices, pictures, strict=True):
        write_atomic(out / f"{one.name}.png", draw_index(values, one))
        files += [out / f"{one.name}.tif", out / f"{one.name}.png"]
    count = described.height * described.width
    shares = valid / count
    named = zip((one.name for one in indices), shares.tolist(), strict=True)
    return IndexMaps(tuple(files), described.refused, dict(named), unread / count)


def _open(path: Path, described: _DescribedMosaic) -> DatasetWriter:
    return rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=1,
        height=described.height,
        width=described.width,
        dtype="float32",
        nodata=float("nan"),
        crs=rasterio.CRS.from_wkt(described.crs),
        transform=Affine(*described.transform),
        tiled=True,
        blockxsize=_BLOCK,
        blockysize=_BLOCK,
        compress="deflate",
        predictor=3,
        BIGTIFF="IF_SAFER",
    )


def _windows(
    file: int,
    described: _DescribedMosaic,
    indices: Sequence[Index],
    bands: Sequence[str],
    settings: Settings,
    progress: Progress,
) -> Iterator[tuple[Window, F32, int]]:
    """Yield the indices of every window, float32 ``n h w``, and how many pixels were not read."""
    places = [
        (row, column, min(_ROWS, described.height - row), min(_COLUMNS, described.width - column))
        for row in range(0, described.height, _ROWS)
        for column in range(0, described.width, _COLUMNS)
    ]
    arguments = {"bands": list(bands), "indices": [one.name for one in indices]}
    with FunctionSandbox(
        READ,
        settings,
        unparsed,
        arguments=arguments,
        outbox_bytes=4 * len(indices) * _ROWS * _COLUMNS,
        batch=1,
        file=file,
    ) as sandbox:
        outcomes = sandbox.map(json.dumps(place).encode() for place in places)
        progress(STEP, 0, len(places))
        for done, (place, outcome) in enumerate(zip(places, outcomes, strict=True), 1):
            row, column, height, width = place
            maps, unread = _maps(outcome, (len(indices), height, width))
            yield Window(column, row, width, height), maps, unread
            progress(STEP, done, len(places))


def _maps(outcome: Output | Unreadable, shape: tuple[int, int, int]) -> tuple[F32, int]:
    """Return what the process made of a window, nothing of one at which it ended."""
    if isinstance(outcome, Unreadable):
        return np.full(shape, np.nan, np.float32), shape[1] * shape[2]
    maps: Any = outcome.arrays.get("maps")
    unread = outcome.record.get("unread")
    if maps is None or maps.shape != shape or maps.dtype != np.float32 or type(unread) is not int:
        raise DataError("The process that reads the mosaic answered nonsense.", hint=_HINT)
    return np.asarray(maps, np.float32), unread


def _sample(pictures: F32, maps: F32, window: Window, step: int) -> None:
    """Put every ``step``-th pixel of a window into the pictures."""
    rows, columns = -(-window.row_off // step), -(-window.col_off // step)
    taken = maps[:, rows * step - window.row_off :: step, columns * step - window.col_off :: step]
    height, width = taken.shape[1:]
    pictures[:, rows : rows + height, columns : columns + width] = taken
