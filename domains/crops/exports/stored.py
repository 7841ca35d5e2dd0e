"""A survey out of the files that it was written into."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from shapely import affinity
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from core.errors import DataError
from core.types import Disposition, Tile
from domains.crops.survey.geojson import PICTURES, SCHEMA, SUMMARY, TILES, ZONES
from domains.crops.survey.pictures import read_pictures
from domains.crops.survey.values import (
    Grid,
    Position,
    Survey,
    SurveyTile,
    TileStatus,
    TileVerdict,
    Zone,
)

_MAX_BYTES = 1 << 30
_SNAP = 1e-9
_NO_INDEX = frozenset(
    {"row", "column", "status", "disposition", "wording", "label", "labels", "reasons", "message"}
    | {"positive_probability", "is_hatched", "valid", "crop", "area_m2", "case"}
)

Json = dict[str, Any]


def read_survey(folder: Path) -> Survey:
    """Return the survey that ``assay crops survey`` wrote into a folder.

    Raises:
        DataError: The folder holds none, or one that was altered beyond reading.
    """
    try:
        summary = read_summary(folder)
        grid = _grid(summary)
        sha256 = str(summary["sha256"])
        tiles = tuple(_tile(one, grid, sha256) for one in _load(folder / TILES)["features"])
        zones = _zones(_load(folder / ZONES)["features"], tiles)
        pictures = read_pictures((folder / PICTURES).read_text(encoding="utf-8"))
        return replace(_survey(summary, grid, tiles, zones), pictures=pictures)
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as exc:
        raise DataError(
            f"{folder} holds no survey that can be read: {type(exc).__name__}: {exc}",
            hint="Name the folder that `assay crops survey` wrote.",
        ) from exc


def read_summary(folder: Path) -> Json:
    """Return the summary that ``assay crops survey`` wrote into a folder.

    Raises:
        DataError: The folder holds none, or one of another version.
    """
    try:
        summary = _load(folder / SUMMARY)
        schema = summary["schema"]
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise DataError(
            f"{folder} holds no survey that can be read: {type(exc).__name__}: {exc}",
            hint="Name the folder that `assay crops survey` wrote.",
        ) from exc
    if schema != SCHEMA:
        raise DataError(
            f"{folder / SUMMARY} has the schema {schema!r}, expected {SCHEMA!r}.",
            hint="Survey the field again with this version.",
        )
    return summary


def _load(path: Path) -> Json:
    if path.stat().st_size > _MAX_BYTES:
        raise ValueError(f"{path.name} is larger than a survey's file")
    loaded = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(loaded, dict):
        raise TypeError(f"{path.name} holds no object")
    return loaded


def _grid(summary: Json) -> Grid:
    rows, columns = map(int, summary["grid"])
    height, width = map(int, summary["tile_pixels"])
    down, across = map(float, summary["pixel_m"])
    return Grid(rows, columns, height, width, float(summary["tile_m"]), (down, across))


def _survey(
    summary: Json, grid: Grid, tiles: tuple[SurveyTile, ...], zones: tuple[Zone, ...]
) -> Survey:
    return Survey(
        name=str(summary["file"]),
        sha256=str(summary["sha256"]),
        crs=str(summary["crs"]),
        accuracy_m=summary["position_accuracy_m"],
        bands=tuple(map(str, summary["bands"])),
        grid=grid,
        tiles=tiles,
        zones=zones,
        bundle=str(summary["bundle"]),
        policy=str(summary["policy"]),
        certificates=tuple(map(str, summary["certificates"])),
        is_certified=summary["is_certified"] is True,
        refused={str(key): str(value) for key, value in summary["indices_refused"].items()},
        waiting=int(summary.get("waiting", 0)),
        not_asked=int(summary.get("not_asked", 0)),
        withdrawn=int(summary.get("withdrawn", 0)),
    )


def _tile(feature: Json, grid: Grid, sha256: str) -> SurveyTile:
    known = feature["properties"]
    row, column = int(known["row"]), int(known["column"])
    return SurveyTile(
        row=row,
        column=column,
        place=Tile(sha256, row * grid.height, column * grid.width),
        height=grid.height,
        width=grid.width,
        ring=_ring(shape(feature["geometry"])),
        area_m2=float(known["area_m2"]),
        status=TileStatus(known["status"]),
        valid=float(known["valid"]),
        crop=known["crop"],
        indices={
            key: float(value)
            for key, value in known.items()
            if key not in _NO_INDEX and value is not None
        },
        verdict=_verdict(known),
        detail="" if known["disposition"] else str(known["message"]),
        case=str(known.get("case", "")),
    )


def _verdict(known: Json) -> TileVerdict | None:
    if known["disposition"] is None:
        return None
    message = str(known["message"])
    return TileVerdict(
        disposition=Disposition(known["disposition"]),
        wording=str(known["wording"]),
        label=str(known["label"]),
        labels=tuple((str(name), float(value)) for name, value in known["labels"].items()),
        positive_probability=known["positive_probability"],
        reasons=tuple(map(str, known["reasons"])),
        # The file says what the status means where the verdict had nothing to add.
        message="" if message == TileStatus(known["status"]).sentence else message,
    )


def _zones(features: Sequence[Json], tiles: Sequence[SurveyTile]) -> tuple[Zone, ...]:
    middles = shapely.point_on_surface(np.array([tile.outline for tile in tiles], object))
    tree = shapely.STRtree(middles)
    return tuple(_zone(feature, tree) for feature in features)


def _zone(feature: Json, tree: shapely.STRtree) -> Zone:
    known, outline = feature["properties"], shape(feature["geometry"])
    called = known["disposition"]
    return Zone(
        number=int(known["zone"]),
        disposition=Disposition(called) if called else None,
        tiles=tuple(sorted(tree.query(outline, predicate="contains").tolist())),
        area=_joined(outline),
        area_m2=float(known["area_m2"]),
        positive=int(known["positive"]),
        uncertain=int(known["uncertain"]),
        certificate=str(known["certificate"]),
    )


def _ring(outline: BaseGeometry) -> tuple[Position, ...]:
    corners = shapely.get_coordinates(_joined(outline).exterior)[:-1]
    return tuple((float(lon), float(lat)) for lon, lat in corners)


def _joined(outline: BaseGeometry) -> Any:  # noqa: ANN401
    """Return what was cut at the antimeridian in one, running on beyond 180 degrees."""
    west, _, east, _ = outline.bounds
    if east - west <= 180:
        return outline
    parts = [
        affinity.translate(part, xoff=360 if part.bounds[2] < 0 else 0)
        for part in shapely.get_parts(outline).tolist()
    ]
    return shapely.union_all(parts, grid_size=_SNAP)
