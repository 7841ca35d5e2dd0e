"""One object in every encoding has one identity, and another object has another one."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest
from pydicom import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGLSNearLossless

from domains.xray.decoding.identity import digests
from tests.domains.xray.radiographs import a_chest, an_object, encodings, part10
from tests.domains.xray.wire import dcmtk

PIXELS = 10**8
CHEST = a_chest(side=64)


def of(file: bytes) -> tuple[str, str]:
    return digests(file, PIXELS)


def a_dataset(**tags: object) -> Dataset:
    item = Dataset()
    item.RequestedProcedureID = "R1"
    stated = {"SpecificCharacterSet": "ISO_IR 100", "PatientName": "Müller^Jürgen"}
    return an_object(CHEST, **{**stated, "RequestAttributesSequence": [item], **tags})


PLAIN = of(part10(a_dataset()))


@pytest.mark.parametrize(("bits", "signed"), [(8, False), (12, False), (16, False), (12, True)])
def test_every_lossless_encoding_of_one_object_is_the_same_object(bits, signed):
    chest = a_chest(side=64, bits=bits)
    chest = chest.astype(np.uint8) if bits == 8 else chest
    stored = (chest - 2.0 ** (bits - 1)).astype(np.int16) if signed else chest
    found = {name: of(file) for name, file in encodings(stored, bits).items()}
    assert len(found) == 7
    assert all(found["RLE"])
    assert {pixels for _, pixels in found.values()} == {found["RLE"][1]}
    found.pop("JPEG lossless")  # GDCM writes a pixel spacing of 1 mm where none is stated
    assert set(found.values()) == {found["RLE"]}


def undefined_lengths(dataset: Dataset) -> None:
    dataset["RequestAttributesSequence"].is_undefined_length = True
    dataset.RequestAttributesSequence[0].is_undefined_length_sequence_item = True


CHANGES = {
    "another character set": lambda d: setattr(d, "SpecificCharacterSet", "ISO_IR 192"),
    "undefined lengths": undefined_lengths,
    "a private attribute": lambda d: d.add_new((0x0009, 0x0010), "LO", "ARCHIVE"),
    "padding": lambda d: d.add_new((0xFFFC, 0xFFFC), "OB", bytes(64)),
    "an empty attribute": lambda d: setattr(d, "PatientComments", ""),
    "blanks around a text": lambda d: setattr(d, "AccessionNumber", f" {d.AccessionNumber} "),
}
OTHERS = {
    "another patient": lambda d: setattr(d, "PatientID", "4711"),
    "another name": lambda d: setattr(d, "PatientName", "Meier^Karl"),
    "the other side": lambda d: setattr(d, "PatientOrientation", ["R", "F"]),
    "another order": lambda d: setattr(d.RequestAttributesSequence[0], "RequestedProcedureID", "2"),
    "an attribute less": lambda d: delattr(d, "BodyPartExamined"),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_what_archives_do_on_the_way_changes_no_object(change, syntax):
    dataset = a_dataset()
    CHANGES[change](dataset)
    file = part10(dataset, syntax)
    assert file != part10(a_dataset())
    assert of(file) == PLAIN


@pytest.mark.parametrize("change", OTHERS)
def test_whoever_says_something_else_is_another_object(change):
    dataset = a_dataset()
    OTHERS[change](dataset)
    attributes, pixels = of(part10(dataset))
    assert attributes != PLAIN[0]
    assert pixels == PLAIN[1]


def test_one_value_of_one_pixel_makes_another_object():
    altered = CHEST.copy()
    altered[7, 5] ^= 1
    dataset = a_dataset()
    dataset.PixelData = altered.tobytes()
    attributes, pixels = of(part10(dataset))
    assert attributes == PLAIN[0]
    assert pixels != PLAIN[1]


@pytest.mark.parametrize(
    "program", ["dcmconv +ti", "dcmconv +tb", "dcmconv -e", "dcmconv -g", "dcmcrle", "dcmcjpls"]
)
def test_what_dcmtk_writes_is_the_same_object(program, tmp_path):
    name, *options = program.split()
    (tmp_path / "in.dcm").write_bytes(part10(a_dataset()))
    command = [dcmtk(name), *options, str(tmp_path / "in.dcm"), str(tmp_path / "out.dcm")]
    subprocess.run(command, check=True, timeout=60)
    file = (tmp_path / "out.dcm").read_bytes()
    assert file != part10(a_dataset())
    assert of(file) == PLAIN


def test_a_picture_compressed_with_loss_is_another_object():
    dataset = a_dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.compress(
        JPEGLSNearLossless, CHEST, jls_error=2, encoding_plugin="pyjpegls",
        generate_instance_uid=False,
    )  # fmt: skip
    assert of(part10(dataset, JPEGLSNearLossless))[1] != PLAIN[1]


def test_a_report_has_an_identity_without_pixels():
    dataset = a_dataset()
    file = part10(dataset)
    report = file[: file.index(b"\xe0\x7f\x10\x00")]
    assert of(report) == (PLAIN[0], "")
