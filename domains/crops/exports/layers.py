"""Tiles and zones of a survey as tables with a shape in each row, for maps and spreadsheets."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from io import StringIO
from pathlib import Path

import numpy as np
import pyogrio
import shapely
from shapely.geometry import MultiPolygon, Point, Polygon
from shapely.geometry.base import BaseGeometry

from core.spreadsheet import escape_formula
from domains.crops.survey.values import PersonAnswer, Survey, SurveyTile, Zone

_COARSE_DIGITS = 2  # about a kilometre
_FINE_DIGITS = 7  # about a centimetre
_MAX_DBF_TEXT = 254
_DBF_NAMES = {"probability": "PROB", "certificate": "CERTIFIED", "lowest_share": "LOW_SHARE"}
_DBF_NAMES |= {"highest_share": "HIGH_SHARE", "answered_by": "ANSWER_BY"}

Value = str | int | float | None


class Positions(StrEnum):
    """How much of its places an export states."""

    EXACT = "exact"
    COARSE = "coarse"
    NONE = "none"


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """Rows with a shape each.

    Attributes:
        name: What they are.
        rows: The values by column; all rows have the same columns.
        shapes: One a row, longitude and latitude, None for one without a place; None where
            positions are left out.
    """

    name: str
    rows: tuple[Mapping[str, Value], ...]
    shapes: tuple[BaseGeometry | None, ...] | None

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self.rows[0]) if self.rows else ()


def tile_layer(survey: Survey, positions: Positions) -> Layer:
    """Return the tiles of a survey, one a row."""
    names = sorted({name for tile in survey.tiles for name in tile.indices})
    rows = tuple(_tile_row(tile, names) for tile in survey.tiles)
    return Layer("tiles", rows, shapes_of([tile.outline for tile in survey.tiles], positions))


def zone_layer(survey: Survey, positions: Positions) -> Layer:
    """Return the zones of a survey, one a row, the one to walk to first before the others."""
    rows = tuple(_zone_row(zone) for zone in survey.zones)
    return Layer("zones", rows, shapes_of([zone.outline for zone in survey.zones], positions))


def _tile_row(tile: SurveyTile, indices: Sequence[str]) -> Mapping[str, Value]:
    verdict = tile.verdict
    return {
        "row": tile.row,
        "column": tile.column,
        "status": tile.status.value,
        "verdict": verdict.wording if verdict else "",
        "label": verdict.label if verdict else "",
        "probability": verdict.positive_probability if verdict else None,
        "reasons": " ".join(verdict.reasons) if verdict else "",
        "message": verdict.message if verdict else tile.status.sentence,
        **answer_columns(tile.answer),
        "area_m2": round(tile.area_m2, 2),
        "valid": tile.valid,
        "crop": tile.crop,
        **{name: tile.indices.get(name) for name in indices},
    }


def answer_columns(answer: PersonAnswer | None) -> Mapping[str, Value]:
    """Return what a person called it and who, beside the verdict; empty while nobody has."""
    return {"answer": answer.wording if answer else "", "answered_by": answer.by if answer else ""}


def _zone_row(zone: Zone) -> Mapping[str, Value]:
    return {
        "zone": zone.number,
        "verdict": zone.disposition.value if zone.disposition else "",
        "tiles": len(zone.tiles),
        "positive": zone.positive,
        "uncertain": zone.uncertain,
        "answered": zone.answered,
        "lowest_share": zone.lowest_share,
        "highest_share": zone.highest_share,
        "area_m2": round(zone.area_m2, 2),
        "certificate": zone.certificate,
    }


def shapes_of(
    outlines: Sequence[BaseGeometry | None], positions: Positions
) -> tuple[BaseGeometry | None, ...] | None:
    """Return outlines as they are written: themselves, points to about a kilometre, or none."""
    if positions is Positions.NONE:
        return None
    if positions is Positions.EXACT:
        return tuple(outlines)
    return tuple(
        Point(*(round(middle, _COARSE_DIGITS) for middle in place)) if place else None
        for place in map(_middle, outlines)
    )


def _middle(outline: BaseGeometry | None) -> tuple[float, float] | None:
    if outline is None:
        return None
    inside = outline.representative_point()
    return inside.x, inside.y


def write_csv(layer: Layer) -> bytes:
    """Return a layer as CSV (RFC 4180) with a byte order mark, which spreadsheets look for.

    Longitude and latitude are the last two columns where positions are written.
    """
    text = StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    places = _places(layer)
    writer.writerow([*layer.columns, *(("longitude", "latitude") if places else ())])
    for number, row in enumerate(layer.rows):
        cells = [_cell(value) for value in row.values()]
        writer.writerow([*cells, *(places[number] if places else ())])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _places(layer: Layer) -> list[tuple[str, str]]:
    return [
        (f"{place[0]:.{_FINE_DIGITS}f}", f"{place[1]:.{_FINE_DIGITS}f}") if place else ("", "")
        for place in map(_middle, layer.shapes or ())
    ]


def _cell(value: Value) -> Value:
    return escape_formula(" ".join(value.split())) if isinstance(value, str) else value


def write_geopackage(layers: Sequence[Layer]) -> bytes:
    """Return layers as one GeoPackage (OGC 12-128)."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "survey.gpkg")
        for layer in (one for one in layers if one.rows):
            _write(layer, path, "GPKG", {name: name for name in layer.columns})
        return path.read_bytes()


def write_geojson(layer: Layer) -> bytes:
    """Return a layer as GeoJSON (RFC 7946)."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"{layer.name}.geojson")
        _write(layer, path, "GeoJSON", {name: name for name in layer.columns}, RFC7946="YES")
        return path.read_bytes()


def write_shapefiles(layers: Sequence[Layer]) -> Mapping[str, bytes]:
    """Return layers as shapefiles, by name of the file; a text has at most 254 bytes there."""
    files: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory() as folder:
        for layer in (one for one in layers if one.rows):
            path = Path(folder, f"{layer.name}.shp")
            _write(layer, path, "ESRI Shapefile", {name: _dbf(name) for name in layer.columns})
        for path in sorted(Path(folder).iterdir()):
            files[path.name] = path.read_bytes()
    return files


def _dbf(name: str) -> str:
    return _DBF_NAMES.get(name, name[:10].upper())


def _write(layer: Layer, path: Path, driver: str, names: Mapping[str, str], **options: str) -> None:
    is_short = driver == "ESRI Shapefile"
    columns = [_array([row[name] for row in layer.rows], is_short) for name in layer.columns]
    shapes: Sequence[BaseGeometry | None] = layer.shapes or [None] * len(layer.rows)
    kind = _geometry_type(shapes)
    pyogrio.raw.write(
        str(path),
        shapely.to_wkb(np.array([_as_kind(shape, kind) for shape in shapes], object)),
        columns,
        [names[name] for name in layer.columns],
        layer=layer.name,
        driver=driver,
        # A shapefile's polygon may have several parts; it knows no other kind for them.
        geometry_type=kind.removeprefix("Multi") if is_short else kind,
        crs="EPSG:4326",
        encoding="UTF-8",
        **options,
    )


def _geometry_type(shapes: Sequence[BaseGeometry | None]) -> str:
    kinds = {shape.geom_type for shape in shapes if shape is not None}
    if len(kinds) > 1:
        return "MultiPolygon"
    return kinds.pop() if kinds else "Unknown"


def _as_kind(shape: BaseGeometry | None, kind: str) -> BaseGeometry | None:
    if kind == "MultiPolygon" and isinstance(shape, Polygon):
        return MultiPolygon([shape])
    return shape


def _array(values: Sequence[Value], is_short: bool) -> np.ndarray:
    if all(isinstance(value, str) for value in values):
        texts = [_cut(str(value)) if is_short else str(value) for value in values]
        return np.array(texts, object)
    if all(isinstance(value, int) for value in values):
        return np.array(values, np.int64)
    return np.array([np.nan if value is None else value for value in values], np.float64)


def _cut(text: str) -> str:
    return text.encode()[:_MAX_DBF_TEXT].decode(errors="ignore")
