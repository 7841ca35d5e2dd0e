"""Photos for others: each at its place or none, with what people answered beside the verdict."""

import csv
from io import BytesIO, StringIO
from zipfile import ZipFile

import pyogrio
import pytest
import shapely

from core.errors import DataError
from core.types import Disposition
from domains.crops.exports.layers import Positions
from domains.crops.exports.photo_layer import listed_photo, photo_layer, read_photos
from domains.crops.exports.write import (
    one_file,
    write_tables,
)
from domains.crops.survey.geojson import PHOTOS
from domains.crops.survey.values import PersonAnswer

ADA = PersonAnswer(Disposition.NEGATIVE, "HEALTHY", "Ada")


def a_line(name, wording, place=None):
    verdict = wording and {
        "case_id": f"case of {name}",
        "disposition": {"ACT": "positive", "LOOK": "defer"}[wording],
        "wording": wording,
        "labels": ["rust", "blight"],
        "findings": [["AMBIGUOUS", ""]],
    }
    where = place and {
        "longitude": place[0], "latitude": place[1], "source": "exif", "accuracy_m": 5.0,
    }  # fmt: skip
    faults = [] if wording else [{"code": "BLURRED", "values": {}, "sentence": "Hold still."}]
    return {
        "file": name, "case": name, "verdict": verdict, "place": where, "faults": faults,
        "reason": None if place else {"code": "NO_GPS", "values": {}},
    }  # fmt: skip


LINES = [
    a_line("a.jpg", "ACT", (11.57549, 48.13712)),
    a_line("=b.jpg", "LOOK"),
    a_line("c.jpg", None, (11.5, 48.2)),
]
ANSWERS = {"case of a.jpg": ADA, "case of another": ADA}


def a_layer(positions=Positions.EXACT):
    return photo_layer([listed_photo(one) for one in LINES], ANSWERS, positions)


def opened(files, folder, name):
    data = one_file(files)
    if data[:2] == b"PK":
        with ZipFile(BytesIO(data)) as archive:
            archive.extractall(folder)
        return folder / name
    (folder / name).write_bytes(data)
    return folder / name


@pytest.mark.parametrize(
    ("kind", "name"),
    [("geojson", "photos.geojson"), ("gpkg", "p.gpkg"), ("shapefile", "photos.shp")],
)
@pytest.mark.parametrize("positions", Positions)
def test_gdal_reads_every_photo_its_place_and_the_answer(tmp_path, kind, name, positions):
    path = opened(write_tables([a_layer(positions)], (kind,)), tmp_path, name)
    kept = path if path.exists() else path.with_suffix(".dbf")
    meta, _, shapes, columns = pyogrio.raw.read(kept)
    read = {field.lower(): column for field, column in zip(meta["fields"], columns, strict=True)}
    assert [one or "" for one in read["answer"]] == ["HEALTHY", "", ""]
    assert [one or "" for one in read["verdict"]] == ["ACT", "LOOK", ""]
    assert read["message"][2] == "Hold still."
    if positions is Positions.NONE:
        assert shapes is None or all(one is None for one in shapes)
        return
    first, none, last = shapely.from_wkb(shapes)
    digits = 5 if positions is Positions.EXACT else 2
    assert (round(first.x, 7), round(first.y, 7)) == (
        round(11.57549, digits), round(48.13712, digits),
    )  # fmt: skip
    assert none is None
    assert (last.x, last.y) == (11.5, 48.2)


def test_a_table_leaves_out_the_place_that_a_photo_does_not_have():
    text = one_file(write_tables([a_layer()], ("csv",))).decode("utf-8-sig")
    first, second, third = csv.DictReader(StringIO(text))
    assert (first["longitude"], first["answered_by"]) == ("11.5754900", "Ada")
    assert (second["file"], second["longitude"], second["latitude"]) == ("'=b.jpg", "", "")
    assert (third["verdict"], third["place"], third["accuracy_m"]) == ("", "exif", "5.0")
    coarse = one_file(write_tables([a_layer(Positions.NONE)], ("csv",))).decode("utf-8-sig")
    assert "longitude" not in coarse
    assert "48." not in coarse


@pytest.mark.parametrize("text", ["", "[]", '{"features": [{"properties": {}}]}'])
def test_a_damaged_list_is_named(tmp_path, text):
    (tmp_path / PHOTOS).write_text(text)
    with pytest.raises(DataError, match="no list of photos"):
        read_photos(tmp_path)
