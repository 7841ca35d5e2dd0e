"""Headers of untrusted files: taken as they are, left empty, or not taken at all."""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.config import disable_value_validation
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from core.errors import ConfigError
from core.imaging.files import wrap_bytes
from core.imaging.function_sandbox import FunctionSandbox
from core.imaging.functions import Output
from core.imaging.sandbox import Sandbox
from core.settings import Settings
from domains.xray.decoding import source as reading
from domains.xray.decoding.source import CONTEXT, Header, sandbox, source_of, sources
from tests.domains.xray.radiographs import CANARY, a_chest, an_object, part10

PLACE = {
    "SOPClassUID": "1.2",
    "SOPInstanceUID": "1.3",
    "SeriesInstanceUID": "1.4",
    "StudyInstanceUID": "1.5",
}


@pytest.fixture(scope="module")
def box() -> Iterator[FunctionSandbox[Header]]:
    with sandbox(Settings()) as opened:
        yield opened


def a_file(syntax: str = ExplicitVRLittleEndian, **tags: object) -> bytes:
    return part10(an_object(a_chest(side=16), **tags), syntax)


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian]
)
def test_a_header_is_read_in_every_plain_encoding(box, syntax):
    (source,) = sources(box, [a_file(syntax, StudyID="S", IssuerOfPatientID="Ward 7")])
    assert (source.study, source.series, source.sop_instance) == (
        "1.2.3.4",
        "1.2.3.4.0",
        "1.2.3.4.1",
    )
    assert source.context["PatientName"] == f"{CANARY}^NAME"
    assert source.context["IssuerOfPatientID"] == "Ward 7"
    assert source.context["StudyTime"] == "101112"
    assert source.context["PatientSex"] == ""
    assert set(source.context) == set(CONTEXT)


@pytest.mark.parametrize(
    ("charset", "name"),
    [
        ("ISO_IR 100", "Müller^Jürgen"),
        ("ISO_IR 144", "Люкceмбypг"),
        ("ISO_IR 192", "Wang^XiaoDong=王^小东"),
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        (["", "ISO 2022 IR 149"], "Hong^Gildong=洪^吉洞=홍^길동"),
        ("GB18030", "Wang^XiaoDong=王^小东"),
    ],
)
def test_a_name_is_read_in_the_character_set_of_the_file(box, charset, name):
    (source,) = sources(box, [a_file(SpecificCharacterSet=charset, PatientName=name)])
    assert source.context["PatientName"] == name


def test_what_is_no_dicom_or_names_no_study_has_no_source(box):
    hostile = ["../../../../etc/passwd", "1.2.3\\4", "1" * 65, ""]
    files = [b"", b"GIF89a", bytes(132), a_file(StudyInstanceUID=None)]
    found = sources(box, [*files, a_file()])
    assert found[:4] == [None] * 4
    assert found[4]
    for uid in hostile:
        assert source_of({**PLACE, "SOPInstanceUID": uid}) is None


def test_a_file_with_a_header_of_nonsense_harms_no_other(box):
    good = a_file()
    torn = [good[:length] for length in range(0, len(good), 97)]
    vast = good.replace(b"LO\x08\x00CANARYID", b"UT\x00\x00\xff\xff\xff\x7fCANARYID")
    assert vast != good
    *_, last = sources(box, [*torn, vast, good])
    assert last


@given(st.dictionaries(st.sampled_from(sorted(CONTEXT)), st.text(max_size=80)))
def test_a_value_is_taken_as_it_is_or_left_out(stated: dict[str, str]):
    source = source_of(PLACE | stated)
    assert source
    for name, text in source.context.items():
        assert text in {stated.get(name, ""), ""}
        assert "\\" not in text
        assert not any(unicodedata.category(letter) == "Cc" for letter in text)


@pytest.mark.parametrize(
    ("keyword", "kept", "left"),
    [
        ("PatientBirthDate", "19610203", "1961.02.03"),
        ("PatientBirthDate", "20240229", "20241301"),
        ("StudyTime", "101112.123456", "10:11"),
        ("StudyTime", "23", "24"),
        ("PatientSex", "F", "female"),
        ("StudyID", "S" * 16, "S" * 17),
        ("PatientID", "P" * 64, "P" * 65),
        ("PatientName", "A^B=C^D=E^F", "A=B=C=D"),
        ("StudyDescription", "THORAX a.p. – früh", "two\nlines"),
    ],
)
def test_only_what_a_value_representation_allows_is_taken(keyword, kept, left):
    assert source_of({**PLACE, keyword: kept}).context[keyword] == kept
    assert source_of({**PLACE, keyword: left}).context[keyword] == ""


@pytest.mark.shared
def test_every_real_file_has_a_source_or_none_and_the_process_lives_on(box, shared_data):
    folder = shared_data / "xray" / "dicom"
    with (folder / "expected.csv").open(newline="") as table:
        names = [row["file"] for row in csv.DictReader(table) if row["file"].endswith(".dcm")]
    found = dict(zip(names, sources(box, [(folder / n).read_bytes() for n in names]), strict=True))
    assert {name for name, source in found.items() if source is None} == {
        "ct_no_preamble.dcm",
        "html_saved_as.dcm",
        "meta_missing_tsyntax.dcm",
        "us_htj2k_lossless_rgb.dcm",
    }
    lateral = found["chest_cr_jpeg2000_mono1_15bit.dcm"]
    assert (lateral.context["PatientID"], lateral.lossy) == ("9RG1", True)


@pytest.mark.parametrize(
    ("tags", "unusable"),
    [
        ({}, ()),
        ({"PatientID": ""}, ()),
        ({"PatientID": None}, ()),
        ({"PatientID": "P" * 65}, ("PatientID",)),
        ({"PatientID": ["12", "34"]}, ("PatientID",)),
        ({"PatientID": "12\x0034"}, ("PatientID",)),
        ({"IssuerOfPatientID": "W" * 65}, ("IssuerOfPatientID",)),
        ({"PatientName": ""}, ()),
        ({"PatientName": "A" * 64 + "=" + "B" * 64 + "="}, ()),
        ({"PatientName": "N" * 65}, ("PatientName",)),
        ({"PatientName": ["Doe^Jane", "Doe^John"]}, ("PatientName",)),
        ({"PatientName": "Doe\x00Jane"}, ("PatientName",)),
        ({"PatientName": "a=b=c=d"}, ("PatientName",)),
    ],
    ids=str,
)
def test_a_name_or_number_that_is_stated_and_cannot_be_kept_is_told_from_none(box, tags, unusable):
    with disable_value_validation():
        (source,) = sources(box, [a_file(**tags)])
    assert source.unusable == unusable
    assert all(source.context[name] == "" for name in unusable)


def without_character_set(number: bytes) -> bytes:
    return a_file(PatientID="N" * len(number)).replace(b"N" * len(number), number)


@pytest.mark.parametrize(
    ("character_set", "number", "read"),
    [
        ("ISO_IR 100", "MÜ-42 ".encode("latin-1"), "MÜ-42"),
        ("ISO_IR 192", "PŁ-42 ".encode(), "PŁ-42"),
        ("ISO_IR 144", "Л-42".encode("iso8859-5"), "Л-42"),
        ("GB18030", "誠42".encode("gb18030"), "誠42"),
    ],
)
def test_a_file_that_names_no_character_set_is_read_in_the_one_of_the_site(
    character_set, number, read
):
    file = without_character_set(number)
    settings = Settings(character_set=character_set)
    with sandbox(settings) as opened, Sandbox("domains.xray:pack", 32, settings) as reader:
        (source,) = sources(opened, [file])
        (sample,) = reader.samples([wrap_bytes("a.dcm", file)])
    assert source.context["PatientID"] == read
    assert sample.frame.meta["patient_id"] == read


def give_numbers(data, arguments):
    """Give a header as no reader states it."""
    return Output(record={**PLACE, "PatientName": 7} if data == b"odd" else PLACE)


def test_a_process_that_answers_no_header_gives_no_source_and_takes_none_along(monkeypatch):
    monkeypatch.setattr(reading, "READ", f"{__name__}:give_numbers")
    with sandbox(Settings()) as opened:
        before, odd, after = sources(opened, [b"a", b"odd", b"b"])
    assert odd is None
    assert before == after == source_of(PLACE)


def test_bytes_that_the_site_s_character_set_does_not_hold_are_no_number(box):
    (source,) = sources(box, [without_character_set("PŁ-042".encode())])
    assert source.unusable == ("PatientID",)


def test_a_character_set_that_dicom_does_not_know_is_refused():
    with pytest.raises(ConfigError, match="ASSAY_CHARACTER_SET"):
        Settings(character_set="utf-8")
