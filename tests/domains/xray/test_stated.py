"""What a header states and nobody understands is not what it leaves out: it is READ."""

from __future__ import annotations

import math
from datetime import date

import pytest
from pydicom import Dataset
from pydicom.config import disable_value_validation

from core.decision.quality import outside_population
from core.types import Frame
from domains.xray.decoding.reader import read
from tests.domains.xray.radiographs import a_chest, an_object, part10

CHEST = a_chest()
CHILDREN = {"age_years": (0.0, 18.0)}


def frame_of(**tags: object) -> Frame:
    with disable_value_validation():
        return read(part10(an_object(CHEST, **tags)), 10**8, 224)


def age_of(**tags: object) -> float | None:
    return frame_of(**{"PatientAge": None, "PatientBirthDate": None, **tags}).stated.get(
        "age_years"
    )


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("042Y", 42), ("0042Y", 42), ("42Y", 42), ("42", 42), ("42 years", 42), ("42 Yrs.", 42),
        ("1 year", 1), ("006M", 0.5), ("6 months", 0.5), ("0006m", 0.5), ("002W", 14 / 365.25),
        ("10 days", 10 / 365.25), ("010D", 10 / 365.25),
    ],
)  # fmt: skip
def test_an_age_is_read_as_devices_and_people_write_it(text, years):
    assert age_of(PatientAge=text) == pytest.approx(years)


@pytest.mark.parametrize("born", ["19840102", "1984.01.02", "1984-01-02"])
def test_without_an_age_it_is_counted_from_the_date_of_birth(born):
    years = (date(2026, 1, 2) - date(1984, 1, 2)).days / 365.25
    assert age_of(PatientBirthDate=born) == pytest.approx(years)
    assert age_of(PatientBirthDate=born, PatientAge="n/a") == pytest.approx(years)
    late = age_of(PatientBirthDate=born, StudyDate="", AcquisitionDate="20260102")
    assert late == pytest.approx(years)


@pytest.mark.parametrize(
    "tags",
    [
        {"PatientAge": "about 40"},
        {"PatientAge": "42 Q"},
        {"PatientAge": "4.2Y"},
        {"PatientBirthDate": "2 Jan 1984"},
        {"PatientBirthDate": "1984"},
        {"PatientBirthDate": "19841340"},
        {"PatientBirthDate": "20300101"},
        {"PatientBirthDate": "19840102", "StudyDate": "yesterday"},
        {"PatientBirthDate": "19840102", "StudyDate": ""},
    ],
    ids=str,
)
def test_an_age_that_nobody_understands_is_not_that_of_the_patients_a_model_is_for(tags):
    age = age_of(**tags)
    assert age is not None
    assert math.isnan(age)
    (finding,) = outside_population({"age_years": age}, CHILDREN)
    assert (finding.check, "not understood" in finding.detail) == ("age_years", True)


@pytest.mark.parametrize("blank", ["", " ", None])
def test_an_age_that_is_not_stated_is_no_finding(blank):
    assert age_of(PatientAge=blank, PatientBirthDate=blank) is None


def coded(**tags: str) -> list[Dataset]:
    item = Dataset()
    for keyword, text in tags.items():
        setattr(item, keyword, text)
    return [item]


@pytest.mark.parametrize(
    ("tags", "check"),
    [
        ({"BodyPartExamined": "\x01\x02"}, "body part"),
        ({"ViewPosition": "\x01\x02"}, "view"),
        ({"Modality": "\x01\x02"}, "modality"),
        (
            {"BodyPartExamined": "", "AnatomicRegionSequence": coded(CodeMeaning="Hand")},
            "body part",
        ),
        ({"ViewPosition": "", "ViewCodeSequence": coded(CodeMeaning="lateral")}, "view"),
        ({"ViewPosition": "", "ViewCodeSequence": coded(LongCodeValue="X" * 20)}, "view"),
        ({"PresentationIntentType": "FOR TEACHING"}, "intent"),
        ({"PatientOrientation": ["left", "1"]}, "orientation"),
        ({"PatientOrientation": ["L", "F", "H"]}, "orientation"),
        ({"WindowCenter": "2048"}, "display"),
        ({"WindowCenter": "2048", "WindowWidth": "0"}, "display"),
        ({"PresentationLUTShape": "LIN OD"}, "display"),
        ({"VOILUTSequence": coded(LUTExplanation="lost")}, "display"),
    ],
    ids=str,
)
def test_what_a_gate_or_the_display_goes_by_is_read_where_it_is_not_understood(tags, check):
    assert [finding.check for finding in frame_of(**tags).findings] == [check]


@pytest.mark.parametrize(
    "tags",
    [
        {"BodyPartExamined": " "},
        {"ViewPosition": "", "ViewCodeSequence": []},
        {"PresentationIntentType": None},
        {"PatientOrientation": ""},
        {"PatientOrientation": ["Left", "Foot"]},
        {"WindowCenter": "", "WindowWidth": ""},
        {"RescaleSlope": None, "RescaleIntercept": ""},
        {"PhotometricInterpretation": "monochrome2"},
    ],
    ids=str,
)
def test_what_is_not_stated_or_is_understood_all_the_same_is_no_finding(tags):
    assert frame_of(**tags).findings == ()


def test_a_number_that_cannot_be_read_is_stated_all_the_same():
    file = part10(an_object(CHEST, RescaleSlope="1.5", RescaleIntercept="0"))
    torn = file.replace(b"\x28\x00\x53\x10DS\x04\x001.5 ", b"\x28\x00\x53\x10DS\x04\x001,5 ")
    assert torn != file
    assert read(file, 10**8, 224).findings == ()
    assert [finding.check for finding in read(torn, 10**8, 224).findings] == ["display"]


@pytest.mark.parametrize(
    ("word", "priority"),
    [
        ("STAT", "STAT"), ("Stat ", "STAT"), ("URGENT", "STAT"), ("Emergency", "STAT"),
        ("S", "STAT"), ("HIGH", "HIGH"), ("ROUTINE", "ROUTINE"), ("LOW", "ROUTINE"),
        ("R", "ROUTINE"), ("", ""),
    ],
)  # fmt: skip
def test_an_urgent_order_is_stat_in_whatever_word(word, priority):
    assert frame_of(RequestedProcedurePriority=word).meta.get("priority", "") == priority
    item = Dataset()
    item.RequestedProcedurePriority = word
    assert frame_of(RequestAttributesSequence=[item]).meta.get("priority", "") == priority
