"""A field from the file to the map: what is sick is where it is, and all of it adds up."""

import json
import re
import threading
from base64 import b64encode
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
import rasterio
from pyproj import Transformer
from shapely.geometry import Point, shape

from core.errors import BundleError, ConfigError, DataError
from core.jobs.context import JobCancelled
from core.people import Person
from core.records import failed_jobs
from core.records.job import State
from core.report.page import render_page
from core.service.bundles.deployments import Signed, deploy_bundle
from core.service.bundles.open import open_bundle, policy_of
from core.service.store import open_store
from core.settings import Settings
from domains.crops.exports.layers import Positions
from domains.crops.exports.report import report_page
from domains.crops.exports.stored import read_survey
from domains.crops.locale import language
from domains.crops.survey.command import describe_summary
from domains.crops.survey.job import submit
from domains.crops.survey.pictures import MOST
from domains.crops.survey.spec import SurveySpec
from domains.crops.survey.survey import run_survey, survey_mosaic
from tests.commands import run_assay
from tests.core.jobs.running import work_once
from tests.domains.crops.survey.mosaics import filled, write

pytestmark = [pytest.mark.slow, pytest.mark.trained]


@pytest.fixture(scope="module")
def out(field, tmp_path_factory):
    return tmp_path_factory.mktemp("survey") / "out"


@pytest.fixture(scope="module")
def summary(field, out):
    """What the command prints, once its files are written."""
    home = field.settings_at(out.parent / "home").home
    done = run_assay(
        *("crops", "survey", field.mosaic, "-o", out, "--bundle", field.bundle, "--json"),
        home=home,
    )
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def tiles(summary, out):
    return json.loads((out / "tiles.geojson").read_text())["features"]


@pytest.fixture(scope="module")
def zones(summary, out):
    return json.loads((out / "zones.geojson").read_text())["features"]


def test_the_tiles_cover_the_field_once_and_all_are_accounted_for(summary, tiles):
    assert summary["grid"] == [13, 13]
    assert summary["tiles"] == len(tiles) == 169
    assert sum(summary["status"].values()) == 169
    assert sum(summary["dispositions"].values()) == summary["status"]["judged"]
    assert summary["status"] == Counter(t["properties"]["status"] for t in tiles)
    assert summary["tile_pixels"] == [100, 100]
    assert sum(t["properties"]["area_m2"] for t in tiles) == pytest.approx(26.0**2, rel=2e-3)


def test_what_is_called_sick_is_sick_and_the_headland_is_no_crop(field, tiles):
    severity = field.severity
    called = {}
    for tile in tiles:
        made = tile["properties"]
        rows, columns = (slice(100 * made[a], 100 * made[a] + 100) for a in ("row", "column"))
        part = severity[rows, columns]
        if np.isnan(part).all():
            assert made["status"] == "no crop"
        elif part.mean() > 0.8 or part.mean() < 0.02:
            called.setdefault(part.mean() > 0.5, Counter())[made["wording"]] += 1
    sick, healthy = called[True], called[False]
    assert sick["HEALTHY"] == healthy["ACT"] == 0
    assert sick["ACT"] >= 0.7 * sick.total() >= 8
    assert healthy["HEALTHY"] >= 0.7 * healthy.total() >= 40


def test_the_pictures_are_those_of_the_tiles_most_probably_sick(field, tiles, summary, out):
    survey = read_survey(out)
    chances = {
        (t["properties"]["row"], t["properties"]["column"]): t["properties"]["positive_probability"]
        for t in tiles
        if t["properties"]["positive_probability"] is not None
    }
    worst = sorted(chances.values(), reverse=True)[:MOST]
    assert [chances[place] for place in survey.pictures] == pytest.approx(worst)
    with rasterio.open(field.mosaic) as file:
        pixels = file.read([1, 2, 3])
    for (row, column), jpeg in survey.pictures.items():
        shown = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
        rows, columns = (slice(100 * at, 100 * at + 100) for at in (row, column))
        whole = pixels[:, rows, columns].mean(axis=(1, 2))
        np.testing.assert_allclose(shown.mean(axis=(0, 1)), whole, atol=4)
    page = render_page(report_page(survey, language("en"), Positions.EXACT))
    for jpeg in survey.pictures.values():
        assert b64encode(jpeg).decode() in page


def test_a_tile_lies_where_its_pixels_lie(field, tiles):
    with rasterio.open(field.mosaic) as file:
        affine, crs = file.transform, file.crs
    to_map = Transformer.from_crs(crs.to_wkt(), 4326, always_xy=True)
    for tile in (tiles[0], tiles[77], tiles[-1]):
        made = tile["properties"]
        x, y = 100 * made["column"] + 50, 100 * made["row"] + 50
        a, b, c, d, e, f = affine[:6]
        middle = to_map.transform(a * x + b * y + c, d * x + e * y + f)
        assert shape(tile["geometry"]).centroid.distance(Point(middle)) < 1e-8


def test_indices_in_the_export_are_those_of_the_pixels_to_the_last_digit(field, tiles):
    with rasterio.open(field.mosaic) as file:
        pixels = file.read([1, 2, 3]).astype(np.float64)
    for tile in tiles:
        made = tile["properties"]
        rows, columns = (slice(100 * made[a], 100 * made[a] + 100) for a in ("row", "column"))
        red, green, blue = pixels[:, rows, columns].mean(axis=(1, 2))
        assert made["exg"] == round((2 * green - red - blue) / (red + green + blue), 6)
        assert made["vari"] == round((green - red) / (green + red - blue), 6)


def test_uncertain_and_unjudged_places_are_hatched_and_bear_no_promise(tiles, zones, summary):
    for tile in tiles:
        made = tile["properties"]
        assert made["is_hatched"] == (made["disposition"] not in ("negative", "positive"))
        assert bool(made["message"]) == made["is_hatched"] or made["status"] == "judged"
    for zone in zones:
        made = zone["properties"]
        if made["disposition"] == "negative":
            assert "missed disease" in made["certificate"] or "let through" in made["certificate"]
        if made["disposition"] in ("negative", "positive"):
            assert "nothing is certified of a zone" in made["certificate"]
        else:
            assert "othing" in made["certificate"]
            assert "At most" not in made["certificate"]
    assert summary["is_certified"] is True


def test_zones_are_made_of_the_tiles_and_the_first_is_the_sick_patch(tiles, zones):
    assert sum(zone["properties"]["tiles"] for zone in zones) == len(tiles)
    areas = [shape(zone["geometry"]).area for zone in zones]
    assert sum(areas) == pytest.approx(sum(shape(t["geometry"]).area for t in tiles), rel=1e-6)
    first = zones[0]["properties"]
    assert first["disposition"] == "positive"
    assert first["lowest_share"] <= first["share"] <= first["highest_share"] <= 1
    sick = [t for t in tiles if t["properties"]["wording"] == "ACT"]
    inside = sum(
        shape(zones[0]["geometry"]).contains(shape(t["geometry"]).representative_point())
        for t in sick
    )
    assert inside >= 0.8 * len(sick)


def test_the_files_are_geojson_as_rfc_7946_wants_it(out, summary):
    for name in ("tiles.geojson", "zones.geojson"):
        whole = json.loads((out / name).read_text())
        assert "crs" not in whole
        for feature in whole["features"]:
            area = shape(feature["geometry"])
            assert area.is_valid
            for part in getattr(area, "geoms", [area]):
                assert part.exterior.is_ccw
                assert part.exterior.coords[0] == part.exterior.coords[-1]
            west, south, east, north = area.bounds
            assert 16.4 < west < east < 16.6
            assert 52.4 < south < north < 52.5


def test_the_command_says_what_came_of_it_in_words(summary, tmp_path):
    words = "\n".join(describe_summary(summary, tmp_path))

    assert re.search(r"169 tiles of 2 m \(100 x 100 pixels\): .*judged", words)
    assert re.search(r"\d+ to act on, \d+ to look at, \d+ healthy; \d+ zones", words)
    assert "No ndvi: There is no near infrared band." in words


def test_what_is_deployed_for_the_product_judges_where_no_bundle_is_given(field, tmp_path):
    settings = field.settings_at(tmp_path / "home")
    spec = SurveySpec(field.mosaic, tmp_path / "out", tile_m=4.0, product="north")
    with pytest.raises(BundleError, match="Nothing is deployed for crops north"):
        survey_mosaic(spec, settings)
    store = open_store(settings)
    deploy_bundle(
        field.bundle, store, settings, product="north", signed=Signed(Person.alone("ann"))
    )
    store.close()

    survey = survey_mosaic(spec, settings)

    bundle = open_bundle(field.bundle, settings)
    assert survey.bundle == bundle.label
    assert survey.policy == policy_of(bundle).id
    assert len(survey.tiles) == 49


def test_a_bundle_for_something_else_is_refused(field, tmp_path):
    bundle = Path(__file__).parents[4] / "data" / "bundles" / "xray-children"
    spec = SurveySpec(field.mosaic, tmp_path / "out", bundle=bundle)

    with pytest.raises(ConfigError, match="is for xray; expected a bundle for crops"):
        survey_mosaic(spec, field.settings)


def test_a_survey_as_a_job_reports_progress_and_ends_with_its_summary(field, tmp_path):
    settings = field.settings_at(tmp_path / "home")
    store = open_store(settings)
    spec = SurveySpec(field.mosaic, tmp_path / "out", bundle=field.bundle)

    job = submit(store, spec, by=Person.alone("Ada"))
    assert submit(store, spec, by=Person.alone("Ada")) == job, "the same survey is the same job"
    work_once(store, settings, lanes=["survey"])

    found = failed_jobs.job_status(store, job)
    assert found.state is State.DONE
    assert found.result["tiles"] == 169
    assert found.result["path"] == str(tmp_path / "out")
    assert json.loads((tmp_path / "out" / "survey.json").read_text())["tiles"] == 169
    store.close()


def test_progress_counts_the_tiles_and_what_it_raises_ends_the_survey(field, tmp_path):
    calls = []

    def cancel(step, done, total):
        calls.append((step, done, total))
        if done == 40:
            raise JobCancelled("The job was cancelled.")

    spec = SurveySpec(field.mosaic, tmp_path / "out", bundle=field.bundle)
    with pytest.raises(JobCancelled):
        run_survey(spec, field.settings, cancel)

    assert calls == [("Surveying", done, 169) for done in range(41)]
    assert not (tmp_path / "out").exists()
    assert threading.active_count() < 20


def test_a_mosaic_without_its_directory_is_refused(tmp_path):
    path = write(tmp_path / "m.tif", filled((640, 640)), tags={"AREA_OR_POINT": "Area"})
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 6 // 10])
    spec = SurveySpec(path, tmp_path / "out", tile_m=3.2, is_measured_only=True)

    with pytest.raises(DataError, match="cut short"):
        survey_mosaic(spec, Settings())


BAD = {
    "empty.tif": b"",
    "text.tif": b"not a picture at all",
    "header.tif": b"II*\0\x08\0\0\0",
    "picture.png": b"\x89PNG\r\n\x1a\n" + b"\0" * 64,
    "elsewhere.tif": b'<VRTDataset rasterXSize="1" rasterYSize="1"/>',
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_mosaic_is_refused_by_name(tmp_path, name):
    (tmp_path / name).write_bytes(BAD[name])
    spec = SurveySpec(tmp_path / name, tmp_path / "out", is_measured_only=True)

    with pytest.raises(DataError, match="cannot be read as a GeoTIFF") as caught:
        run_survey(spec, Settings())

    assert name in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_opened_is_refused_with_the_reason(field, tmp_path):
    spec = SurveySpec(tmp_path / "none.tif", tmp_path / "out", is_measured_only=True)
    with pytest.raises(DataError, match="No such file"):
        survey_mosaic(spec, field.settings)
    (tmp_path / "link.tif").symlink_to(field.mosaic)
    with pytest.raises(DataError, match=r"symbolic link|Too many levels"):
        survey_mosaic(
            SurveySpec(tmp_path / "link.tif", tmp_path, is_measured_only=True), Settings()
        )
    with pytest.raises(ConfigError, match="positive length"):
        SurveySpec(field.mosaic, tmp_path / "out", tile_m=0.0)


def test_a_folder_with_other_files_is_not_written(field, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")

    with pytest.raises(ConfigError, match=r"holds other files: thesis.txt"):
        run_survey(SurveySpec(field.mosaic, tmp_path, is_measured_only=True), field.settings)


def test_reflectances_of_named_bands_give_every_index_without_a_model(field, tmp_path):
    values = np.random.default_rng(0).uniform(0.02, 0.6, (5, 128, 128)).astype(np.float32)
    path = write(tmp_path / "m.tif", values, colours=None)
    with rasterio.open(path, "r+") as file:
        for band, name in enumerate(("NIR", "blue", "Green", "red edge", "Red"), 1):
            file.set_band_description(band, name)
    spec = SurveySpec(path, tmp_path / "out", tile_m=3.2, is_measured_only=True)

    survey = survey_mosaic(spec, field.settings)

    assert survey.bundle == survey.policy == ""
    assert survey.zones == survey.certificates == ()
    assert survey.refused == {}
    nir, _, green, edge, red = values.astype(np.float64)[:, :64, 64:].mean(axis=(1, 2))
    tile = survey.tiles[1]
    assert tile.verdict is None
    assert tile.indices["ndvi"] == round((nir - red) / (nir + red), 6)
    assert tile.indices["ndre"] == round((nir - edge) / (nir + edge), 6)
    assert tile.indices["gndvi"] == round((nir - green) / (nir + green), 6)
