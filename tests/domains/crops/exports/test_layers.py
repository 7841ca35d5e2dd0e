"""Files for maps and spreadsheets, read by GDAL, by the standard library and by hand."""

import csv
import json
import sqlite3
from dataclasses import replace
from io import BytesIO, StringIO
from pathlib import Path
from zipfile import ZipFile

import pyogrio
import pytest
import shapely

from core.errors import ConfigError, DataError
from core.types import Disposition
from domains.crops.exports.layers import (
    Positions,
    tile_layer,
    write_csv,
    write_geojson,
    write_geopackage,
    write_shapefiles,
    zone_layer,
)
from domains.crops.exports.stored import read_survey
from domains.crops.exports.write import FORMATS, SurveyExport, export_survey
from domains.crops.survey import geojson
from tests.domains.crops.exports.fields import a_survey

ACT, OK, LOOK = Disposition.POSITIVE, Disposition.NEGATIVE, Disposition.DEFER
FIELD = [[ACT, ACT, OK], [ACT, LOOK, OK], [OK, None, OK]]


def table_of(layer):
    return list(csv.DictReader(StringIO(write_csv(layer).decode("utf-8-sig"))))


@pytest.fixture
def stored(tmp_path):
    geojson.write(a_survey(FIELD), tmp_path / "survey")
    return tmp_path / "survey"


def test_a_survey_out_of_its_files_is_the_one_that_was_written(stored):
    made, found = a_survey(FIELD), read_survey(stored)
    assert [tile.disposition for tile in found.tiles] == [tile.disposition for tile in made.tiles]
    assert [tile.area_m2 for tile in found.tiles] == [tile.area_m2 for tile in made.tiles]
    for one, other in zip(made.tiles, found.tiles, strict=True):
        assert shapely.equals_exact(
            one.outline.normalize(), other.outline.normalize(), tolerance=1e-9
        )
        assert one.verdict == other.verdict
    assert [(zone.number, zone.disposition, zone.tiles) for zone in found.zones] == [
        (zone.number, zone.disposition, tuple(sorted(zone.tiles))) for zone in made.zones
    ]
    assert found.is_certified


def test_a_survey_across_the_antimeridian_comes_back_in_one(tmp_path):
    made = a_survey([[OK, ACT, OK]], west=179.99925)
    geojson.write(made, tmp_path / "survey")
    found = read_survey(tmp_path / "survey")
    assert [one.outline.geom_type for one in found.tiles] == ["Polygon", "MultiPolygon", "Polygon"]
    for one, other in zip(found.tiles, made.tiles, strict=True):
        assert (
            one.outline.symmetric_difference(other.outline).area < 1e-9 * one.outline.area + 1e-12
        )


def test_the_middle_of_a_survey_is_a_longitude_also_beyond_the_antimeridian():
    east, north = geojson.summary_of(a_survey([[OK]], west=180.2))["center"]
    assert (east, north) == (pytest.approx(-179.79975), pytest.approx(47.99975))
    assert geojson.summary_of(a_survey([[OK]]))["center"][0] == pytest.approx(11.00025)


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "survey.json").write_text("{}"),
        lambda folder: (folder / "survey.json").write_text("[1]"),
        lambda folder: (folder / "tiles.geojson").unlink(),
        lambda folder: (folder / "tiles.geojson").write_text('{"features": [{"properties": 3}]}'),
        lambda folder: (folder / "survey.json").write_bytes(b"\xff\xfe"),
        lambda folder: (folder / "survey.json").write_text('{"schema": "assay.survey/9"}'),
    ],
)
def test_a_folder_that_holds_no_survey_is_named(stored, damage):
    damage(stored)
    with pytest.raises(DataError, match="survey"):
        read_survey(stored)


def test_what_is_not_certified_never_becomes_so_by_a_word(stored):
    summary = json.loads((stored / "survey.json").read_text())
    (stored / "survey.json").write_text(json.dumps({**summary, "is_certified": "yes"}))
    assert not read_survey(stored).is_certified


def test_geojson_holds_what_the_survey_does_and_no_crs(tmp_path):
    made = a_survey(FIELD)
    written = json.loads(write_geojson(tile_layer(made, Positions.EXACT)))
    assert "crs" not in written
    first = written["features"][0]
    assert first["properties"]["verdict"] == "ACT"
    ring = shapely.LinearRing(first["geometry"]["coordinates"][0])
    assert ring.is_ccw
    assert shapely.Polygon(ring).equals_exact(made.tiles[0].outline.normalize(), 1e-6) or (
        shapely.Polygon(ring).symmetric_difference(made.tiles[0].outline).area < 1e-12
    )


def test_a_geopackage_has_both_layers_in_degrees(tmp_path):
    made = a_survey(FIELD)
    path = tmp_path / "survey.gpkg"
    path.write_bytes(
        write_geopackage([tile_layer(made, Positions.EXACT), zone_layer(made, Positions.EXACT)])
    )
    assert {name for name, _ in pyogrio.list_layers(path)} == {"tiles", "zones"}
    with sqlite3.connect(path) as database:
        assert database.execute("PRAGMA application_id").fetchone() == (0x47504B47,)
        rows = database.execute("SELECT verdict, message FROM tiles ORDER BY fid").fetchall()
        assert database.execute("SELECT srs_id FROM gpkg_contents").fetchall() == [(4326,)] * 2
    database.close()
    assert [row[0] for row in rows][:4] == ["ACT", "ACT", "HEALTHY", "ACT"]
    assert pyogrio.read_bounds(path, layer="tiles")[1][0].min() == pytest.approx(11.0)


def test_names_and_texts_of_a_shapefile_fit_and_none_is_lost(tmp_path):
    tile = a_survey([[LOOK]]).tiles[0]
    long = replace(tile, verdict=replace(tile.verdict, message="ü" * 200))
    made = replace(a_survey([[LOOK]]), tiles=(long,))
    files = write_shapefiles([tile_layer(made, Positions.EXACT)])
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    meta, _, _, columns = pyogrio.raw.read(tmp_path / "tiles.shp")
    assert len(set(meta["fields"])) == len(tile_layer(made, Positions.EXACT).columns)
    assert all(len(name) <= 10 and name == name.upper() for name in meta["fields"])
    kept = dict(zip(meta["fields"], columns, strict=True))
    assert kept["MESSAGE"].tolist() == ["ü" * 127]
    assert kept["VERDICT"].tolist() == ["LOOK"]


def test_positions_are_told_as_much_as_was_asked_for():
    made = a_survey(FIELD)
    exact = list(
        csv.DictReader(StringIO(write_csv(tile_layer(made, Positions.EXACT)).decode("utf-8-sig")))
    )
    assert float(exact[0]["longitude"]) == pytest.approx(11.00025, abs=1e-6)
    coarse = tile_layer(made, Positions.COARSE)
    assert {shape.wkt for shape in coarse.shapes} == {"POINT (11 48)"}
    none = write_csv(tile_layer(made, Positions.NONE)).decode("utf-8-sig")
    assert "longitude" not in none
    assert "48.0" not in none
    assert all(
        feature["geometry"] is None
        for feature in json.loads(write_geojson(tile_layer(made, Positions.NONE)))["features"]
    )


def test_no_cell_of_a_table_is_run():
    tile = a_survey([[ACT]]).tiles[0]
    evil = replace(tile, verdict=replace(tile.verdict, label="=HYPERLINK(1)", message="+a\r\n=b"))
    made = replace(a_survey([[ACT]]), tiles=(evil,))
    [row] = csv.DictReader(
        StringIO(write_csv(tile_layer(made, Positions.NONE)).decode("utf-8-sig"))
    )
    assert (row["label"], row["message"]) == ("'=HYPERLINK(1)", "'+a =b")


@pytest.mark.parametrize("positions", Positions)
def test_every_format_is_written_with_every_choice_of_positions(stored, tmp_path, positions):
    spec = SurveyExport(stored, tmp_path / "out", tuple(FORMATS), positions, "es")
    written = {path.name: path for path in export_survey(spec)}
    assert set(written) == {
        "tiles.geojson",
        "zones.geojson",
        "survey.gpkg",
        "survey-shapefile.zip",
        "tiles.csv",
        "zones.csv",
        "report.html",
        "report.pdf",
    }
    with ZipFile(BytesIO(written["survey-shapefile.zip"].read_bytes())) as archive:
        archive.extractall(tmp_path)
    shapes = pyogrio.raw.read(tmp_path / "tiles.shp")[2]
    kinds = {None if one is None else shapely.from_wkb(one).geom_type for one in shapes}
    assert kinds == {{"exact": "Polygon", "coarse": "Point", "none": None}[positions]}
    text = written["report.html"].read_text()
    assert ("47.99" in text) is (positions is Positions.EXACT)


@pytest.mark.parametrize("formats", [("docx",), ()])
def test_a_format_that_there_is_not_is_an_error_with_the_list(stored, formats):
    with pytest.raises(ConfigError) as caught:
        export_survey(SurveyExport(stored, Path("out"), formats, Positions.NONE))
    assert "gpkg" in caught.value.hint
