"""A header is read apart from the pixels: whatever they are like, it says whose they are."""

from __future__ import annotations

from contextlib import suppress

import pytest
from pydicom import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGExtended12Bit,
)

from core.errors import UnreadableImage
from core.imaging.files import open_file, wrap_bytes
from core.imaging.sandbox import Sandbox
from core.settings import MEBI, Settings
from core.types import Unreadable
from domains.xray import pack
from tests.domains.xray.deadly_pack import ABORT, SLEEP
from tests.domains.xray.radiographs import a_chest, an_object, encodings, part10

ENTRY = "domains.xray:pack"
STATED = {
    "patient_name": "Meier^Karl",
    "patient_id": "4711",
    "accession": "A-17",
    "institution": "St. Mary",
    "laterality": "L",
    "priority": "STAT",
    "study_uid": "1.2.840.99",
}


def a_named(**tags: object) -> Dataset:
    stated = {
        "StudyInstanceUID": "1.2.840.99",
        "PatientName": "Meier^Karl",
        "PatientID": "4711",
        "AccessionNumber": "A-17",
        "InstitutionName": "St. Mary",
        "ImageLaterality": "L",
        "RequestedProcedurePriority": "STAT",
    }
    return an_object(a_chest(side=64), **{**stated, **tags})


def compressed(syntax: str, stream: bytes) -> bytes:
    dataset = a_named()
    dataset.PixelData = encapsulate([stream])
    return part10(dataset, UID(syntax))


def without_pixels() -> bytes:
    dataset = a_named()
    file = part10(dataset)
    return file[: file.index(b"\xe0\x7f\x10\x00")]


WHOLE = part10(a_named())
UNREADABLE = {
    "cut short": WHOLE[:-100],
    "cut behind the header": without_pixels(),
    "huge": part10(a_named(Rows=60_000, Columns=60_000)),
    "another size than its pixels": part10(a_named(Rows=100)),
    "32 bits": part10(a_named(BitsAllocated=32, BitsStored=32, HighBit=31)),
    "no such syntax": compressed("1.2.840.10008.1.2.4.56", b"\xff\xd8" * 40),
    "12-bit JPEG": compressed(
        JPEGExtended12Bit, b"\xff\xd8\xff\xc1\0\x0b\x0c\0\x40\0\x40\1\1\x11\0"
    ),
    "damaged JPEG 2000": compressed(JPEG2000Lossless, b"\xff\x4f\xff\x51" + bytes(60)),
    "deflated": part10(a_named(), DeflatedExplicitVRLittleEndian),
    "implicit, cut": part10(a_named(), ImplicitVRLittleEndian)[:-100],
    "big endian, cut": part10(a_named(), ExplicitVRBigEndian)[:-100],
    "a decoder that dies": WHOLE + ABORT,
    "a decoder that hangs": WHOLE + SLEEP,
}


@pytest.fixture(scope="module")
def frames() -> dict[str, Unreadable]:
    settings = Settings(decode_timeout_s=2.0, max_bytes=MEBI)
    with Sandbox("tests.domains.xray.deadly_pack:pack", 64, settings) as box:
        incoming = [wrap_bytes(name, data) for name, data in UNREADABLE.items()]
        too_large = wrap_bytes("a file that is too large", WHOLE + bytes(MEBI))
        return {one.id: one.frame for one in box.samples([*incoming, too_large])}


@pytest.mark.parametrize("kind", [*UNREADABLE, "a file that is too large"])
def test_every_kind_of_unreadable_picture_says_whose_it_is(frames, kind):
    frame = frames[kind]
    assert isinstance(frame, Unreadable)
    assert {word: frame.meta.get(word, "") for word in STATED} == STATED
    assert frame.group == "1.2.840.99"
    assert "header does not read" not in frame.message


def test_a_file_that_is_too_large_to_be_read_says_whose_it_is(tmp_path):
    path = tmp_path / "large.dcm"
    path.write_bytes(WHOLE + bytes(MEBI))
    with Sandbox(ENTRY, 64, Settings(max_bytes=MEBI)) as box:
        (sample,) = box.samples([open_file(path, MEBI)])
    assert isinstance(sample.frame, Unreadable)
    assert "too large" in sample.frame.message
    assert (sample.frame.meta["patient_id"], sample.frame.group) == ("4711", "1.2.840.99")


@pytest.mark.parametrize("encoding", list(encodings(a_chest(side=64))))
def test_a_header_cut_at_any_byte_says_nothing_that_the_file_does_not_say(encoding):
    file = encodings(a_chest(side=64), PatientID="4711-long", PatientName="Meier^Karl")[encoding]
    whole = pack.describe(file).meta
    for end in range(140, min(len(file), 1400), 7):
        cut = {}
        with suppress(UnreadableImage):
            cut = pack.describe(file[:end]).meta
        assert cut.items() <= whole.items()


def test_where_not_even_the_header_reads_the_sentence_says_so():
    torn = (
        bytes(128) + b"DICM" + b"\x02\x00\x10\x00UI\x14\x001.2.840.10008.1.2.1\x00" + b"\xff" * 40
    )
    with Sandbox(ENTRY, 64, Settings()) as box:
        (sample,) = box.samples([wrap_bytes("torn", torn)])
    assert isinstance(sample.frame, Unreadable)
    assert sample.frame.message.endswith("nothing says whose it is.")
    assert (dict(sample.frame.meta), sample.frame.group) == ({}, "")
