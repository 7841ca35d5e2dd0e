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
from domains.crops.survey.values import Survey, SurveyTile, Zone

SCHEMA = "assay.survey/1"
TILES, ZONES, SUMMARY = "tiles.geojson", "zones.geojson", "survey.json"
FILES = frozenset({TILES, ZONES, SUMMARY})

_DIGITS = 9  # a tenth of a millimetre

Json = dict[str, Any]


def write(survey: Survey, folder: Path) -> Json:
    """Return the summary of a survey, written into a folder with its tiles and zones.

    The summary is written last: where it is, the others are whole.

    Raises:
        OSError: A file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SUMMARY).unlink(missing_ok=True)
    write_features(folder / TILES, (tile_feature(tile) for tile in survey.tiles))
    write_features(folder / ZONES, (zone_feature(zone) for zone in survey.zones))
    summary = summary_of(survey)
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
    """Return a tile as a feature; ``is_hatched`` where no colour may stand for a verdict."""
    verdict = tile.verdict
    judged: Json = {"disposition": None, "wording": None, "label": None, "labels": {}}
    if verdict is not None:
        judged = {
            "disposition": verdict.disposition.value,
            "wording": verdict.wording,
            "label": verdict.label,
            "labels": dict(verdict.labels),
        }
    properties = {
        "row": tile.row,
        "column": tile.column,
        "status": tile.status.value,
        **judged,
        "positive_probability": verdict.positive_probability if verdict else None,
        "reasons": list(verdict.reasons) if verdict else [],
        "message": (verdict.message if verdict else "")
        or f"{tile.status.sentence} {tile.detail}".strip(),
        "is_hatched": is_hatched(tile.disposition),
        "valid": tile.valid,
        "crop": tile.crop,
        "area_m2": tile.area_m2,
        **tile.indices,
    }
    return _feature(f"{tile.row}-{tile.column}", tile.outline, properties)


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
    return _feature(zone.number, zone.outline, properties)


def is_hatched(disposition: Disposition | None) -> bool:
    """Return whether a place is to be hatched, not coloured: nothing is decided there."""
    return disposition not in (Disposition.NEGATIVE, Disposition.POSITIVE)


def summary_of(survey: Survey) -> Json:
    """Return what a survey found, with the counts of its tiles."""
    grid = survey.grid
    dispositions = Counter(tile.disposition.value for tile in survey.tiles if tile.disposition)
    return {
        "schema": SCHEMA,
        "file": survey.name,
        "sha256": survey.sha256,
        "crs": survey.crs,
        "position_accuracy_m": survey.accuracy_m,
        "center": list(survey.center),
        "bands": list(survey.bands),
        "tile_m": grid.tile_m,
        "tile_pixels": [grid.height, grid.width],
        "pixel_m": list(grid.pixel_m),
        "grid": [grid.rows, grid.columns],
        "tiles": len(survey.tiles),
        "status": dict(Counter(tile.status.value for tile in survey.tiles)),
        "dispositions": {one.value: dispositions[one.value] for one in Disposition},
        "zones": len(survey.zones),
        "bundle": survey.bundle,
        "policy": survey.policy,
        "certificates": list(survey.certificates),
        "is_certified": survey.is_certified,
        "indices_refused": dict(survey.refused),
    }


def _feature(name: object, outline: Polygon | MultiPolygon, properties: Mapping[str, Any]) -> Json:
    parts = outline.geoms if isinstance(outline, MultiPolygon) else (outline,)
    rings = [list(_rings(part)) for part in parts]
    is_one = isinstance(outline, Polygon)
    geometry = {
        "type": "Polygon" if is_one else "MultiPolygon",
        "coordinates": rings[0] if is_one else rings,
    }
    return {"type": "Feature", "id": name, "geometry": geometry, "properties": dict(properties)}


def _rings(part: Polygon) -> Iterator[list[list[float]]]:
    for ring in (part.exterior, *part.interiors):
        yield [[round(lon, _DIGITS), round(lat, _DIGITS)] for lon, lat in ring.coords]
