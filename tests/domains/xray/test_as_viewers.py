"""Files that break a rule look as DCMTK shows them, or say what is wrong with them."""

from __future__ import annotations

import shutil
import subprocess

import cv2
import numpy as np
import pytest
from pydicom import Dataset
from pydicom.config import disable_value_validation

from core.errors import UnreadableImage
from domains.xray.decoding.dicom import read_dicom
from domains.xray.decoding.display import bits_in_use
from domains.xray.node.part10 import SOP_INSTANCE_TAG, parse_part10
from tests.domains.xray.radiographs import a_chest, an_object, encodings, part10
from tests.needed import skip_without

CHEST = a_chest(side=64)
ENDING = b"\xfe\xff\xdd\xe0\0\0\0\0"
ITEM_ENDING = b"\xfe\xff\x0d\xe0\0\0\0\0"


def ours(file: bytes) -> np.ndarray:
    return read_dicom(file, 10**8).pixels[:, :, 0] / 257


@pytest.fixture
def theirs(tmp_path):
    skip_without(bool(shutil.which("dcm2pnm")), "There is no DCMTK: apt-get install dcmtk")

    def _theirs(file: bytes, *options: str) -> np.ndarray:
        source, target = tmp_path / "a.dcm", tmp_path / "a.png"
        source.write_bytes(file)
        command = ["dcm2pnm", "--write-png", *options, str(source), str(target)]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        return cv2.imread(str(target), cv2.IMREAD_GRAYSCALE)

    return _theirs


def frames(text: bytes) -> bytes:
    file = part10(an_object(CHEST, NumberOfFrames=1))
    at = file.index(b"\x28\x00\x08\x00IS") + 8
    return file[:at] + text + file[at + 2 :]


@pytest.mark.service
@pytest.mark.parametrize("text", [b"0 ", b"-1", b"  "])
def test_no_frames_are_one_frame(theirs, text):
    file = frames(text)
    assert np.abs(ours(file) - theirs(file)).max() < 1
    np.testing.assert_array_equal(ours(file), ours(part10(an_object(CHEST))))


@pytest.mark.parametrize("number", [0, 1, None])
def test_frames_that_the_header_does_not_count_are_said(number):
    dataset = an_object(CHEST, NumberOfFrames=number)
    dataset.PixelData *= 2
    with pytest.raises(UnreadableImage, match="more frames than the 1 that its header says"):
        ours(part10(dataset))


def test_a_number_of_frames_that_is_none_is_said():
    with pytest.raises(UnreadableImage, match="whole numbers above 0 in NumberOfFrames"):
        ours(frames(b"1A"))


@pytest.mark.parametrize("encoding", ["JPEG 2000", "JPEG-LS", "RLE", "JPEG lossless"])
def test_a_compressed_image_without_its_last_delimiter_is_read(encoding):
    file = encodings(CHEST)[encoding]
    assert file.endswith(ENDING)
    np.testing.assert_array_equal(ours(file[: -len(ENDING)]), ours(file))


@pytest.mark.parametrize(
    "behind", [bytes(500), b"\xff" * 501, b"\xfa\xff\xfa\xffSQ\0\0" + b"\xff" * 4]
)
def test_what_stands_behind_the_pixels_harms_nothing(behind):
    file = part10(an_object(CHEST))
    np.testing.assert_array_equal(ours(file + behind), ours(file))


@pytest.mark.parametrize("missing", [ENDING, ITEM_ENDING])
def test_a_sequence_without_its_end_before_the_pixels_is_said(missing):
    item = Dataset()
    item.RequestedProcedureID = "R"
    dataset = an_object(CHEST, RequestAttributesSequence=[item])
    dataset["RequestAttributesSequence"].is_undefined_length = True
    item.is_undefined_length_sequence_item = True
    file = part10(dataset)
    at = file.index(missing)
    with pytest.raises(UnreadableImage, match="cut short, or a sequence in it has no end"):
        ours(file[:at] + file[at + len(missing) :])


@pytest.mark.service
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", [10, 12, 14])
def test_fewer_bits_than_stored_without_a_window_are_shown_by_their_own_range(theirs, bits, signed):
    chest = a_chest(side=64, bits=bits)
    file = part10(an_object(chest.astype(np.int16) if signed else chest, 16))
    shown = ours(file)
    assert np.abs(shown - 255 * (chest / (2**bits - 1))).max() < 1
    # By minimum and maximum, as viewers do; by the bits stored dcm2pnm shows it all but black.
    by_range = theirs(file, "--min-max-window").astype(float)
    assert np.corrcoef(shown.ravel(), by_range.ravel())[0, 1] > 0.9999
    assert abs(shown.mean() - by_range.mean()) < 30  # it has no value at either end of its bits
    assert read_dicom(file, 10**8).meta["window"] == f"none: range of the {bits} bits in use"


def test_signed_values_around_zero_are_shown_by_their_own_range():
    chest = a_chest(side=64).astype(np.int16) - 2048
    file = part10(an_object(chest, 16))
    assert np.abs(ours(file) - 255 * ((chest + 2048) / 4095)).max() < 1


@pytest.mark.service
def test_a_window_that_is_stated_counts_whatever_bits_are_in_use(theirs):
    file = part10(an_object(CHEST, 16, WindowCenter=2048, WindowWidth=4096))
    assert np.abs(ours(file) - theirs(file, "--use-window", "1")).max() < 1


@pytest.mark.parametrize(
    ("used", "bits", "expected"),
    [
        ((0, 4095), 16, 12), ((0, 4095), 12, 12), ((0, 2000), 12, 12), ((0, 1000), 12, 10),
        ((0, 0), 12, 1), ((-2048, 2047), 16, 12), ((-2048, 2047), 13, 13), ((-1, 0), 16, 2),
        ((0, 65_535), 16, 16),
    ],
)  # fmt: skip
def test_the_bits_in_use_are_those_that_the_values_need(used, bits, expected):
    assert bits_in_use(used, bits) == expected


@pytest.mark.parametrize("padding", [b" ", b"\0\0\0", b"  ", b"\0 "])
@pytest.mark.parametrize("is_meta", [False, True])
def test_a_uid_is_the_same_with_blanks_and_nuls_around_it(padding, is_meta):
    uid = "1.2.3.4.15"
    file = part10(an_object(CHEST, SOPInstanceUID=uid))
    tag = b"\x02\x00\x03\x00UI" if is_meta else b"\x08\x00\x18\x00UI"
    at = file.index(tag) + len(tag)
    value = uid.encode() + padding
    value += b"\0" * (len(value) % 2)
    padded = file[:at] + len(value).to_bytes(2, "little") + value + file[at + 2 + len(uid) :]
    part = parse_part10(padded)
    assert part.sop_instance == uid
    assert part.names(SOP_INSTANCE_TAG, uid)
    assert not part.names(SOP_INSTANCE_TAG, "1.2.3.4.1")
    with disable_value_validation():
        assert read_dicom(padded, 10**8).meta["sop_uid"] == uid
