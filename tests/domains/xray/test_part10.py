"""Canonical files against pydicom, on made objects and on the real samples."""

import csv
import re
from io import BytesIO

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.uid import UID, ExplicitVRBigEndian, ImplicitVRLittleEndian

from core.errors import UnreadableImage
from domains.xray.node.part10 import (
    IMPLEMENTATION_UID,
    SOP_INSTANCE_TAG,
    STUDY_TAG,
    Part10,
    is_uid,
    parse_part10,
    part10,
)
from tests.domains.xray.wire import DX, an_object, file_of

EXPLICIT = "1.2.840.10008.1.2.1"
FILE = file_of(an_object("7", study="1.2.34"))
WHOLE = parse_part10(FILE)


def test_a_canonical_file_is_read_by_pydicom_with_every_value_and_no_more_meta():
    made = part10(WHOLE.sop_class, WHOLE.sop_instance, WHOLE.transfer_syntax, WHOLE.dataset)
    read = pydicom.dcmread(BytesIO(made))
    assert read == an_object("7", study="1.2.34")
    assert made[:128] == bytes(128)
    meta = {element.keyword: element.value for element in read.file_meta}
    length = meta.pop("FileMetaInformationGroupLength")
    assert 128 + 4 + 12 + length + len(WHOLE.dataset) == len(made)
    assert meta == {
        "FileMetaInformationVersion": b"\x00\x01",
        "MediaStorageSOPClassUID": DX,
        "MediaStorageSOPInstanceUID": "1.2.34.7",
        "TransferSyntaxUID": EXPLICIT,
        "ImplementationClassUID": IMPLEMENTATION_UID,
    }


def test_the_same_data_set_gives_the_same_bytes_whoever_wrote_the_meta_group():
    other = an_object("7", study="1.2.34")
    other.preamble = b"MZ" + b"\x90" * 126
    other.file_meta.SourceApplicationEntityTitle = "SOMEBODY"
    other.file_meta.PrivateInformationCreatorUID = "1.2.3"
    other.file_meta.PrivateInformation = b"Doe^Jane"
    assert parse_part10(file_of(other)).file() == WHOLE.file()
    assert parse_part10(WHOLE.file()) == WHOLE
    assert parse_part10(FILE[132:]) == WHOLE  # as dicomweb-client sends them


@pytest.mark.shared
def test_real_files_come_apart_as_pydicom_sees_them(shared_data):
    folder = shared_data / "xray" / "dicom"
    whole = 0
    with (folder / "expected.csv").open(newline="") as table:
        files = [folder / row["file"] for row in csv.DictReader(table)]
    for path in files:
        content = path.read_bytes()
        meta = pydicom.filereader.read_partial(
            BytesIO(content), stop_when=lambda *_: True, force=True
        ).file_meta
        named = (meta.get(f"MediaStorageSOP{what}UID") for what in ("Class", "Instance"))
        if content[128:132] != b"DICM" or not all(named):
            with pytest.raises(UnreadableImage):
                parse_part10(content)
            continue
        part = parse_part10(content)
        whole += 1
        assert part.sop_class == meta.MediaStorageSOPClassUID, path.name
        assert part.sop_instance == meta.MediaStorageSOPInstanceUID, path.name
        assert part.transfer_syntax == meta.TransferSyntaxUID, path.name
        assert content.endswith(part.dataset)
        again = pydicom.dcmread(BytesIO(part.file()), stop_before_pixels=True)
        assert list(again.keys()) == list(pydicom.dcmread(path, stop_before_pixels=True).keys())
    assert whole == 35


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_torn_and_altered_files_are_taken_apart_or_refused_and_nothing_else(data):
    content = bytearray(FILE[: data.draw(st.integers(0, len(FILE)))])
    for _ in range(data.draw(st.integers(0, 4))):
        if content:
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        part = parse_part10(bytes(content))
    except UnreadableImage:
        return
    assert all(map(is_uid, (part.sop_class, part.sop_instance, part.transfer_syntax)))
    assert bytes(content).endswith(part.dataset)
    assert parse_part10(part.file()) == part


@pytest.mark.parametrize("syntax", [EXPLICIT, ImplicitVRLittleEndian, ExplicitVRBigEndian])
@pytest.mark.parametrize("uid", ["1.2.34", "1.2.345"])  # even and odd lengths
def test_a_data_set_is_found_to_name_an_object_in_every_encoding(syntax, uid):
    made = an_object("7", study=uid)
    made.file_meta.TransferSyntaxUID = UID(syntax)
    part = parse_part10(file_of(made))
    assert part.names(STUDY_TAG, uid)
    assert part.names(SOP_INSTANCE_TAG, f"{uid}.7")
    assert not part.names(STUDY_TAG, f"{uid}.7")
    assert not part.names(SOP_INSTANCE_TAG, uid)
    assert not part.names(SOP_INSTANCE_TAG, f"{uid}.70")


@given(st.text("0123456789.a \n٣", max_size=70))
def test_a_uid_by_the_standard_is_one_and_what_else_is_one_is_harmless(text):
    uid = UID(text, validation_mode=pydicom.config.IGNORE)
    if uid.is_valid and "." in uid:
        assert is_uid(str(uid))
    if is_uid(text):
        assert re.fullmatch(r"[0-9.]{3,64}", text)


@pytest.mark.parametrize("wrong", ["", "../../etc", "1.2.3\n", "1." * 40 + "1", "1..2"])
def test_no_file_is_made_under_a_name_that_is_no_uid(wrong):
    with pytest.raises(ValueError, match="UID"):
        part10(DX, wrong, EXPLICIT, b"")


def test_an_object_knows_its_parts():
    assert Part10(DX, "1.2.34.7", EXPLICIT, WHOLE.dataset) == WHOLE
