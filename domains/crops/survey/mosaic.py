"""A georeferenced mosaic, read tile by tile by a process that it may kill without harm."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked

from core.errors import DataError
from core.imaging.files import open_regular
from core.imaging.function_sandbox import FunctionSandbox, unparsed
from core.imaging.functions import Output
from core.imaging.reading import picture_of
from core.packs import entry_of
from core.settings import Settings
from core.types import Prepared, Tile, Unreadable
from domains.crops.survey.indices import indices_of
from domains.crops.survey.mosaic_reader import DESCRIBE, MOST_TILES, READ, WRITE
from domains.crops.survey.values import Grid, Position, SurveyTile, TileStatus

_PIECE = 4 * 1024**2
_STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)


@checked(frozen=True, config=_STRICT)
class _Described:
    """What the process says of a mosaic."""

    height: int
    width: int
    bands: tuple[str, ...]
    crs: str
    accuracy_m: float | None
    tile: tuple[int, int]
    pixel_m: tuple[float, float]
    pixel_area_m2: float
    is_reflectance: bool
    refused: dict[str, str]


@checked(frozen=True, config=_STRICT)
class _ReadTile:
    """What the process says of a tile."""

    valid: float
    crop: float | None
    means: dict[str, float]
    status: TileStatus
    detail: str
    picture: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class MosaicPart:
    """A tile without a verdict yet, and its picture where a network can look at it."""

    tile: SurveyTile
    picture: Prepared | None


class Mosaic:
    """An open mosaic; a context manager.

    Attributes:
        name: The file's name.
        sha256: Digest of its bytes.
        grid: How it is cut.
        bands: Names of its bands.
        crs: Its coordinate system as WKT 2.
        accuracy_m: Of the way from there to WGS 84; None where it is not known.
        refused: Indices that it cannot give, each with the reason.

    Args:
        path: A GeoTIFF.
        settings: Limits of the process that reads it.
        tile_m: Side of a tile on the ground, in metres.
        bands: Names of its bands in their order; empty for those that the file states.
        size: Side of the square that a network takes; 0 where none looks at it.

    Raises:
        DataError: It is no GeoTIFF that can be read in parts, has no place on Earth, or its bands
            or values are not known.
    """

    def __init__(
        self,
        path: Path,
        settings: Settings,
        *,
        tile_m: float,
        bands: tuple[str, ...] = (),
        size: int = 0,
    ) -> None:
        self.name = path.name
        self._settings, self._size, self._given = settings, size, bands
        self._opened = ExitStack()
        with ExitStack() as stack:
            self._file = open_mosaic_file(path)
            stack.callback(os.close, self._file)
            described, lon, lat = self._describe(path, tile_m)
            self.sha256 = _digest(self._file)
            self._opened = stack.pop_all()
        self._described = described
        self._lon, self._lat = lon, lat
        self.bands, self.crs = described.bands, described.crs
        self.accuracy_m, self.refused = described.accuracy_m, described.refused
        rows, columns = lon.shape[0] - 1, lon.shape[1] - 1
        self.grid = Grid(rows, columns, *described.tile, tile_m, described.pixel_m)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the file."""
        self._opened.close()

    def parts(self) -> Iterator[MosaicPart]:
        """Yield every tile row by row, those that a network can look at with their picture.

        Raises:
            ConfigError: The process that reads does not start.
        """
        grid = self.grid
        places = [(row, column) for row in range(grid.rows) for column in range(grid.columns)]
        with FunctionSandbox(
            READ,
            self._settings,
            unparsed,
            arguments={**self._arguments, "size": self._size},
            entry=entry_of("crops"),
            outbox_bytes=3 * self._size**2,
            file=self._file,
        ) as sandbox:
            outcomes = sandbox.map(json.dumps(place).encode() for place in places)
            for place, outcome in zip(places, outcomes, strict=True):
                yield self._part(place, outcome)

    def files(self, places: Sequence[tuple[int, int]]) -> Generator[bytes | Unreadable, None, None]:
        """Yield some tiles as files, whatever the process that reads makes of them.

        Args:
            places: Row and column of each.

        Raises:
            ConfigError: The process that reads does not start.
        """
        with FunctionSandbox(
            WRITE,
            self._settings,
            _file_of,
            arguments=self._arguments,
            outbox_bytes=4 * self.grid.height * self.grid.width + _PIECE,
            batch=1,
            file=self._file,
        ) as sandbox:
            yield from sandbox.map(json.dumps(place).encode() for place in places)

    @property
    def _arguments(self) -> dict[str, Any]:
        """What the process that reads takes of every tile."""
        return {
            "tile": [self.grid.height, self.grid.width],
            "bands": list(self._given),
            "parent": self.sha256,
        }

    def _describe(
        self, path: Path, tile_m: float
    ) -> tuple[_Described, NDArray[np.float64], NDArray[np.float64]]:
        with FunctionSandbox(
            DESCRIBE,
            self._settings,
            unparsed,
            arguments={"tile_m": tile_m, "bands": list(self._given)},
            outbox_bytes=2 * 8 * 4 * MOST_TILES,
            file=self._file,
        ) as sandbox:
            outcome = sandbox.call(b"")
        if isinstance(outcome, Unreadable):
            raise DataError(f"{path}: {outcome.message}")
        try:
            described = TypeAdapter(_Described).validate_python(outcome.record)
            lon, lat = outcome.arrays["lon"], outcome.arrays["lat"]
            _check_corners(described, lon, lat)
        except (ValidationError, KeyError, ValueError) as exc:
            raise DataError(
                f"{path}: the process that reads it answered nonsense.",
                hint="Send the orthomosaic as GeoTIFF, whole.",
            ) from exc
        return described, lon, lat

    def _part(self, place: tuple[int, int], outcome: Output | Unreadable) -> MosaicPart:
        if isinstance(outcome, Unreadable):
            return MosaicPart(self._tile(place, _unread(outcome.message)), None)
        try:
            read = TypeAdapter(_ReadTile).validate_python(outcome.record)
            picture = self._picture(outcome, read)
        except (ValidationError, ValueError):
            nonsense = _unread("The process that reads it answered nonsense.")
            return MosaicPart(self._tile(place, nonsense), None)
        return MosaicPart(self._tile(place, read), picture)

    def _picture(self, outcome: Output, read: _ReadTile) -> Prepared | None:
        if read.picture is None:
            return None
        made = picture_of(Output(outcome.arrays, read.picture), self._size, self.sha256)
        return made if isinstance(made, Prepared) else None

    def _tile(self, place: tuple[int, int], read: _ReadTile) -> SurveyTile:
        (row, column), grid, made = place, self.grid, self._described
        top, left = row * grid.height, column * grid.width
        height, width = min(grid.height, made.height - top), min(grid.width, made.width - left)
        return SurveyTile(
            row=row,
            column=column,
            place=Tile(self.sha256, top, left),
            height=height,
            width=width,
            ring=self._ring(row, column),
            area_m2=height * width * made.pixel_area_m2,
            status=read.status,
            valid=read.valid,
            crop=read.crop,
            indices=indices_of(read.means, is_reflectance=made.is_reflectance),
            detail=read.detail,
        )

    def _ring(self, row: int, column: int) -> tuple[Position, ...]:
        corners = ((row, column), (row + 1, column), (row + 1, column + 1), (row, column + 1))
        return tuple((float(self._lon[at]), float(self._lat[at])) for at in corners)


def _file_of(output: Output, _sha256: str) -> bytes:
    png = output.arrays.get("png")
    if png is None or png.dtype != np.uint8:
        raise ValueError("png: expected bytes")
    return png.tobytes()


def _unread(message: str) -> _ReadTile:
    return _ReadTile(0.0, None, {}, TileStatus.UNREADABLE, message, None)


def open_mosaic_file(path: Path) -> int:
    """Return the descriptor of a file that is open for reading.

    Raises:
        DataError: It cannot be read, or is no plain file.
    """
    try:
        return open_regular(path)
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else str(exc)
        raise DataError(
            f"{path} cannot be read: {reason}.".replace("..", "."), hint="Name a GeoTIFF file."
        ) from exc


def _digest(descriptor: int) -> str:
    digest, at = hashlib.sha256(), 0
    while piece := os.pread(descriptor, _PIECE, at):
        digest.update(piece)
        at += len(piece)
    return digest.hexdigest()


def _check_corners(made: _Described, lon: NDArray[Any], lat: NDArray[Any]) -> None:
    """Refuse an answer that does not fit itself."""
    sides = zip((made.height, made.width), made.tile, strict=True)
    expected = tuple(-(-whole // side) + 1 for whole, side in sides if side > 0)
    for axis in (lon, lat):
        if axis.shape != expected or axis.dtype != np.float64 or not np.isfinite(axis).all():
            raise ValueError(f"corners: expected {expected}, got {axis.dtype} {axis.shape}")
