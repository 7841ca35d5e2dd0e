import csv
import json
import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
from pydicom.sr.codedict import codes

from core.types import Reason
from domains.xray.decoding import gate
from domains.xray.decoding.header import DicomHeader, header_of
from domains.xray.decoding.reader import read
from tests.domains.xray.radiographs import CANARY, a_chest, an_object, part10

RIGHT = DicomHeader(
    modality="DX",
    body_part="CHEST",
    regions=(),
    view="PA",
    view_codes=(),
    position="",
    orientation=("L", "F"),
    intent="FOR PRESENTATION",
    for_processing=False,
    frames=1,
    photometric="MONOCHROME2",
    rows=2000,
    columns=1800,
    bits=12,
    age_years=45.0,
)


def a_square(path) -> np.ndarray:
    return cv2.resize(cv2.imread(str(path), 0), (224, 224), interpolation=cv2.INTER_AREA)


@pytest.mark.parametrize(
    "stated",
    [
        {},
        {"modality": "CR", "view": "AP", "photometric": "MONOCHROME1"},
        {"body_part": "", "view": "", "orientation": (), "intent": ""},
        {"body_part": "", "regions": ("T-D3000",), "view": "", "view_codes": ("R-10206",)},
        {"view": "", "position": "PA"},
        {"view": "", "position": "HFS"},
        {"bits": 8, "rows": 200, "columns": 400},
    ],
    ids=str,
)
def test_a_frontal_chest_passes_and_so_does_what_is_not_stated(stated):
    assert gate.header_findings(replace(RIGHT, **stated)) == ()


@pytest.mark.parametrize(
    ("stated", "check", "detail"),
    [
        ({"modality": "CT"}, "modality", "expected CR or DX, got CT."),
        ({"modality": ""}, "modality", "expected CR or DX, got none stated."),
        ({"body_part": "HAND"}, "body part", "expected CHEST, got HAND."),
        ({"body_part": "", "regions": ("T-D8700",)}, "body part", "the region coded T-D8700."),
        ({"view": "LL"}, "view", "expected PA or AP, got LL."),
        ({"view": "", "view_codes": ("R-10228",)}, "view", "got the view coded R-10228."),
        ({"view": "", "position": "XX"}, "view", "got the position XX."),
        ({"view": "", "orientation": ("A", "F")}, "view", "the orientation of a lateral view."),
        ({"orientation": ("R", "F")}, "mirrored", "the left side on the right"),
        ({"orientation": ("L", "H")}, "rotated", "expected the head up"),
        ({"orientation": ("F", "R")}, "rotated", "expected the head up"),
        ({"intent": "FOR PROCESSING"}, "intent", "got one for processing."),
        ({"for_processing": True}, "intent", "got one for processing."),
        ({"frames": 2}, "frames", "expected one, got 2."),
        ({"photometric": "RGB"}, "photometric", "got RGB."),
        ({"bits": 6}, "bits", "expected at least 8 bits a pixel, got 6."),
        ({"rows": 199}, "size", "got 1800 x 199."),
        ({"columns": 900, "rows": 2000}, "size", "got 900 x 2000."),
    ],
    ids=str,
)
def test_each_check_of_the_header_has_its_code_and_says_what_it_got(stated, check, detail):
    (finding,) = gate.header_findings(replace(RIGHT, **stated))

    assert finding.reason is Reason.WRONG_INPUT
    assert finding.check == check
    assert finding.detail.startswith(f"{check}: expected")
    assert detail in finding.detail


def test_the_codes_of_view_and_region_are_those_of_the_context_groups_of_dicom():
    def among(group, accepted):
        return {n for n in dir(group) if getattr(getattr(group, n), "value", "") in accepted}

    assert among(codes.cid4010, gate.FRONTAL_CODES) == {"AnteroPosterior", "PosteroAnterior"}
    assert among(codes.cid4031, gate.CHEST_REGIONS) == {"Chest"}


@pytest.mark.filterwarnings("ignore:Invalid value for VR CS")
def test_free_text_where_a_code_belongs_is_never_quoted():
    dataset = an_object(
        a_chest(),
        Modality="XX",
        BodyPartExamined=f"{CANARY}-jane",
        ViewPosition=f"{CANARY}^X",
    )

    frame = read(part10(dataset), 10**8, 224)

    assert {finding.check for finding in frame.findings} == {"modality", "body part", "view"}
    assert not [f for f in frame.findings if CANARY in f.detail]
    assert "got OTHER." in frame.findings[1].detail


@pytest.mark.parametrize(
    ("age", "years"),
    [("045Y", 45), ("018M", 1.5), ("010W", 70 / 365.25), ("004D", 4 / 365.25), ("62", 62)],
)
def test_an_age_is_read_in_its_unit(age, years):
    dataset = an_object(a_chest(side=16), PatientAge="045Y")
    dataset["PatientAge"]._value = age

    assert header_of(dataset).age_years == pytest.approx(years)


def test_without_an_age_the_date_of_birth_tells_it():
    born = {"PatientAge": None, "PatientBirthDate": "19610203", "StudyDate": "20260203"}

    assert header_of(an_object(a_chest(side=16), **born)).age_years == pytest.approx(65, abs=0.01)
    unborn = {**born, "StudyDate": "19000101"}
    assert math.isnan(header_of(an_object(a_chest(side=16), **unborn)).age_years)


def test_a_negative_and_a_narrow_field_are_seen_in_the_picture():
    chest = (a_chest(side=224, bits=8)).astype(np.uint8)
    narrow = np.zeros_like(chest)
    narrow[56:168, 56:168] = chest[56:168, 56:168]

    assert gate.picture_findings(chest) == ()
    assert [finding.check for finding in gate.picture_findings(255 - chest)] == ["inverted"]
    assert "collimated" in [finding.check for finding in gate.picture_findings(narrow)]
    assert gate.open_field(narrow) == pytest.approx(0.25, abs=0.02)


def test_the_likeness_of_a_negative_is_the_negative_likeness():
    picture = np.random.default_rng(0).integers(0, 256, (224, 224), np.uint8)

    assert gate.chest_likeness(255 - picture) == pytest.approx(-gate.chest_likeness(picture))
    assert gate.chest_likeness(np.full((224, 224), 7, np.uint8)) == 0.0


@pytest.mark.shared
def test_upright_chests_of_both_sites_pass_the_glance_and_their_negatives_do_not(shared_data):
    root = shared_data / "xray"
    with (root / "manifest.csv").open(newline="") as table:
        rows = [row for row in csv.DictReader(table) if row["split"] in ("test", "ext_test")][::3]
    squares = [a_square(root / row["file"]) for row in rows]

    flagged = [gate.picture_findings(square) for square in squares]
    caught = [
        "inverted" in [f.check for f in gate.picture_findings(255 - square)] for square in squares
    ]

    assert len(squares) == 429
    assert sum(map(bool, flagged)) == 0, json.dumps([str(f) for f in flagged if f])
    assert np.mean(caught) >= 0.99
