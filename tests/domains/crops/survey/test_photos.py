"""A folder without a mosaic: each photo and capture has its own place, or none and a reason."""

import csv
import gc
import json
import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest
from shapely.geometry import Point, shape

from core.cli.output import finite
from core.errors import ConfigError
from core.people import Person
from core.records.case_filter import CaseFilter
from core.records.case_page import page_of_cases
from core.records.worklist import case_detail
from core.service.assessment.assessor import CLAIMED_TILE
from core.service.assessment.recording import BATCH, record_many
from core.service.bundles.deployments import Signed, deploy_bundle
from core.service.review.review import decide
from core.service.store import open_store
from core.settings import Settings
from core.types import Assessment, Disposition, Tile
from domains.crops.exports.layers import Positions
from domains.crops.exports.write import SurveyExport, export_survey
from domains.crops.survey import photos
from domains.crops.survey.command import describe_summary, parse_reflectances
from domains.crops.survey.journal import JUDGED, Journal
from domains.crops.survey.photos import JUDGING
from domains.crops.survey.spec import SurveySpec
from domains.crops.survey.survey import run_survey
from domains.crops.tile_file import write_tile
from tests.domains.crops.survey.test_captures import CAMERA, a_band, packet

ADA = Person.alone("Ada")


def features(out, name):
    return json.loads((out / f"{name}.geojson").read_text())["features"]


@pytest.fixture
def folder(tmp_path):
    """Give a capture of four bands, one that lacks a band, and a photo; none has a place."""
    made = tmp_path / "flight"
    made.mkdir()
    for number in (1, 2):
        for name, (nm, light) in list(CAMERA.items())[: 5 - number]:
            path = made / f"{number}_{name}.tif"
            path.write_bytes(a_band(path, packet(name, nm, f"C{number}", light))[1])
    noise = np.random.default_rng(0).integers(40, 90, (600, 800, 3), np.uint8)
    noise[..., 1] += 90
    cv2.imwrite(str(made / "leaf.jpg"), cv2.GaussianBlur(noise, (0, 0), 2))
    return made


def test_captures_and_photos_are_told_apart_and_nothing_is_dropped(folder, tmp_path):
    out = tmp_path / "out"
    spec = SurveySpec(folder, out, is_measured_only=True)

    summary = run_survey(spec, Settings())

    assert (summary["photos"], summary["captures"], summary["captures_skipped"]) == (1, 2, 1)
    assert summary["problems"] == {"C2": "It has 3 bands; expected 4."}
    (photo,) = features(out, "photos")
    assert photo["geometry"] is None
    assert photo["properties"]["file"] == "leaf.jpg"
    assert photo["properties"]["place_reason"]
    assert photo["properties"]["is_hatched"]
    whole, lacking = features(out, "captures")
    assert whole["properties"]["ndvi"] == round(
        (0.96 / 0.41 - 0.96 / 0.69) / (0.96 / 0.41 + 0.96 / 0.69), 6
    )
    assert "ndvi" not in lacking["properties"]
    assert whole["geometry"] is None
    words = "\n".join(describe_summary(summary, out))
    assert "1 photos, 0 with a place" in words
    assert "2 captures, 1 of them skipped." in words
    assert json.loads((out / "survey.json").read_text()) == finite(summary)


@pytest.mark.slow
@pytest.mark.trained
@pytest.mark.shared
def test_drone_photos_lie_where_they_were_taken_with_an_outline_where_all_is_known(
    field, shared_data, tmp_path
):
    source = tmp_path / "flight"
    source.mkdir()
    for path in (shared_data / "crops" / "drone" / "rgb").glob("brighton_*"):
        shutil.copy(path, source)
    spec = SurveySpec(source, tmp_path / "out", bundle=field.bundle)

    summary = run_survey(spec, field.settings)

    assert summary["photos"] == summary["photos_placed"] == 5
    assert summary["photos_judged"] == sum(summary["dispositions"].values())
    for photo in features(tmp_path / "out", "photos"):
        made, area = photo["properties"], shape(photo["geometry"])
        assert made["file"].startswith("brighton_")
        assert made["is_outline"] == (area.geom_type == "Polygon")
        assert area.centroid.distance(Point(-91.99, 46.84)) < 0.01
        assert made["message"] or made["wording"] in ("HEALTHY", "ACT")


def test_reflectances_of_a_panel_are_read_by_band():
    assert parse_reflectances("red=0.49,nir=0.48,re=0.47") == {
        "red": 0.49,
        "near infrared": 0.48,
        "red edge": 0.47,
    }
    assert parse_reflectances("") == {}
    for wrong in ("red", "red=half", "magenta=0.4"):
        with pytest.raises(ConfigError, match="no reflectance of a band"):
            parse_reflectances(wrong)


@pytest.mark.slow
@pytest.mark.trained
def test_of_a_photo_that_was_judged_its_verdict_stays_alone(field, tmp_path):
    """A survey of 100,000 photos kept 100 KB of arrays of each: 10 GB."""
    source = tmp_path / "flight"
    source.mkdir()
    plot = sorted((field.bundle.parent / "plots").glob("*.png"))[0].read_bytes()
    for number in range(3 * BATCH):
        (source / f"{number}.png").write_bytes(plot)
    kept = []

    def alive():
        return sum(type(one) is Assessment for one in gc.get_objects())

    def count(step, done, total):
        if step == JUDGING and done == total:
            kept.append(alive() - before)

    spec = SurveySpec(source, tmp_path / "out", bundle=field.bundle)
    gc.collect()
    before = alive()  # of tests before this one
    with open_store(settings := field.settings_at(tmp_path / "home")) as store:
        summary = run_survey(spec, settings, count, store)
    assert summary["photos_judged"] == 3 * BATCH
    assert 0 < kept[0] <= 2 * BATCH  # what is recorded, and what is judged meanwhile


@pytest.mark.slow
@pytest.mark.trained
def test_a_survey_that_was_stopped_goes_on_where_it_was(field, tmp_path, monkeypatch):
    source = tmp_path / "flight"
    source.mkdir()
    plots = sorted((field.bundle.parent / "plots").glob("*.png"))[:70]
    for number, plot in enumerate(plots):
        shutil.copy(plot, source / f"{number}.png")
    asked = []

    def assess(assessor, store, incoming, **more):
        for made in record_many(assessor, store, incoming, **more):
            asked.append(made.assessment.sample_id)
            yield made

    def stop(step, done, total):
        if step == JUDGING and done == 40:
            raise KeyboardInterrupt

    monkeypatch.setattr(photos, "record_many", assess)
    spec = SurveySpec(source, tmp_path / "out", bundle=field.bundle)
    with open_store(settings := field.settings_at(tmp_path / "home")) as store:
        with pytest.raises(KeyboardInterrupt):
            run_survey(spec, settings, stop, store)
        first = len(asked)
        (source / "3.png").write_bytes(plots[-1].read_bytes())  # it is another photo now
        summary = run_survey(spec, settings, store=store)
        whole = run_survey(replace(spec, out=tmp_path / "whole"), settings, store=store)
    assert summary == whole
    assert (spec.out / "photos.geojson").read_text() == (
        tmp_path / "whole" / "photos.geojson"
    ).read_text()
    again = asked[first : -summary["photos_judged"]]
    was_judged = any(one.endswith("/3.png") for one in asked[:40])
    assert len(again) == summary["photos_judged"] - 40 + was_judged
    assert not (spec.out / JUDGED).exists()


def test_a_journal_of_another_judge_or_cut_short_is_believed_as_far_as_it_goes(tmp_path):
    path = tmp_path / "new" / JUDGED
    with Journal(path, "a") as journal:
        journal.add("x", {"case": "1"})
        journal.add("y", {"case": "2"})
    path.write_text(path.read_text()[:-4])
    with Journal(path, "a") as journal:
        assert journal.known == {"x": {"case": "1"}}
        journal.add("z", {"case": "3"})
    with Journal(path, "a") as journal:
        assert set(journal.known) == {"x", "z"}
    with Journal(path, "b") as journal:
        assert journal.known == {}


@pytest.mark.slow
@pytest.mark.trained
def test_photos_of_a_folder_that_need_a_person_wait_for_one(field, tmp_path):
    source = tmp_path / "flight"
    source.mkdir()
    rng = np.random.default_rng(7)
    for number in range(6):
        leaf = np.full((300, 300, 3), 170, np.uint8)
        leaf = cv2.circle(leaf, (150, 150), 90 + number, (40, 140, 60), -1)
        pixels = np.clip(leaf + rng.integers(-25, 26, (300, 300, 1)), 0, 255).astype(np.uint8)
        cv2.imwrite(str(source / f"{number}.png"), pixels)
    (source / "5.png").write_bytes(write_tile(pixels, Tile("ab" * 32, 0, 0)))
    settings = field.settings_at(tmp_path / "home")
    spec = SurveySpec(source, tmp_path / "out", product="north")
    with open_store(settings) as store:
        deploy_bundle(
            field.bundle, store, settings, product="north", signed=Signed(ADA), audit_share=1.0
        )
        summary = run_survey(spec, settings, store=store)
        made = {
            one["properties"]["file"]: one["properties"] for one in features(spec.out, "photos")
        }
        waiting = {one.case_id: one for one in page_of_cases(store, CaseFilter(), limit=99)}
        claimed = case_detail(store, made["5.png"]["case"]).images[0].decision
        shown = case_detail(store, made["5.png"]["case"]).item
        assert decide(store, shown, Disposition.NEGATIVE, by=ADA)
        export_survey(SurveyExport(spec.out, tmp_path, ("csv",), Positions.EXACT), store)
    with (tmp_path / "photos.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    answered = {name: row["answered_by"] for name, row in rows.items() if row["answer"]}
    assert answered == {"5.png": "Ada"}
    assert (rows["5.png"]["verdict"], rows["5.png"]["answer"]) == ("LOOK", "HEALTHY")

    assert {one["case"] for one in made.values()} == set(waiting)
    assert len(waiting) == summary["photos_judged"] == 6
    called = summary["dispositions"]
    assert summary["waiting"] == called["defer"] + called["positive"] > 0
    assert "AUDIT" not in (spec.out / "photos.geojson").read_text()
    assert CLAIMED_TILE in [one.check for one in claimed.findings]
    assert made["5.png"]["disposition"] == "defer"
    lines = "\n".join(describe_summary(summary, spec.out))
    assert f"{summary['waiting']} photos wait for a person" in lines
