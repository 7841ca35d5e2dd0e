"""A survey as files: tiles and zones as GeoJSON (RFC 7946), and a summary."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from shapely.geometry import MultiPolygon, Polygon

from core.cli.output import finite
from core.files import replacing, write_atomic
from core.types import Disposition
from domains.crops.survey.journal import JUDGED
from domains.crops.survey.pictures import pictures_json
from domains.crops.survey.values import Survey, SurveyTile, TileVerdict, Zone

SCHEMA = "assay.survey/1"
TILES, ZONES, SUMMARY = "tiles.geojson", "zones.geojson", "survey.json"
PHOTOS, CAPTURES = "photos.geojson", "captures.geojson"
PICTURES = "pictures.json"
FILES = frozenset({TILES, ZONES, PHOTOS, CAPTURES, SUMMARY, PICTURES, JUDGED})

_DIGITS = 9  # a tenth of a millimetre

Json = dict[str, Any]


def write(survey: Survey, folder: Path) -> Json:
    """Return the summary of a survey, written into a folder with its tiles and zones.

    The summary is written last: where it is, the others are whole.

    Raises:
        OSError: A file cannot be written.
    """
    clear(folder)
    write_features(folder / TILES, (tile_feature(tile) for tile in survey.tiles))
    write_features(folder / ZONES, (zone_feature(zone) for zone in survey.zones))
    write_atomic(folder / PICTURES, pictures_json(survey.pictures))
    return write_summary(folder, summary_of(survey))


def clear(folder: Path) -> None:
    """Make the folder, and remove what an earlier survey left in it.

    Raises:
        OSError: A file cannot be removed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in (SUMMARY, *sorted(FILES)):
        (folder / name).unlink(missing_ok=True)


def write_summary(folder: Path, summary: Json) -> Json:
    """Return a summary that is written, which says that a survey is whole.

    Raises:
        OSError: The file cannot be written.
    """
    write_atomic(folder / SUMMARY, json.dumps(finite(summary), indent=1, ensure_ascii=False))
    return summary


def write_features(path: Path, features: Iterable[Json]) -> None:
    """Write a FeatureCollection, one feature a line, without keeping them all in memory.

    Raises:
        OSError: The file cannot be written.
    """
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write('{"type": "FeatureCollection", "features": [')
        for number, feature in enumerate(features):
            file.write(",\n" if number else "\n")
            json.dump(finite(feature), file, ensure_ascii=False)
        file.write("\n]}\n")


def tile_feature(tile: SurveyTile) -> Json:
    """Return a tile as a feature; ``is_hatched`` where no colour may stand for a verdict.

    ``case`` names the case of the store by which a person is asked about it.
    """
    verdict = tile.verdict
    properties = {
        "row": tile.row,
        "column": tile.column,
        "status": tile.status.value,
        **verdict_json(verdict),
        "message": (verdict.message if verdict else "")
        or f"{tile.status.sentence} {tile.detail}".strip(),
        "valid": tile.valid,
        "crop": tile.crop,
        "area_m2": tile.area_m2,
        "case": tile.case,
        **tile.indices,
    }
    return feature(f"{tile.row}-{tile.column}", polygon(tile.outline), properties)


def verdict_json(verdict: TileVerdict | None) -> Json:
    """Return a verdict as properties of a feature; each is there, empty, where there is none."""
    if verdict is None:
        return {
            "disposition": None,
            "wording": None,
            "label": None,
            "labels": {},
            "positive_probability": None,
            "reasons": [],
            "is_hatched": True,
        }
    return {
        "disposition": verdict.disposition.value,
        "wording": verdict.wording,
        "label": verdict.label,
        "labels": dict(verdict.labels),
        "positive_probability": verdict.positive_probability,
        "reasons": list(verdict.reasons),
        "is_hatched": is_hatched(verdict.disposition),
    }


def zone_feature(zone: Zone) -> Json:
    """Return a zone as a feature."""
    properties = {
        "zone": zone.number,
        "disposition": zone.disposition.value if zone.disposition else None,
        "is_hatched": is_hatched(zone.disposition),
        "tiles": len(zone.tiles),
        "positive": zone.positive,
        "uncertain": zone.uncertain,
        "share": zone.share,
        "lowest_share": zone.lowest_share,
        "highest_share": zone.highest_share,
        "area_m2": zone.area_m2,
        "certificate": zone.certificate,
    }
    return feature(zone.number, polygon(zone.outline), properties)


def is_hatched(disposition: Disposition | None) -> bool:
    """Return whether a place is to be hatched, not coloured: nothing is decided there."""
    return disposition not in (Disposition.NEGATIVE, Disposition.POSITIVE)


def summary_of(survey: Survey) -> Json:
    """Return what a survey found, with the counts of its tiles."""
    grid, (lon, lat) = survey.grid, survey.center
    dispositions = Counter(tile.disposition.value for tile in survey.tiles if tile.disposition)
    return {
        "schema": SCHEMA,
        "file": survey.name,
        "sha256": survey.sha256,
        "crs": survey.crs,
        "position_accuracy_m": survey.accuracy_m,
        "center": [lon - 360.0 if lon > 180.0 else lon, lat],
        "bands": list(survey.bands),
        "tile_m": grid.tile_m,
        "tile_pixels": [grid.height, grid.width],
        "pixel_m": list(grid.pixel_m),
        "grid": [grid.rows, grid.columns],
        "tiles": len(survey.tiles),
        "status": dict(Counter(tile.status.value for tile in survey.tiles)),
        "dispositions": {one.value: dispositions[one.value] for one in Disposition},
        "waiting": survey.waiting,
        "not_asked": survey.not_asked,
        "withdrawn": survey.withdrawn,
        "zones": len(survey.zones),
        "bundle": survey.bundle,
        "policy": survey.policy,
        "certificates": list(survey.certificates),
        "is_certified": survey.is_certified,
        "indices_refused": dict(survey.refused),
    }


def polygon(outline: Polygon | MultiPolygon) -> Json:
    """Return an area as a geometry."""
    parts = outline.geoms if isinstance(outline, MultiPolygon) else (outline,)
    rings = [list(_rings(part)) for part in parts]
    if isinstance(outline, Polygon):
        return {"type": "Polygon", "coordinates": rings[0]}
    return {"type": "MultiPolygon", "coordinates": rings}


def point(lon: float, lat: float) -> Json:
    """Return a position as a geometry."""
    return {"type": "Point", "coordinates": [round(lon, _DIGITS), round(lat, _DIGITS)]}


def feature(name: object, geometry: Json | None, properties: Mapping[str, Any]) -> Json:
    """Return a feature; without a geometry it is known and has no place (RFC 7946, 3.2)."""
    return {"type": "Feature", "id": name, "geometry": geometry, "properties": dict(properties)}


def _rings(part: Polygon) -> Iterator[list[list[float]]]:
    for ring in (part.exterior, *part.interiors):
        yield [[round(lon, _DIGITS), round(lat, _DIGITS)] for lon, lat in ring.coords]
